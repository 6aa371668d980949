//! Loads batches of training images from shards: epoch plan, worker threads, augmentation, batches in order, a cursor
//! to resume at, and statistics. It knows neither devices nor tensors, and reads files only through `record`.
//!
//! # A running loop
//!
//! First you need a data set. `shard build --source PHOTOS --out DATASET` makes one from folders of images, one
//! folder for each class, or from ImageNet's archives. It is a directory with a `dataset.json` and shard files in one or more
//! *splits*, such as `train` and `val`. This program, `examples/loop.rs`, walks through two epochs of it:
//!
//! ```no_run
#![doc = include_str!("../examples/loop.rs")]
//! ```
//!
//! # Opening
//!
//! [`open`] opens a split through memory maps, which suits local disks. On a network file system use positioned
//! reads: `Dataset::open(dir)?.split("train", Io::Pread)?`. [`Dataset::manifest`] has the classes: a label is an
//! index into them.
//!
//! # Settings
//!
//! [`LoaderConfig::train`] draws random crops and flips in a new order each epoch. [`LoaderConfig::evaluate`]
//! gives each image once, centred, in the order of the shards. `with_*` methods change one setting each. By default one
//! worker runs on each core; use fewer if the training itself needs cores.
//!
//! # What is in a batch
//!
//! Images are square, RGB and without gaps. [`Batch::images`] is one of two layouts:
//!
//! | [`Output`] | layout | values |
//! |---|---|---|
//! | `U8Nhwc` (default) | `[batch, size, size, 3]` bytes | 0 to 255 |
//! | `F32Nchw` | `[batch, 3, size, size]` floats | (value - mean) / std of each channel |
//!
//! [`Batch::labels`] has a class index for each image, [`Batch::keys`] the name under which it was packed, such as
//! `n01440764/n01440764_10026.JPEG`. A batch lies in one of the loader's slots. Dropping it frees the slot for the
//! workers, so copy it to the device and drop it. With [`LoaderConfig::mix`] two labels belong to each image, see
//! [`Batch::targets`]; with [`Train::splits`] each image comes in three views.
//!
//! # Epochs and resuming
//!
//! The loader goes from epoch to epoch without a pause and ends after [`LoaderConfig::epochs`]. Save
//! [`Batch::next_cursor`] with your weights. A loader with the same seed and
//! [`with_start(cursor)`](LoaderConfig::with_start) delivers exactly the batches that would have followed, pixel for
//! pixel:
//!
//! ```
//! use imshard_loader::{Cursor, LoaderConfig};
//!
//! let saved = Cursor { epoch: 3, step: 1200 }; // it implements serde's traits
//! let config = LoaderConfig::train(256, 299).with_seed(42).with_epochs(90).with_start(saved);
//! # assert_eq!(config.start, saved);
//! ```
//!
//! # Several processes
//!
//! Give each process its number: [`with_rank(rank, world)`](LoaderConfig::with_rank). They do not need to communicate:
//! together they take, step by step, the images of one process with a `world` times larger batch. All have the same
//! number of steps.
//!
//! # Statistics
//!
//! [`Loader::stats`] counts images, bytes, waits and the time in each [`Stage`].
//! [`StatsSnapshot::bottleneck`] says whether the consumer or a stage of the workers sets the pace.
//!
//! # Errors
//!
//! A damaged record is an error that names the shard, the record and its key. By default [`Loader::next`] returns it,
//! and the next call continues with the following batch. With [`OnError::Skip`] the batch comes without the record, and
//! [`Batch::skipped`] says why. The loader never hangs: whatever happens in a worker, you get a batch or an error.
//!
//! # Inside
//!
//! From the inside out: `plan` says which records a step holds, `image` makes one image, `ring` lends the memory of
//! a batch to the workers and then to the consumer, `worker` and `loader` are the two sides of it.
#![deny(unsafe_code)] // allowed in `memory` and `ring`, nowhere else

mod affinity;
mod batch;
mod config;
mod cursor;
mod error;
mod evaluation;
mod image;
mod loader;
#[allow(unsafe_code)]
mod memory;
mod permutation;
mod plan;
mod preprocess;
#[allow(unsafe_code)]
mod ring;
mod stats;
mod sync;
#[cfg(test)]
mod tests;
mod waiter;
mod window;
mod worker;

use std::path::Path;
use std::sync::Arc;

pub use augment::{
    AspectDraw, AugmentError, BatchMix, ColorJitter, Filter, FusedError, Interpolation, MixPlan,
    MixTarget, Normalize, Policy, PolicyError, RandomErasing, RandomResizedCrop, Region, Resampler,
    RgbView, Warp,
};
pub use codec::CodecError;
pub use record::{Class, Dataset, Io, Manifest, RecordError, Split};

pub use batch::{Batch, Images};
pub use config::{LoaderConfig, Tuning};
pub use cursor::Cursor;
pub use error::{Fault, LoaderError, SampleError};
pub use evaluation::EvalImages;
pub use image::WholeImage;
pub use loader::Loader;
pub use plan::{Plan, PlanError, PlanSpec, Sampling, Shuffle};
pub use preprocess::{Decode, Erase, OnError, Output, Preprocess, Train, VIEWS};
pub use stats::{Bottleneck, Stage, StatsSnapshot};

/// Opens one split of the data set in `dir`, through memory maps.
///
/// # Errors
/// There is no data set or no such split, or a shard is missing or damaged.
pub fn open(dir: impl AsRef<Path>, split: &str) -> Result<Arc<Split>, RecordError> {
    Ok(Arc::new(Dataset::open(dir)?.split(split, Io::Map)?))
}
