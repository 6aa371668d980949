//! The geometry of a random resized crop. The resampler handles the pixels.

use crate::error::require;
use crate::{AugmentError, Region, SampleRng};

/// The crop of "RandomResizedCrop": a random share of the area with a random aspect ratio.
///
/// It follows MindSpore's `RandomCropAndResizeOp`, which MindCV trains with. The share of the area is uniform in
/// `scale`, and the aspect ratio w / h is log-uniform in `ratio`; w = round(sqrt(H W share aspect)), h = round(w /
/// aspect), at least 1. Up to 10 attempts are made until the rectangle fits; then its corner is uniform. If none fits,
/// the crop is the largest centred rectangle with the image's own aspect, clamped to `ratio`. (torchvision uses h =
/// round(sqrt(H W share / aspect)) and rounds the fallback's corner down. The two differ by at most a pixel.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomResizedCrop {
    /// Bounds of the share of the image's area; 0.08 to 1 for Inception.
    pub scale: (f64, f64),
    /// Bounds of width / height; 3/4 to 4/3 for Inception.
    pub ratio: (f64, f64),
}

const ATTEMPTS: u32 = 10;

impl Default for RandomResizedCrop {
    fn default() -> Self {
        RandomResizedCrop {
            scale: (0.08, 1.0),
            ratio: (3.0 / 4.0, 4.0 / 3.0),
        }
    }
}

impl RandomResizedCrop {
    /// Checks the bounds: 0 < `scale` <= 1, `ratio` positive, each with its smaller bound first.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] names the first bound that is invalid.
    pub fn new(scale: (f64, f64), ratio: (f64, f64)) -> Result<Self, AugmentError> {
        check_shape(scale, ratio)?;
        Ok(RandomResizedCrop { scale, ratio })
    }

    /// Draws a crop of an image of `width` x `height` pixels (each at least 1). The crop is always inside the image.
    pub fn sample(&self, width: u32, height: u32, rng: &mut SampleRng) -> Region {
        let area = f64::from(width) * f64::from(height);
        for _ in 0..ATTEMPTS {
            let share = rng.uniform(self.scale.0, self.scale.1);
            let aspect = rng.log_uniform(self.ratio.0, self.ratio.1);
            let w = whole_pixels((area * share * aspect).sqrt());
            let h = whole_pixels(f64::from(w) / aspect);
            if w <= width && h <= height {
                let x = rng.below(u64::from(width - w) + 1) as u32;
                let y = rng.below(u64::from(height - h) + 1) as u32;
                return Region {
                    x,
                    y,
                    width: w,
                    height: h,
                };
            }
        }
        self.central(width, height)
    }

    /// The crop when no attempt fits: an image that is too narrow loses rows, one that is too wide loses columns.
    fn central(&self, width: u32, height: u32) -> Region {
        let aspect = f64::from(width) / f64::from(height);
        let (narrowest, widest) = self.ratio;
        let w = if aspect > widest {
            whole_pixels(f64::from(height) * widest)
        } else {
            width
        };
        let h = if aspect < narrowest {
            whole_pixels(f64::from(width) / narrowest)
        } else {
            height
        };
        let (w, h) = (w.min(width), h.min(height));
        Region {
            x: (width - w).div_ceil(2),
            y: (height - h).div_ceil(2),
            width: w,
            height: h,
        }
    }
}

/// Rounds half away from zero, to at least one pixel.
fn whole_pixels(side: f64) -> u32 {
    (side.round() as u32).max(1)
}

