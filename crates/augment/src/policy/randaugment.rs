//! RandAugment in the form of timm and MindCV.

use super::Draw;
use super::kind::{FULL, Kind, Noise, TRANSLATION};
use crate::error::require;
use crate::{AugmentError, SampleRng};

/// `layers` of 14 operations, all with the same magnitude (Cubuk et al., arXiv:1909.13719).
///
/// As in timm and MindCV, and unlike the paper, the list of operations has Invert but not Identity, and each chosen
/// operation is applied with a probability, 0.5 by default.
///
/// It draws, for the uniform choice, for each layer: the operation, `below(14)`; whether it is applied, `chance`; the
/// noise ([`Noise`]); the sign if there is one. For the weighted choice, which does not choose an operation twice, it
/// draws all operations first, `unit` for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandAugment {
    layers: usize,
    magnitude: f64,
    most: f64,
    probability: f64,
    noise: Noise,
    increasing: bool,
    weighted: bool,
}

impl RandAugment {
    /// This many layers with a magnitude from 0 to 10, which is the end of every range. Each is applied with
    /// probability 0.5 and noise of N(0, 0.5), MindCV's defaults.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless `layers` is from 1 to 100 and `magnitude` from 0 to 100.
    pub fn new(layers: usize, magnitude: f64) -> Result<Self, AugmentError> {
        let holds = (1..=100).contains(&layers);
        require(holds, "number of layers", layers as f64, "from 1 to 100")?;
        let holds = (0.0..=100.0).contains(&magnitude);
        require(holds, "magnitude", magnitude, "from 0 to 100")?;
        Ok(RandAugment {
            layers,
            magnitude,
            most: FULL,
            probability: 0.5,
            noise: Noise::Normal(0.5),
            increasing: false,
            weighted: false,
        })
    }

    /// Applies a chosen operation with `probability`; the paper uses 1.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless it is from 0 to 1.
    pub fn with_probability(self, probability: f64) -> Result<Self, AugmentError> {
        let holds = (0.0..=1.0).contains(&probability);
        require(holds, "probability", probability, "from 0 to 1")?;
        Ok(RandAugment {
            probability,
            ..self
        })
    }

    /// Clips magnitudes to `most` instead of 10. Ranges continue beyond 10.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless it is above 0 and at most 100.
    pub fn with_most(self, most: f64) -> Result<Self, AugmentError> {
        let holds = most > 0.0 && most <= 100.0;
        require(holds, "largest magnitude", most, "above 0, at most 100")?;
        Ok(RandAugment { most, ..self })
    }

    /// Sets the noise on the magnitude.
    #[must_use]
    pub fn with_noise(self, noise: Noise) -> Self {
        RandAugment { noise, ..self }
    }

    /// For operations with both forms, uses the one whose effect grows with the magnitude.
    #[must_use]
    pub fn increasing(self) -> Self {
        RandAugment {
            increasing: true,
            ..self
        }
    }

    /// Prefers geometric operations, by MindCV's only set of weights, and chooses none twice. Beyond 13 layers there is
    /// nothing left to choose.
    #[must_use]
    pub fn weighted(self) -> Self {
        RandAugment {
            weighted: true,
            ..self
        }
    }

    pub(super) fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        if self.weighted {
            let mut chosen = [0; OPERATIONS.len()];
            let count = choose_weighted(&mut chosen, self.layers, rng);
            for &index in &chosen[..count] {
                self.draw_layer(index, rng, draw);
            }
        } else {
            for _ in 0..self.layers {
                let index = rng.below(OPERATIONS.len() as u64) as usize;
                self.draw_layer(index, rng, draw);
            }
        }
    }

    fn draw_layer(&self, index: usize, rng: &mut SampleRng, draw: &mut Draw) {
        if rng.chance(self.probability) {
            let magnitude = self.noise.disturb(self.magnitude, self.most, rng);
            let (plain, increasing, _) = OPERATIONS[index];
            let kind = if self.increasing { increasing } else { plain };
            draw.push(kind.op(magnitude, TRANSLATION, rng));
        }
    }
}

/// Fills `chosen` with at most `layers` different operations, and returns how many.
fn choose_weighted(
    chosen: &mut [usize; OPERATIONS.len()],
    layers: usize,
    rng: &mut SampleRng,
) -> usize {
    let mut weights = OPERATIONS.map(|(_, _, weight)| weight);
    for (count, slot) in chosen.iter_mut().enumerate() {
        let total: u32 = weights.iter().sum();
        if count == layers || total == 0 {
            return count;
        }
        let mut mark = (rng.unit() * f64::from(total)) as u32;
        let index = weights.iter().position(|&weight| {
            let found = mark < weight;
            mark = mark.saturating_sub(weight);
            found
        });
        *slot = index.unwrap_or_default();
        weights[*slot] = 0;
    }
    chosen.len()
}

/// Each in its plain and its increasing form, with its weight in thousandths.
const OPERATIONS: [(Kind, Kind, u32); 14] = [
    (Kind::AutoContrast, Kind::AutoContrast, 25),
    (Kind::Equalize, Kind::Equalize, 5),
    (Kind::Invert, Kind::Invert, 0),
    (Kind::Rotate, Kind::Rotate, 300),
    (Kind::Posterize, Kind::PosterizeIncreasing, 5),
    (Kind::Solarize, Kind::SolarizeIncreasing, 5),
    (Kind::Color, Kind::ColorIncreasing, 25),
    (Kind::Contrast, Kind::ContrastIncreasing, 5),
    (Kind::Brightness, Kind::BrightnessIncreasing, 5),
    (Kind::Sharpness, Kind::SharpnessIncreasing, 25),
    (Kind::ShearX, Kind::ShearX, 200),
    (Kind::ShearY, Kind::ShearY, 200),
    (Kind::TranslateX, Kind::TranslateX, 100),
    (Kind::TranslateY, Kind::TranslateY, 100),
];
