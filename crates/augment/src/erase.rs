//! Random erasing (Zhong et al., AAAI 2020): draws a rectangle and fills it with a constant colour.

use std::num::NonZeroU32;

use crate::crop::check_shape;
use crate::error::require;
use crate::{AugmentError, Region, SampleRng};

/// How the aspect ratio of the erased rectangle is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AspectDraw {
    /// Uniform, as in MindSpore and MindCV. It favours wide rectangles.
    #[default]
    Uniform,
    /// Log-uniform, as in torchvision and timm. Wide and tall are equally likely.
    LogUniform,
}

/// With some probability, erases a rectangle of random area and aspect at a random place.
///
/// It follows MindCV: the area is uniform in `scale` as a share of the image, the aspect w / h is drawn from `ratio`, w
/// = round(sqrt(area aspect)), h = round(w / aspect). Up to 10 attempts are made until the rectangle fits; if none
/// does, nothing is erased. MindCV writes 0 after normalisation, which is the mean. To match it, fill with
/// [`Normalize::rounded_mean`](crate::Normalize::rounded_mean).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomErasing {
    probability: f64,
    scale: (f64, f64),
    ratio: (f64, f64),
    aspect: AspectDraw,
    attempts: NonZeroU32,
}

impl RandomErasing {
    /// MindCV's defaults: area 0.02 to 0.33, ratio 0.3 to 3.3, drawn uniformly.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless `probability` is in 0 to 1.
    pub fn new(probability: f64) -> Result<Self, AugmentError> {
        let holds = (0.0..=1.0).contains(&probability);
        require(holds, "probability of erasing", probability, "from 0 to 1")?;
        Ok(RandomErasing {
            probability,
            scale: (0.02, 0.33),
            ratio: (0.3, 3.3),
            aspect: AspectDraw::Uniform,
            attempts: NonZeroU32::MIN.saturating_add(9),
        })
    }

    /// Sets the number of attempts, 10 by default.
    #[must_use]
    pub fn with_attempts(self, attempts: NonZeroU32) -> Self {
        RandomErasing { attempts, ..self }
    }

    /// Sets the bounds of the share of the area and of width / height, and how the latter is drawn.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless 0 < `scale` <= 1 and 0 < `ratio`, smaller bounds first.
    pub fn with_shape(
        self,
        scale: (f64, f64),
        ratio: (f64, f64),
        aspect: AspectDraw,
    ) -> Result<Self, AugmentError> {
        check_shape(scale, ratio)?;
        Ok(RandomErasing {
            scale,
            ratio,
            aspect,
            ..self
        })
    }

    /// Draws the rectangle to erase in an image of `width` x `height` pixels, if any.
    pub fn sample(&self, width: u32, height: u32, rng: &mut SampleRng) -> Option<Region> {
        if !rng.chance(self.probability) {
            return None;
        }
        let area = f64::from(width) * f64::from(height);
        for _ in 0..self.attempts.get() {
            let share = rng.uniform(self.scale.0, self.scale.1);
            let aspect = match self.aspect {
                AspectDraw::Uniform => rng.uniform(self.ratio.0, self.ratio.1),
                AspectDraw::LogUniform => rng.log_uniform(self.ratio.0, self.ratio.1),
            };
            let w = (area * share * aspect).sqrt().round();
            let h = (w / aspect).round();
            if w >= 1.0 && h >= 1.0 && w <= f64::from(width) && h <= f64::from(height) {
                let (w, h) = (w as u32, h as u32);
                let y = rng.below(u64::from(height - h) + 1) as u32;
                let x = rng.below(u64::from(width - w) + 1) as u32;
                return Some(Region {
                    x,
                    y,
                    width: w,
                    height: h,
                });
            }
        }
        None
    }
}

