//! The geometry of validation: resize the short side, cut out the centre. Handles no pixels.

use crate::error::{checked, require};
use crate::{AugmentError, Filter, Job, Region};

/// Short side to floor(size / crop_pct), then the central `size` x `size` pixels.
///
/// Rounding follows torchvision: the long side is truncated (`int(short * long / short_side)` in
/// `_compute_resized_output_size`), the corner of the central crop is rounded half to even (`int(round((side - size) /
/// 2))` in `center_crop`). The size is floored, as in MindCV and timm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvalCrop {
    size: u32,
    short_side: u32,
    filter: Filter,
}

impl EvalCrop {
    /// `size`: side of the square result in pixels; `crop_pct`: its share of the resized short side,
    /// 0.875 for Inception (299 of 341).
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless 0 < `crop_pct` <= 1 and `size` is at least 1 and fits.
    pub fn new(size: u32, crop_pct: f64, filter: Filter) -> Result<Self, AugmentError> {
        let holds = crop_pct > 0.0 && crop_pct <= 1.0;
        require(holds, "crop_pct", crop_pct, "above 0 and not above 1")?;
        let short_side = (f64::from(size) / crop_pct).floor();
        let holds = (1.0..=f64::from(u32::MAX)).contains(&short_side);
        let name = "the side to which the image is resized, size / crop_pct,";
        require(holds, name, short_side, "from 1 to 4294967295")?;
        Ok(EvalCrop {
            size,
            short_side: short_side as u32,
            filter,
        })
    }

    /// Side of the square result in pixels.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// What to do with an image of `width` x `height` pixels. Its [`Job::source`] says what to decode.
    ///
    /// # Errors
    /// [`AugmentError::BadRect`] when the image has no pixels, or is so thin that the resized long side
    /// exceeds `u32::MAX`.
    pub fn job(&self, width: u32, height: u32) -> Result<Job, AugmentError> {
        let image = checked(Region::whole(width, height), "image")?;
        let (short, long) = (width.min(height), width.max(height));
        let long_side = u64::from(self.short_side) * u64::from(long) / u64::from(short);
        let long_side = u32::try_from(long_side).map_err(|_| AugmentError::BadRect {
            what: "resized image of",
            rect: image,
        })?;
        let (w, h) = if width <= height {
            (self.short_side, long_side)
        } else {
            (long_side, self.short_side)
        };
        let window = Region {
            x: half_to_even(w - self.size),
            y: half_to_even(h - self.size),
            width: self.size,
            height: self.size,
        };
        Job::new(image, w, h, self.filter)?.window(window)
    }
}

/// Half of `margin`, rounded to the even neighbour.
fn half_to_even(margin: u32) -> u32 {
    let half = margin / 2;
    half + (margin % 2) * (half % 2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Resampler, RgbView};
    use proptest::prelude::*;

    fn eval(size: u32, filter: Filter) -> EvalCrop {
        EvalCrop::new(size, 0.875, filter).unwrap()
    }

    #[test]
    fn follows_torchvision_and_mindcv() {
        let whole = Region::whole;
        let expect = |w, h, x, y| {
            Job::new(whole(500, 375), w, h, Filter::Bilinear)
                .unwrap()
                .window(Region {
                    x,
                    y,
                    width: 299,
                    height: 299,
                })
                .unwrap()
        };
        // 341 * 500 / 375 = 454.67; (454 - 299) / 2 = 77.5 -> 78; (341 - 299) / 2 = 21.
        assert_eq!(
            eval(299, Filter::Bilinear).job(500, 375).unwrap(),
            expect(454, 341, 78, 21)
        );
        assert_eq!([0, 1, 2, 3, 5, 7].map(half_to_even), [0, 0, 1, 2, 2, 4]);
        assert_eq!(eval(224, Filter::Bilinear).short_side, 256);
    }

    #[test]
    fn asks_for_the_centre_and_its_margins_only() {
        let source = eval(299, Filter::Bilinear)
            .job(4000, 3000)
            .unwrap()
            .source();
        // 299 of 341 rows of an image shrunk by 8.798: 2631 rows and up to 9 on either side.
        assert!((2631..=2631 + 18).contains(&source.height), "{source}");
        assert!((2631..=2631 + 18).contains(&source.width), "{source}");
        assert!(
            source.x.abs_diff((4000 - source.width) / 2) < 9
                && source.y.abs_diff((3000 - source.height) / 2) < 9
        );
    }

    #[test]
    fn strips_and_bad_arguments_are_errors_or_images_never_panics() {
        assert!(eval(299, Filter::Bilinear).job(0, 5).is_err());
        assert!(eval(299, Filter::Bilinear).job(u32::MAX, 1).is_err());
        assert_eq!(
            eval(8, Filter::Nearest)
                .job(65_535, 1)
                .unwrap()
                .output_size(),
            (8, 8)
        );
        assert!(EvalCrop::new(0, 0.875, Filter::Bilinear).is_err());
        assert!(EvalCrop::new(299, 1.1, Filter::Bilinear).is_err());
        assert!(EvalCrop::new(299, f64::NAN, Filter::Bilinear).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_resizing_everything_and_cropping(
            (width, height) in (1u32..70, 1u32..70),
            size in 1u32..24,
            filter in prop::sample::select(vec![Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::PlainBilinear]),
            seed: u32,
        ) {
            let pixels: Vec<u8> = (0..3 * width * height).map(|i| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let image = RgbView::packed(&pixels, width, height).unwrap();
            let job = eval(size, filter).job(width, height).unwrap();
            let mut resampler = Resampler::new();

            let (w, h) = job.scaled_size();
            let mut resized = vec![0; 3 * (w * h) as usize];
            resampler.run(image, &Job::new(Region::whole(width, height), w, h, filter).unwrap(), &mut resized).unwrap();
            let resized = RgbView::packed(&resized, w, h).unwrap();
            let left = half_to_even(w - size);
            let cropped: Vec<u8> = (0..size).flat_map(|y| resized.row(left, half_to_even(h - size) + y, size).to_vec()).collect();

            // Only the pixels that `source` asks for are there; reading any other would be an error.
            let source = job.source();
            let decoded: Vec<u8> = (source.y..source.y + source.height).flat_map(|y| image.row(source.x, y, source.width).to_vec()).collect();
            let view = RgbView::new(&decoded, 3 * source.width as usize, source).unwrap();
            let mut direct = vec![0; cropped.len()];
            resampler.run(view, &job, &mut direct).unwrap();
            prop_assert_eq!(direct, cropped);
        }
    }
}