/// Accepts bounds of a share of the area (0 < low <= high <= 1) and of an aspect ratio (0 < low <= high).
pub(crate) fn check_shape(scale: (f64, f64), ratio: (f64, f64)) -> Result<(), AugmentError> {
    let low = "above 0 and not above the upper bound";
    require(
        scale.0 > 0.0 && scale.0 <= scale.1,
        "the lower bound of scale",
        scale.0,
        low,
    )?;
    require(
        scale.1 <= 1.0,
        "the upper bound of scale",
        scale.1,
        "at most 1",
    )?;
    require(
        ratio.0 > 0.0 && ratio.0 <= ratio.1,
        "the lower bound of ratio",
        ratio.0,
        low,
    )?;
    require(
        ratio.1.is_finite(),
        "the upper bound of ratio",
        ratio.1,
        "finite",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn crops_lie_inside(
            (width, height) in (1u32..5000, 1u32..5000),
            scale in (0.0001f64..1.0, 0.0f64..1.0),
            ratio in (0.01f64..10.0, 1.0f64..10.0),
            seed: u64,
        ) {
            let scale = (scale.0, scale.0 + (1.0 - scale.0) * scale.1);
            let crop = RandomResizedCrop::new(scale, (ratio.0, ratio.0 * ratio.1)).unwrap();
            let rect = crop.sample(width, height, &mut SampleRng::new(seed, 0, 0));
            prop_assert!(rect.width > 0 && rect.height > 0);
            prop_assert!(Region::whole(width, height).contains(&rect), "{rect}");
        }
    }

    #[test]
    fn one_pixel_is_its_own_crop() {
        let rect = RandomResizedCrop::default().sample(1, 1, &mut SampleRng::new(0, 0, 0));
        assert_eq!(rect, Region::whole(1, 1));
    }

    #[test]
    fn strips_fall_back_to_the_centre() {
        // A crop of 3/4 to 4/3 of the whole area cannot fit into a strip of 100 : 1.
        let crop = RandomResizedCrop::new((0.9, 1.0), (0.75, 4.0 / 3.0)).unwrap();
        let rng = &mut SampleRng::new(0, 0, 0);
        assert_eq!(
            crop.sample(1200, 12, rng),
            Region {
                x: 592,
                y: 0,
                width: 16,
                height: 12
            }
        );
        assert_eq!(
            crop.sample(12, 1200, rng),
            Region {
                x: 0,
                y: 592,
                width: 12,
                height: 16
            }
        );
        let square = RandomResizedCrop::new((1.0, 1.0), (0.5, 0.5)).unwrap();
        assert_eq!(
            square.sample(10, 10, rng),
            Region {
                x: 3,
                y: 0,
                width: 5,
                height: 10
            },
            "half a pixel goes right"
        );
    }

    #[test]
    fn area_and_aspect_follow_their_distributions() {
        let (width, height) = (2000u32, 2000u32);
        // Small enough that every first attempt fits, so the test measures the draws themselves.
        let crop = RandomResizedCrop::new((0.1, 0.5), (0.75, 4.0 / 3.0)).unwrap();
        let draws = 20_000;
        let (mut share, mut square, mut log_aspect, mut left) = (0.0, 0.0, 0.0, 0.0);
        for position in 0..draws {
            let rect = crop.sample(width, height, &mut SampleRng::new(5, 0, position));
            let area = f64::from(rect.width) * f64::from(rect.height) / 4e6;
            assert!((0.0995..0.5005).contains(&area), "{area}");
            share += area;
            square += area * area;
            log_aspect += (f64::from(rect.width) / f64::from(rect.height)).ln();
            left += f64::from(rect.x) / f64::from(width - rect.width);
        }
        let n = draws as f64;
        let mean = share / n;
        assert!((mean - 0.3).abs() < 0.003, "mean share {mean}");
        let variance = square / n - mean * mean;
        assert!(
            (variance - 0.16 / 12.0).abs() < 4e-4,
            "variance of the share {variance}"
        );
        assert!(
            (log_aspect / n).abs() < 0.004,
            "mean log aspect {}",
            log_aspect / n
        );
        assert!((left / n - 0.5).abs() < 0.01, "mean corner {}", left / n);
    }

    #[test]
    fn bounds_are_checked_and_named() {
        for (scale, ratio, name) in [
            ((0.0, 1.0), (0.75, 1.3), "the lower bound of scale"),
            ((0.5, 0.4), (0.75, 1.3), "the lower bound of scale"),
            ((0.5, 1.5), (0.75, 1.3), "the upper bound of scale"),
            ((0.5, f64::NAN), (0.75, 1.3), "the lower bound of scale"),
            ((0.5, 1.0), (-1.0, 1.3), "the lower bound of ratio"),
            ((0.5, 1.0), (1.0, f64::INFINITY), "the upper bound of ratio"),
        ] {
            let error = RandomResizedCrop::new(scale, ratio).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
