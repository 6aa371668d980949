//! 3-Augment, from DeiT III.

use super::Draw;
use super::kind::{FULL, Noise};
use crate::{Op, SampleRng};

/// One of three: solarizing, gray, or a Gaussian blur (Touvron et al., arXiv:2204.07118, section 3.3).
///
/// Without noise, as in the paper, it solarizes from 128, removes all colour, or blurs by a radius that is uniform from
/// 0.1 to 2. Noise weakens the last two and moves the threshold, as in timm and MindCV. The blur is Pillow's, as in
/// DeiT III and timm (MindCV's has a 3x3 kernel).
///
/// It draws, in this order: which of them, `below(3)`; the noise ([`Noise`]); for the blur its radius, `uniform`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThreeAugment {
    noise: Noise,
}

impl ThreeAugment {
    /// The policy with this noise on its magnitudes.
    #[must_use]
    pub fn new(noise: Noise) -> Self {
        ThreeAugment { noise }
    }

    pub(super) fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        let which = rng.below(3);
        let magnitude = if which == 0 { FULL / 2.0 } else { FULL };
        let share = self.noise.disturb(magnitude, FULL, rng) / FULL;
        draw.push(match which {
            0 => Op::Solarize((share * 256.0) as u16),
            // Keeps from half of the colour down to none.
            1 => Op::Color((1.0 - (0.5 + 0.5 * share)) as f32),
            _ => Op::GaussianBlur(rng.uniform(0.1, 2.0 * share) as f32),
        });
    }
}
