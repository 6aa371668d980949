//! From 8-bit HWC to float CHW. The only place where pixels become floats; no half precision.

use crate::AugmentError;
use crate::error::require;

/// (level - mean) / std for each channel, and planes instead of interleaved pixels.
///
/// Both are in units of levels (0 to 255). A level has only 256 values, so the quotients come from a
/// table of 3 KB: they are exactly the f32 quotients (a product with 1 / std would be off by one unit
/// in the last place for some levels), at the price of one load from the first-level cache, where the
/// three interleaved channels would keep a vector unit from working at full width anyway.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
    table: Box<[[f32; 256]; 3]>,
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

    /// The pixel that comes nearest to 0 after normalisation: what erasing fills with.
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
        let [reds, greens, blues] = &*self.table;
        let (pixels, _) = pixels.as_chunks::<3>();
        for (((&[r, g, b], red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
            *red = reds[usize::from(r)];
            *green = greens[usize::from(g)];
            *blue = blues[usize::from(b)];
        }
        Ok(())
    }

    fn with_table(mean: [f32; 3], std: [f32; 3]) -> Self {
        let channel = |c: usize| std::array::from_fn(|level| (level as f32 - mean[c]) / std[c]);
        Normalize {
            mean,
            std,
            table: Box::new(std::array::from_fn(channel)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
