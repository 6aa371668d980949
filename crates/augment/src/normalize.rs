//! From 8-bit HWC to float CHW. Only here do pixels become floats; there is no half precision.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
use pixels::{Instructions, dispatch};

use crate::error::require;
use crate::{AugmentError, Level};

/// (level - mean) / std for each channel, and planes instead of interleaved pixels.
///
/// Both are in units of levels (0 to 255). The results are exactly the f32 quotients at every [`Level`]
/// of instructions. A level has only 256 values, so the portable kernel looks them up.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
    table: Box<[[f32; 256]; 3]>,
    level: Level,
}

/// How vectors compute the quotients of one channel.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Quotient {
    mean: f32,
    std: f32,
    /// 1 / std, rounded.
    reciprocal: f32,
}

#[cfg(target_arch = "x86_64")]
impl Quotient {
    /// x / std by a product and one correction with the remainder (Markstein, IBM Journal of Research and Development
    /// 34(1), 1990). The result is the quotient rounded to nearest, except if an intermediate value over- or
    /// underflows.
    fn of(self, level: u8) -> f32 {
        let x = f32::from(level) - self.mean;
        let quotient = x * self.reciprocal;
        let remainder = quotient.mul_add(-self.std, x);
        remainder.mul_add(self.reciprocal, quotient)
    }
}

impl Default for Normalize {
    /// ImageNet's: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225, times 255.
    fn default() -> Self {
        let levels = |shares: [f32; 3]| shares.map(|share| share * 255.0);
        Self::with_table(levels([0.485, 0.456, 0.406]), levels([0.229, 0.224, 0.225]))
    }
}

