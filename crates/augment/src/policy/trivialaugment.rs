//! TrivialAugment with its wide ranges.

use super::Draw;
use crate::error::require;
use crate::{AugmentError, Op, SampleRng};

/// One operation with one magnitude, both uniform (Müller and Hutter, arXiv:2103.10158, "wide" space, with the details
/// of torchvision's `TrivialAugmentWide`).
///
/// MindCV's version differs from the paper: it has Invert instead of Identity, shifts to one side only, never draws
/// from the negative half of the enhancements, and its magnitudes are continuous.
///
/// It draws, in this order: the operation, `below(14)`; its magnitude, `below(levels)`, if it has one; its sign, if it
/// has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrivialAugmentWide {
    levels: u32,
}

impl TrivialAugmentWide {
    /// With this many magnitudes, evenly spaced over every range; 31 in the paper.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless there are 2 to 1000.
    pub fn new(levels: u32) -> Result<Self, AugmentError> {
        let holds = (2..=1000).contains(&levels);
        require(
            holds,
            "number of magnitudes",
            f64::from(levels),
            "from 2 to 1000",
        )?;
        Ok(TrivialAugmentWide { levels })
    }

    pub(super) fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        draw.push(match rng.below(14) {
            0 => Op::Identity,
            1 => Op::ShearX(self.signed(0.99, rng)),
            2 => Op::ShearY(self.signed(0.99, rng)),
            3 => Op::TranslateX(self.signed(32.0, rng).trunc()),
            4 => Op::TranslateY(self.signed(32.0, rng).trunc()),
            5 => Op::Rotate(self.signed(135.0, rng)),
            6 => Op::Brightness((1.0 + self.signed(0.99, rng)) as f32),
            7 => Op::Color((1.0 + self.signed(0.99, rng)) as f32),
            8 => Op::Contrast((1.0 + self.signed(0.99, rng)) as f32),
            9 => Op::Sharpness((1.0 + self.signed(0.99, rng)) as f32),
            10 => Op::Posterize(8 - (self.share(rng) * 6.0).round() as u8),
            // Levels are integers, so a threshold between two of them acts like the upper one.
            11 => Op::Solarize((255.0 - self.share(rng) * 255.0).ceil() as u16),
            12 => Op::AutoContrast,
            _ => Op::Equalize,
        });
    }

    /// From 0 to 1.
    fn share(&self, rng: &mut SampleRng) -> f64 {
        rng.below(u64::from(self.levels)) as f64 / f64::from(self.levels - 1)
    }

    fn signed(&self, most: f64, rng: &mut SampleRng) -> f64 {
        let value = self.share(rng) * most;
        if rng.chance(0.5) { -value } else { value }
    }
}
