//! AutoAugment's policy for ImageNet.

use super::Draw;
use super::kind::{FULL, Kind, Noise, TRANSLATION};
use crate::{Op, SampleRng};

/// One of 25 pairs of operations, each applied with its own probability (Cubuk et al.,
/// arXiv:1805.09501, table 9).
///
/// It draws, in this order: the pair, `below(25)`; then for each of its two operations whether it is applied, `chance`,
/// and if so the noise ([`Noise`]) and, for rotations and shears, the sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoAugment {
    sub_policies: SubPolicies,
    noise: Noise,
}

/// Which reading of the published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubPolicies {
    /// As in the paper: posterizing keeps 4 to 8 bits (`autoaug`; timm's `original`).
    Published,
    /// Posterizing keeps 4 to 0 bits, as in the code of Google's research models (`autoaugr`; timm's
    /// `originalr`).
    Research,
    /// As in MindCV 0.3.0 with MindSpore: posterizing keeps 4 to 1 bits the larger the magnitude (8 less those to
    /// keep), shears are angles of up to 0.3 degrees, rotations fill with red and blue swapped, solarizing starts at
    /// 255 rather than 256 for full magnitude, and the noise is always N(0, 0.5). The arithmetic on pixels is still
    /// Pillow's.
    MindCv,
}

const MINDCV_NOISE: Noise = Noise::Normal(0.5);

impl AutoAugment {
    /// The policy with this noise; [`SubPolicies::MindCv`] has its own and ignores it.
    #[must_use]
    pub fn new(sub_policies: SubPolicies, noise: Noise) -> Self {
        let noise = match sub_policies {
            SubPolicies::MindCv => MINDCV_NOISE,
            SubPolicies::Published | SubPolicies::Research => noise,
        };
        AutoAugment {
            sub_policies,
            noise,
        }
    }

    pub(super) fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        for (kind, probability, magnitude) in TABLE[rng.below(TABLE.len() as u64) as usize] {
            if rng.chance(probability) {
                let magnitude = self.noise.disturb(magnitude, FULL, rng);
                draw.push(self.op(kind, magnitude, rng));
            }
        }
        if self.sub_policies == SubPolicies::MindCv {
            draw.reverse_rotation_fill();
        }
    }

    fn op(&self, kind: Kind, magnitude: f64, rng: &mut SampleRng) -> Op {
        let kind = match (self.sub_policies, kind) {
            (SubPolicies::Research, Kind::PosterizeOriginal) => Kind::PosterizeIncreasing,
            _ => kind,
        };
        let op = kind.op(magnitude, TRANSLATION, rng);
        match (self.sub_policies, op) {
            (SubPolicies::MindCv, Op::Posterize(bits)) => Op::Posterize((8 - bits).max(1)),
            (SubPolicies::MindCv, Op::ShearX(degrees)) => {
                Op::ShearX(libm::tan(degrees.to_radians()))
            }
            (SubPolicies::MindCv, Op::Solarize(_)) => {
                Op::Solarize((magnitude / FULL * 255.0) as u16)
            }
            _ => op,
        }
    }
}

type Step = (Kind, f64, f64);

/// Operation, probability, magnitude.
const TABLE: [[Step; 2]; 25] = {
    use Kind::{
        AutoContrast, Color, Contrast, Equalize, Invert, PosterizeOriginal as Posterize, Rotate,
        Sharpness, ShearX, Solarize,
    };
    [
        [(Posterize, 0.4, 8.0), (Rotate, 0.6, 9.0)],
        [(Solarize, 0.6, 5.0), (AutoContrast, 0.6, 5.0)],
        [(Equalize, 0.8, 8.0), (Equalize, 0.6, 3.0)],
        [(Posterize, 0.6, 7.0), (Posterize, 0.6, 6.0)],
        [(Equalize, 0.4, 7.0), (Solarize, 0.2, 4.0)],
        [(Equalize, 0.4, 4.0), (Rotate, 0.8, 8.0)],
        [(Solarize, 0.6, 3.0), (Equalize, 0.6, 7.0)],
        [(Posterize, 0.8, 5.0), (Equalize, 1.0, 2.0)],
        [(Rotate, 0.2, 3.0), (Solarize, 0.6, 8.0)],
        [(Equalize, 0.6, 8.0), (Posterize, 0.4, 6.0)],
        [(Rotate, 0.8, 8.0), (Color, 0.4, 0.0)],
        [(Rotate, 0.4, 9.0), (Equalize, 0.6, 2.0)],
        [(Equalize, 0.0, 7.0), (Equalize, 0.8, 8.0)],
        [(Invert, 0.6, 4.0), (Equalize, 1.0, 8.0)],
        [(Color, 0.6, 4.0), (Contrast, 1.0, 8.0)],
        [(Rotate, 0.8, 8.0), (Color, 1.0, 2.0)],
        [(Color, 0.8, 8.0), (Solarize, 0.8, 7.0)],
        [(Sharpness, 0.4, 7.0), (Invert, 0.6, 8.0)],
        [(ShearX, 0.6, 5.0), (Equalize, 1.0, 9.0)],
        [(Color, 0.4, 0.0), (Equalize, 0.6, 3.0)],
        [(Equalize, 0.4, 7.0), (Solarize, 0.2, 4.0)],
        [(Solarize, 0.6, 5.0), (AutoContrast, 0.6, 5.0)],
        [(Invert, 0.6, 4.0), (Equalize, 1.0, 8.0)],
        [(Color, 0.6, 4.0), (Contrast, 1.0, 8.0)],
        [(Equalize, 0.8, 8.0), (Equalize, 0.6, 3.0)],
    ]
};