impl Normalize {
    /// `mean` and `std` of R, G, B in levels.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless every number is finite and every `std` positive.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Result<Self, AugmentError> {
        for mean in mean.map(f64::from) {
            require(
                mean.is_finite(),
                "mean",
                mean,
                "finite, in levels of 0 to 255",
            )?;
        }
        for std in std.map(f64::from) {
            require(
                std > 0.0 && std.is_finite(),
                "std",
                std,
                "above 0, in levels of 0 to 255",
            )?;
        }
        Ok(Self::with_table(mean, std))
    }

    /// The means in levels.
    #[must_use]
    pub fn mean(&self) -> [f32; 3] {
        self.mean
    }

    /// The standard deviations in levels.
    #[must_use]
    pub fn std(&self) -> [f32; 3] {
        self.std
    }

    /// The pixel closest to 0 after normalisation. Erasing fills with it.
    #[must_use]
    pub fn rounded_mean(&self) -> [u8; 3] {
        self.mean.map(|mean| mean.round() as u8)
    }

    /// Normalises packed RGB pixels (H x W x 3) into three planes (3 x H x W).
    ///
    /// # Errors
    /// [`AugmentError::OutputLength`] unless `planes` has as many values as `pixels` has bytes, a
    /// multiple of three.
    pub fn apply(&self, pixels: &[u8], planes: &mut [f32]) -> Result<(), AugmentError> {
        let count = pixels.len() / 3;
        if planes.len() != pixels.len() || pixels.len() != 3 * count {
            return Err(AugmentError::OutputLength {
                expected: 3 * count,
                actual: planes.len(),
            });
        }
        let (red, rest) = planes.split_at_mut(count);
        let (green, blue) = rest.split_at_mut(count);
        self.apply_checked(pixels, [red, green, blue]);
        Ok(())
    }

    fn apply_checked(&self, pixels: &[u8], [red, green, blue]: [&mut [f32]; 3]) {
        #[cfg(target_arch = "x86_64")]
        if self.level.has(Instructions::Avx2Fma) {
            for (channel, out) in [red, green, blue].into_iter().enumerate() {
                let quotient = self.quotient(channel);
                plane(
                    self.level,
                    pixels,
                    channel,
                    quotient,
                    &self.table[channel],
                    out,
                );
            }
            return;
        }
        let [reds, greens, blues] = &*self.table;
        let (pixels, _) = pixels.as_chunks::<3>();
        for (((&[r, g, b], red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
            *red = reds[usize::from(r)];
            *green = greens[usize::from(g)];
            *blue = blues[usize::from(b)];
        }
    }

    fn with_table(mean: [f32; 3], std: [f32; 3]) -> Self {
        let channel = |c: usize| std::array::from_fn(|level| (level as f32 - mean[c]) / std[c]);
        let table = Box::new(std::array::from_fn(channel));
        let normalize = Normalize {
            mean,
            std,
            table,
            level: Level::SCALAR,
        };
        normalize.with_level(Level::best())
    }

    /// Uses `level`. If mean and std are so extreme that only the table has their quotients, uses the table.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        let level = if self.vectors_agree() {
            level
        } else {
            Level::SCALAR
        };
        Normalize { level, ..self }
    }

    #[cfg(target_arch = "x86_64")]
    fn vectors_agree(&self) -> bool {
        self.table.iter().enumerate().all(|(channel, table)| {
            let quotient = self.quotient(channel);
            (0..=255u8)
                .zip(table)
                .all(|(level, exact)| quotient.of(level).to_bits() == exact.to_bits())
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn vectors_agree(&self) -> bool {
        true
    }

    #[cfg(target_arch = "x86_64")]
    fn quotient(&self, channel: usize) -> Quotient {
        Quotient {
            mean: self.mean[channel],
            std: self.std[channel],
            reciprocal: 1.0 / self.std[channel],
        }
    }
}

#[cfg(target_arch = "x86_64")]
dispatch! {
    fn plane(level: Level, pixels: &[u8], channel: usize, quotient: Quotient, table: &[f32; 256], out: &mut [f32]) {
        Avx512Vbmi => avx512::plane,
        Avx2Fma => avx2::plane,
        _ => plane_of_table,
    }
}

#[cfg(target_arch = "x86_64")]
fn plane_of_table(pixels: &[u8], channel: usize, _: Quotient, table: &[f32; 256], out: &mut [f32]) {
    for (out, pixel) in out.iter_mut().zip(pixels.as_chunks::<3>().0) {
        *out = table[usize::from(pixel[channel])];
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_level_is_the_exact_quotient_in_its_plane() {
        let normalize = Normalize::new([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]).unwrap();
        let pixels: Vec<u8> = (0..=255u8)
            .flat_map(|level| [level, 255 - level, level / 2])
            .collect();
        let mut planes = vec![0.0; pixels.len()];
        normalize.apply(&pixels, &mut planes).unwrap();
        for level in 0..256usize {
            assert_eq!(
                planes[level].to_bits(),
                ((level as f32 - 123.675) / 58.395).to_bits()
            );
            assert_eq!(
                planes[256 + level].to_bits(),
                (((255 - level) as f32 - 116.28) / 57.12).to_bits()
            );
            assert_eq!(
                planes[512 + level].to_bits(),
                (((level / 2) as f32 - 103.53) / 57.375).to_bits()
            );
        }
    }

    proptest! {
        #[test]
        fn every_level_of_instructions_gives_the_same_bits(
            pixels in prop::collection::vec(any::<[u8; 3]>(), 0..300),
            offset in 0usize..20,
            mean in prop::array::uniform3(prop_oneof![0.0f32..255.0, any::<f32>().prop_filter("finite", |x| x.is_finite())]),
            std in prop::array::uniform3(prop_oneof![0.5f32..255.0, 1e-38f32..1e38]),
        ) {
            let pixels = pixels.into_flattened();
            let normalize = Normalize::new(mean, std).unwrap();
            let run = |level| {
                let mut planes = vec![f32::NAN; offset + pixels.len()];
                let normalize = normalize.clone().with_level(level);
                normalize.apply(&pixels, &mut planes[offset..]).unwrap();
                planes.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let expected = run(Level::SCALAR);
            for &level in Level::available() {
                prop_assert!(run(level) == expected, "{level:?}");
            }
        }
    }

    #[test]
    fn usual_means_and_deviations_need_no_table() {
        for (mean, std) in [
            ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
            ([127.5; 3], [127.5; 3]),
            ([0.0; 3], [255.0; 3]),
            ([0.0; 3], [1.0; 3]),
        ] {
            let normalize = Normalize::new(mean, std).unwrap();
            assert_eq!(normalize.level, Level::best());
        }
    }

    #[test]
    fn the_fill_of_erasing_is_nearly_zero() {
        let normalize = Normalize::default();
        assert_eq!(normalize.rounded_mean(), [124, 116, 104]);
        let mut planes = [9.0; 3];
        normalize.apply(&[124, 116, 104], &mut planes).unwrap();
        assert!(planes.iter().all(|value| value.abs() < 0.01), "{planes:?}");
    }

    #[test]
    fn lengths_and_parameters_are_checked() {
        let normalize = Normalize::default();
        assert!(normalize.apply(&[0; 6], &mut [0.0; 3]).is_err());
        assert!(normalize.apply(&[0; 4], &mut [0.0; 4]).is_err());
        assert!(Normalize::new([0.0; 3], [1.0, 0.0, 1.0]).is_err());
        assert!(Normalize::new([0.0, f32::NAN, 0.0], [1.0; 3]).is_err());
    }
}
