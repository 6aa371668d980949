//! The operations in the lists of policies, and what a magnitude means for each.

use super::distributions::normal;
use crate::{Op, SampleRng};

/// An operation whose argument follows from a magnitude of 0 to 10. `…Increasing` ones have more effect the larger the
/// magnitude is. The others change enhancements from one extreme to the other, with no effect in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    /// Keeps 0 to 4 bits.
    Posterize,
    /// Keeps 4 to 0 bits.
    PosterizeIncreasing,
    /// Keeps 4 to 8 bits.
    PosterizeOriginal,
    Solarize,
    SolarizeIncreasing,
    Color,
    ColorIncreasing,
    Contrast,
    ContrastIncreasing,
    Brightness,
    BrightnessIncreasing,
    Sharpness,
    SharpnessIncreasing,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}

/// The magnitude at the end of every range.
pub(super) const FULL: f64 = 10.0;

/// Translation at full magnitude, as a share of the image; MindCV's and timm's default.
pub(super) const TRANSLATION: f64 = 0.45;

impl Kind {
    /// The ranges of timm's `auto_augment.py`. MindCV uses the same ones, and they are those of the AutoAugment paper.
    /// Translations reach `translation` of the image. If the argument has a sign, it takes one number of `rng` for it.
    pub(super) fn op(self, magnitude: f64, translation: f64, rng: &mut SampleRng) -> Op {
        let share = magnitude / FULL;
        let mut signed = |value: f64| if rng.chance(0.5) { -value } else { value };
        match self {
            Kind::AutoContrast => Op::AutoContrast,
            Kind::Equalize => Op::Equalize,
            Kind::Invert => Op::Invert,
            Kind::Rotate => Op::Rotate(signed(share * 30.0)),
            Kind::Posterize => Op::Posterize(four_bits(share)),
            Kind::PosterizeIncreasing => Op::Posterize(4_u8.saturating_sub(four_bits(share))),
            Kind::PosterizeOriginal => Op::Posterize(four_bits(share).saturating_add(4)),
            Kind::Solarize => Op::Solarize(threshold(share)),
            Kind::SolarizeIncreasing => Op::Solarize(256 - threshold(share)),
            Kind::Color => Op::Color(enhancement(share)),
            Kind::Contrast => Op::Contrast(enhancement(share)),
            Kind::Brightness => Op::Brightness(enhancement(share)),
            Kind::Sharpness => Op::Sharpness(enhancement(share)),
            Kind::ColorIncreasing => Op::Color(away_from_one(signed(share))),
            Kind::ContrastIncreasing => Op::Contrast(away_from_one(signed(share))),
            Kind::BrightnessIncreasing => Op::Brightness(away_from_one(signed(share))),
            Kind::SharpnessIncreasing => Op::Sharpness(away_from_one(signed(share))),
            Kind::ShearX => Op::ShearX(signed(share * 0.3)),
            Kind::ShearY => Op::ShearY(signed(share * 0.3)),
            Kind::TranslateX => Op::TranslateXRel(signed(share * translation)),
            Kind::TranslateY => Op::TranslateYRel(signed(share * translation)),
        }
    }
}

fn four_bits(share: f64) -> u8 {
    (share * 4.0) as u8
}

fn threshold(share: f64) -> u16 {
    ((share * 256.0) as u16).min(256)
}

/// From 0.1 to 1.9.
fn enhancement(share: f64) -> f32 {
    (share * 1.8 + 0.1) as f32
}

/// From 1 to 0.1 or 1.9.
fn away_from_one(signed_share: f64) -> f32 {
    (1.0 + signed_share * 0.9).max(0.1) as f32
}

/// How a magnitude is changed before it is used; timm's and MindCV's addition to the papers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Noise {
    /// Not at all.
    None,
    /// It becomes the mean of a normal distribution with this standard deviation.
    Normal(f64),
    /// It becomes the upper end of a uniform distribution from 0.
    Uniform,
}

impl Noise {
    /// The magnitude to use, from 0 to `most`. Takes two numbers of `rng` for [`Noise::Normal`], one
    /// for [`Noise::Uniform`].
    pub(super) fn disturb(self, magnitude: f64, most: f64, rng: &mut SampleRng) -> f64 {
        let magnitude = match self {
            Noise::None => magnitude,
            Noise::Normal(deviation) => magnitude + deviation * normal(rng),
            Noise::Uniform => rng.uniform(0.0, magnitude),
        };
        magnitude.clamp(0.0, most)
    }
}
