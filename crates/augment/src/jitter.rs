//! Colour jitter: brightness, contrast, saturation. There is no hue, because MindCV's recipes do not change it.

use crate::error::require;
use crate::rgb8::{self, IDENTITY, blend};
use crate::{AugmentError, Level, SampleRng};

/// One adjustment. Factor 1 leaves the image unchanged; 0 gives black, the gray of the mean, and gray.
///
/// Bit-exact with Pillow's `ImageEnhance.Brightness`, `Contrast` and `Color`, which blend in single
/// precision, truncate and saturate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adjustment {
    /// Blend with black.
    Brightness(f32),
    /// Blend with the rounded mean of the luma.
    Contrast(f32),
    /// Blend with the luma of the pixel.
    Saturation(f32),
}

impl Adjustment {
    /// Adjusts packed RGB pixels in place. The mean for contrast is taken over all of `pixels`.
    pub fn apply(self, pixels: &mut [u8]) {
        match self {
            Adjustment::Brightness(factor) => blend_with(0, factor, pixels),
            Adjustment::Contrast(factor) => {
                blend_with(mean_luma(Level::best(), pixels), factor, pixels);
            }
            Adjustment::Saturation(factor) => saturate(Level::best(), factor, pixels),
        }
    }
}

/// Random brightness, contrast and saturation in random order, as in MindSpore's `RandomColorAdjust` and torchvision's
/// `ColorJitter`. Each factor is uniform in [max(0, 1 - strength), 1 + strength].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorJitter {
    strengths: [f64; 3],
}

impl ColorJitter {
    /// Strengths of brightness, contrast and saturation; MindCV's `color_jitter: 0.4` is 0.4 for each.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] when one is negative or not finite.
    pub fn new(brightness: f64, contrast: f64, saturation: f64) -> Result<Self, AugmentError> {
        for (name, strength) in [
            ("brightness jitter", brightness),
            ("contrast jitter", contrast),
            ("saturation jitter", saturation),
        ] {
            let holds = strength >= 0.0 && strength.is_finite();
            require(holds, name, strength, "at least 0 and finite")?;
        }
        Ok(ColorJitter {
            strengths: [brightness, contrast, saturation],
        })
    }

    /// Draws the adjustments of one sample, in the order to apply them. Always draws the same number of values.
    pub fn sample(&self, rng: &mut SampleRng) -> [Adjustment; 3] {
        let factor = |rng: &mut SampleRng, strength: f64| {
            rng.uniform((1.0 - strength).max(0.0), 1.0 + strength) as f32
        };
        let mut order = [
            Adjustment::Brightness(factor(rng, self.strengths[0])),
            Adjustment::Contrast(factor(rng, self.strengths[1])),
            Adjustment::Saturation(factor(rng, self.strengths[2])),
        ];
        order.swap(2, rng.below(3) as usize);
        order.swap(1, rng.below(2) as usize);
        order
    }
}

/// Blends every byte with a single level.
fn blend_with(other: u8, factor: f32, pixels: &mut [u8]) {
    if factor != 1.0 {
        let table = IDENTITY.map(|level| blend(other, level, factor));
        rgb8::map(Level::best(), pixels, &[table; 3]);
    }
}

/// Blends every pixel with its luma.
pub(crate) fn saturate(level: Level, factor: f32, pixels: &mut [u8]) {
    if factor != 1.0 {
        rgb8::saturate(level, pixels, factor);
    }
}

/// Mean of the luma, rounded half up; 0 for no pixels.
pub(crate) fn mean_luma(level: Level, pixels: &[u8]) -> u8 {
    let count = (pixels.len() / 3) as u64;
    let sum = rgb8::luma_sum(level, pixels);
    (2 * sum + count).checked_div(2 * count).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn factor_one_changes_nothing_and_zero_removes() {
        let pixels: Vec<u8> = (0..=254).collect();
        let after = |adjustment: Adjustment| {
            let mut copy = pixels.clone();
            adjustment.apply(&mut copy);
            copy
        };
        for make in [
            Adjustment::Brightness,
            Adjustment::Contrast,
            Adjustment::Saturation,
        ] {
            assert_eq!(after(make(1.0)), pixels);
        }
        assert!(
            after(Adjustment::Brightness(0.0))
                .iter()
                .all(|&byte| byte == 0)
        );
        assert!(
            after(Adjustment::Contrast(0.0))
                .iter()
                .all(|&byte| byte == 127)
        );
        assert!(
            after(Adjustment::Saturation(0.0))
                .chunks(3)
                .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
        );
        Adjustment::Contrast(0.5).apply(&mut []);
    }

    #[test]
    fn every_order_is_equally_likely_and_factors_fill_their_range() {
        let jitter = ColorJitter::new(0.4, 0.4, 1.5).unwrap();
        let mut orders = std::collections::BTreeMap::new();
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for position in 0..6000 {
            let adjustments = jitter.sample(&mut SampleRng::new(9, 0, position));
            *orders
                .entry(adjustments.map(|a| format!("{a:?}")[..4].to_owned()))
                .or_insert(0u32) += 1;
            for adjustment in adjustments {
                match adjustment {
                    Adjustment::Brightness(f) | Adjustment::Contrast(f) => {
                        assert!((0.6..=1.4).contains(&f));
                    }
                    Adjustment::Saturation(f) => (low, high) = (low.min(f), high.max(f)),
                }
            }
        }
        assert_eq!(orders.len(), 6);
        assert!(
            orders.values().all(|count| count.abs_diff(1000) < 150),
            "{orders:?}"
        );
        assert!(
            (0.0..0.01).contains(&low) && (2.49..=2.5).contains(&high),
            "{low} {high}"
        );
    }

    #[test]
    fn negative_strengths_are_refused() {
        assert!(ColorJitter::new(0.0, 0.0, 0.0).is_ok());
        assert!(ColorJitter::new(-0.1, 0.0, 0.0).is_err());
        assert!(ColorJitter::new(0.0, f64::NAN, 0.0).is_err());
    }
}
