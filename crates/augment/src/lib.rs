//! Pure functions on pixels: random numbers, crop geometry, resampling, flips, colour, automatic
//! augmentation, erasing, mixup and cutmix, normalisation.
//!
//! Nothing here reads a file, decodes an image or keeps state between samples. Pixels are 8-bit RGB, interleaved, rows
//! top to bottom (HWC); only [`Normalize`] changes that layout. A training sample goes through [`RandomResizedCrop`] ->
//! [`Job`] -> [`Resampler`] -> [`ColorJitter`], or a [`Policy`] by an [`Augmenter`] -> [`RandomErasing`] ->
//! [`Normalize`]. A validation sample goes through [`EvalCrop`] -> [`Resampler`] -> [`Normalize`]. A batch can then go
//! through [`BatchMix`]. [`FusedResampler`] takes the planes of a JPEG straight to RGB of the final size.
//!
//! # Reproducibility
//! Randomness comes from a [`SampleRng`], which depends only on (seed, epoch, position in the epoch). Pixels are
//! computed in integers or by single IEEE 754 operations, never contracted or reordered. So equal inputs give equal
//! pixels on every machine.
#![deny(unsafe_code)]

mod crop;
mod erase;
mod error;
mod eval;
mod fused;
mod jitter;
mod mix;
mod normalize;
mod ops;
mod policy;
mod resample;
mod rgb8;
mod rng;
mod simd;
mod view;

pub use crop::RandomResizedCrop;
pub use erase::{AspectDraw, RandomErasing, fill_rect};
pub use error::AugmentError;
pub use eval::EvalCrop;
pub use fused::{FusedError, FusedResampler};
pub use jitter::{Adjustment, ColorJitter};
pub use mix::{BatchMix, MixPlan, MixTarget};
pub use normalize::Normalize;
pub use ops::{Interpolation, Op, Warp};
pub use pixels::{Level, LevelKind, Plane, Planes, Region};
pub use policy::*;
pub use resample::{Filter, Job, Resampler};
pub use rng::SampleRng;
pub use view::RgbView;
