//! Feeds a training loop: epoch plan, prefetch pipeline, batches, cursor, stage statistics.
//!
//! [`Loader::start`] takes an open [`record::Split`] and a [`LoaderConfig`], and gives batches in an
//! order that is a pure function of both:
//!
//! ```no_run
//! use std::sync::Arc;
//! use imshard_loader::{Cursor, Decode, Loader, LoaderConfig, OnError, Output, Preprocess, Sampling, Shuffle, Train, Tuning};
//! use record::{Dataset, Io};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let train = Dataset::open("/data/imagenet")?.split("train", Io::Map)?;
//! let mut loader = Loader::start(
//!     Arc::new(train),
//!     LoaderConfig {
//!         batch: 32,
//!         size: 299,
//!         rank: 0,
//!         world: 1,
//!         workers: 8,
//!         slots: 4,
//!         shuffle: Shuffle::Full,
//!         sampling: Sampling::default(),
//!         drop_last: true,
//!         start: Cursor::start(42),
//!         epochs: 200,
//!         preprocess: Preprocess::Train(Train::default()),
//!         mix: None,
//!         decode: Decode::Fast,
//!         output: Output::U8Nhwc,
//!         on_error: OnError::Fail,
//!         tuning: Tuning::default(),
//!     },
//! )?;
//! while let Some(batch) = loader.next() {
//!     let batch = batch?;
//!     // train on batch.images() and batch.labels(), then keep batch.next_cursor()
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It knows neither devices nor tensors, and touches no file but through `record`.
//!
//! From the inside out: `plan` says which records a step holds, `image` makes one image, `ring`
//! lends the memory of a batch to the workers and then to the consumer, `worker` and `loader` are
//! the two sides of it.
#![deny(unsafe_code)] // allowed in `ring`, nowhere else

mod affinity;
mod batch;
mod config;
mod cursor;
mod error;
mod image;
mod loader;
mod permutation;
mod plan;
pub mod recipe;
#[allow(unsafe_code)]
mod ring;
mod stats;
mod sync;
#[cfg(test)]
mod tests;
mod waiter;
mod window;
mod worker;

pub use batch::{Batch, Images};
pub use config::{Decode, Erase, LoaderConfig, OnError, Output, Preprocess, Train, Tuning, VIEWS};
pub use cursor::Cursor;
pub use error::{Fault, LoaderError, SampleError};
pub use loader::Loader;
pub use plan::{Plan, PlanError, PlanSpec, Sampling, Shuffle};
pub use recipe::LoaderRecipe;
pub use stats::{Binding, Stage, StatsSnapshot};
