//! Pure functions on pixels: random numbers, crop geometry, resampling, flips, colour, erasing,
//! normalisation.
//!
//! Nothing here reads a file, decodes an image or keeps state between samples. Pixels are 8-bit RGB,
//! interleaved, rows top to bottom (HWC); only [`Normalize`] leaves that layout. A training sample goes
//! through [`RandomResizedCrop`] -> [`Job`] -> [`Resampler`] -> [`ColorJitter`] -> [`RandomErasing`]
//! -> [`Normalize`], a validation sample through [`EvalCrop`] -> [`Resampler`] -> [`Normalize`].
//!
//! # Reproducibility
//! Randomness comes from a [`SampleRng`], a function of (seed, epoch, position in the epoch) alone.
//! Pixels are computed in integers; the two exceptions ([`ColorJitter`], [`Normalize`]) use single
//! IEEE 754 operations, never contracted or reordered. Equal inputs therefore give equal pixels on
//! every machine.
#![forbid(unsafe_code)]

mod crop;
mod erase;
mod error;
mod eval;
mod jitter;
mod normalize;
mod rect;
mod resample;
mod rng;
mod view;

pub use crop::RandomResizedCrop;
pub use erase::{AspectDraw, RandomErasing, fill_rect};
pub use error::AugmentError;
pub use eval::EvalCrop;
pub use jitter::{Adjustment, ColorJitter};
pub use normalize::Normalize;
pub use rect::CropRect;
pub use resample::{Filter, Job, Resampler};
pub use rng::SampleRng;
pub use view::RgbView;
