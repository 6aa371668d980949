//! AugMix: several chains of operations, mixed with one another and with the image.

use super::Draw;
use super::distributions::{beta, dirichlet};
use super::kind::{FULL, Kind, Noise};
use crate::error::require;
use crate::{AugmentError, SampleRng};

/// The convex mixture of `width` chains of `depth` operations, mixed with the image itself (Hendrycks et al.,
/// arXiv:1912.02781). It uses the 13 operations, ranges and arithmetic of timm's `AugMixAugment`, which equal MindCV's
/// except for rounding.
///
/// Chains are added up in single precision in the order in which they were drawn, each byte times its chain's weight.
/// The sum is truncated to a byte, and blended with the image as in `Image.blend`.
///
/// It draws, in this order: `width` gamma variates for the weights of the chains; Beta(alpha, alpha) for the share of
/// the mixture. Then for each chain: its depth, `below(3)`, if it is random; and for each of its operations which one,
/// `below(13)`, the noise ([`Noise`]), and the sign if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugMix {
    magnitude: f64,
    width: usize,
    depth: Option<usize>,
    alpha: f64,
    noise: Noise,
}

const MOST_CHAINS: usize = 16;

/// Translation at full magnitude; smaller than in other policies, as in timm and MindCV.
const TRANSLATION: f64 = 0.3;

impl AugMix {
    /// `width` chains of `depth` operations, or of 1 to 3 at random, with magnitudes that are uniform up to
    /// `magnitude`. The paper uses 3, 3, none.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless `magnitude` is from 0 to 10, and `width` and `depth` from 1 to
    /// 16.
    pub fn new(magnitude: f64, width: usize, depth: Option<usize>) -> Result<Self, AugmentError> {
        let sizes = 1..=MOST_CHAINS;
        let holds = (0.0..=FULL).contains(&magnitude);
        require(holds, "magnitude", magnitude, "from 0 to 10")?;
        let holds = sizes.contains(&width);
        require(holds, "number of chains", width as f64, "from 1 to 16")?;
        let length = depth.unwrap_or(1);
        let holds = sizes.contains(&length);
        require(holds, "length of chains", length as f64, "from 1 to 16")?;
        Ok(AugMix {
            magnitude,
            width,
            depth,
            alpha: 1.0,
            noise: Noise::Uniform,
        })
    }

    /// Sets the parameter of the Dirichlet and beta distributions; 1 is uniform.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless it is above 0 and at most 1000.
    pub fn with_alpha(self, alpha: f64) -> Result<Self, AugmentError> {
        let holds = alpha > 0.0 && alpha <= 1000.0;
        require(holds, "alpha", alpha, "above 0, at most 1000")?;
        Ok(AugMix { alpha, ..self })
    }

    /// Sets the noise on the magnitude.
    #[must_use]
    pub fn with_noise(self, noise: Noise) -> Self {
        AugMix { noise, ..self }
    }

    pub(super) fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        let mut weights = [0.0; MOST_CHAINS];
        let weights = &mut weights[..self.width];
        dirichlet(self.alpha, weights, rng);
        draw.set_mixed_share(beta(self.alpha, rng) as f32);
        for &mut weight in weights {
            let depth = match self.depth {
                Some(depth) => depth,
                None => 1 + rng.below(3) as usize,
            };
            for _ in 0..depth {
                let kind = OPERATIONS[rng.below(OPERATIONS.len() as u64) as usize];
                let magnitude = self.noise.disturb(self.magnitude, FULL, rng);
                draw.push(kind.op(magnitude, TRANSLATION, rng));
            }
            draw.end_mixed_chain(weight as f32);
        }
    }
}

const OPERATIONS: [Kind; 13] = [
    Kind::AutoContrast,
    Kind::ColorIncreasing,
    Kind::ContrastIncreasing,
    Kind::BrightnessIncreasing,
    Kind::SharpnessIncreasing,
    Kind::Equalize,
    Kind::Rotate,
    Kind::PosterizeIncreasing,
    Kind::SolarizeIncreasing,
    Kind::ShearX,
    Kind::ShearY,
    Kind::TranslateX,
    Kind::TranslateY,
];
