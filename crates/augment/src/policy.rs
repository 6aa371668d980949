//! Automatic augmentation: draws the operations for an image at random by a published policy. The operations themselves
//! are in `ops`.

mod augmenter;
mod augmix;
mod autoaugment;
mod distributions;
mod draw;
mod kind;
mod parse;
mod randaugment;
mod threeaugment;
mod trivialaugment;

pub use augmenter::Augmenter;
pub use augmix::AugMix;
pub use autoaugment::{AutoAugment, SubPolicies};
pub(crate) use distributions::beta;
pub use draw::Draw;
pub use kind::Noise;
pub use parse::PolicyError;
pub use randaugment::RandAugment;
pub use threeaugment::ThreeAugment;
pub use trivialaugment::TrivialAugmentWide;

use crate::SampleRng;

/// An automatic augmentation policy. Parsed from MindCV's `auto_augment` strings:
///
/// | string | policy | options (default) |
/// |---|---|---|
/// | `autoaug` | [`AutoAugment`], the ImageNet policy as published; timm's `original` | `mstd` (0.5) |
/// | `autoaugr` | the same with stronger posterizing; timm's `originalr` | `mstd` (0.5) |
/// | `autoaug-mindcv` | `autoaug` with the faults of MindCV 0.3.0 | `mstd`, without effect |
/// | `randaug` | [`RandAugment`] | `m` (10), `n` (2), `p` (0.5), `mstd` (0.5), `mmax` (10), `inc` (0), `w` |
/// | `trivialaugwide` | [`TrivialAugmentWide`] | `m` (31) |
/// | `3a` | [`ThreeAugment`] | `mstd` (0.5) |
/// | `augmix` | [`AugMix`] | `m` (3), `w` (3), `d` (-1), `a` (1), `mstd` |
///
/// Options follow in any order, as in `randaug-m9-n2-mstd0.5`. `mstd` is the standard deviation of the noise on
/// magnitudes ([`Noise`]). `mstd0` turns the noise off, as in the papers. More than 100 draws magnitudes uniformly
/// instead.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// AutoAugment's ImageNet policy.
    AutoAugment(AutoAugment),
    /// RandAugment.
    RandAugment(RandAugment),
    /// TrivialAugment, wide.
    TrivialAugmentWide(TrivialAugmentWide),
    /// 3-Augment.
    ThreeAugment(ThreeAugment),
    /// AugMix.
    AugMix(AugMix),
}

impl Policy {
    /// Draws the operations for one image, replacing the contents of `draw`. The numbers taken from `rng`, and their
    /// order, are part of the contract of each policy.
    pub fn draw(&self, rng: &mut SampleRng, draw: &mut Draw) {
        draw.clear();
        match self {
            Policy::AutoAugment(policy) => policy.draw(rng, draw),
            Policy::RandAugment(policy) => policy.draw(rng, draw),
            Policy::TrivialAugmentWide(policy) => policy.draw(rng, draw),
            Policy::ThreeAugment(policy) => policy.draw(rng, draw),
            Policy::AugMix(policy) => policy.draw(rng, draw),
        }
    }
}