/// Sets the pixels of `rect` to `color` in an RGB image of `width` pixels per row, without padding.
///
/// # Errors
/// [`AugmentError::WindowOutside`] when the rectangle is not inside the image.
pub fn fill_rect(
    pixels: &mut [u8],
    width: u32,
    rect: Region,
    color: [u8; 3],
) -> Result<(), AugmentError> {
    let row = 3 * width as usize;
    let height = pixels.len().checked_div(row).unwrap_or(0) as u32;
    if !Region::whole(width, height).contains(&rect) {
        return Err(AugmentError::WindowOutside {
            window: rect,
            width,
            height,
        });
    }
    let end = row * rect.bottom() as usize;
    for line in pixels[..end]
        .chunks_exact_mut(row.max(1))
        .skip(rect.y as usize)
    {
        let (line, _) = line[3 * rect.x as usize..][..3 * rect.width as usize].as_chunks_mut::<3>();
        line.fill(color);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rectangles_lie_inside(width in 1u32..400, height in 1u32..400, seed: u64) {
            let erasing = RandomErasing::new(1.0).unwrap();
            if let Some(rect) = erasing.sample(width, height, &mut SampleRng::new(seed, 0, 0)) {
                prop_assert!(rect.width > 0 && rect.height > 0);
                prop_assert!(Region::whole(width, height).contains(&rect));
            }
        }
    }

    #[test]
    fn probability_area_and_aspect_follow_the_options() {
        let draw = |aspect| {
            let erasing = RandomErasing::new(0.25)
                .unwrap()
                .with_shape((0.02, 0.33), (0.3, 3.3), aspect)
                .unwrap();
            let rects: Vec<_> = (0..20_000)
                .filter_map(|i| erasing.sample(299, 299, &mut SampleRng::new(1, 0, i)))
                .collect();
            let wide = rects.iter().filter(|rect| rect.width > rect.height).count() as f64
                / rects.len() as f64;
            let share = rects
                .iter()
                .map(|rect| f64::from(rect.width * rect.height) / 89_401.0)
                .sum::<f64>()
                / rects.len() as f64;
            assert!(rects.len().abs_diff(5000) < 250, "{}", rects.len());
            assert!(rects.iter().all(|rect| rect.width * rect.height > 1600));
            (wide, share)
        };
        // Uniform: 2.3 of 3.0 of the ratios are above 1. Shares above 0.303 do not fit at the widest ratio.
        let (wide, share) = draw(AspectDraw::Uniform);
        assert!(
            (wide - 0.767).abs() < 0.03 && (share - 0.174).abs() < 0.006,
            "{wide} {share}"
        );
        let (wide, _) = draw(AspectDraw::LogUniform);
        assert!((wide - 0.5).abs() < 0.03, "{wide}");
    }

    #[test]
    fn fills_the_rectangle_and_nothing_else() {
        let mut pixels = vec![0; 3 * 5 * 4];
        let rect = Region {
            x: 1,
            y: 2,
            width: 3,
            height: 1,
        };
        fill_rect(&mut pixels, 5, rect, [124, 116, 104]).unwrap();
        let mut expected = vec![0; 3 * 5 * 4];
        expected[3 * 11..3 * 14].copy_from_slice(&[124, 116, 104, 124, 116, 104, 124, 116, 104]);
        assert_eq!(pixels, expected);
        assert!(fill_rect(&mut pixels, 5, Region { y: 4, ..rect }, [0; 3]).is_err());
        assert!(fill_rect(&mut pixels, 5, Region { x: 3, ..rect }, [0; 3]).is_err());
        assert!(fill_rect(&mut [], 0, Region::default(), [0; 3]).is_ok());
    }

    #[test]
    fn refuses_what_is_no_probability_or_range() {
        assert!(
            RandomErasing::new(-0.1).is_err()
                && RandomErasing::new(1.1).is_err()
                && RandomErasing::new(f64::NAN).is_err()
        );
        let erasing = RandomErasing::new(0.0).unwrap();
        assert!(
            erasing
                .with_shape((0.3, 0.2), (0.3, 3.3), AspectDraw::Uniform)
                .is_err()
        );
        assert!(
            erasing
                .with_shape((0.1, 0.2), (0.0, 3.3), AspectDraw::Uniform)
                .is_err()
        );
    }
}
