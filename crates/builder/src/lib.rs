//! Packs labelled images into record shards, and verifies, converts, inspects and exports them.
//!
//! This is the `shard` program as a library. It prints nothing and reads no arguments.
//! A program that packs a folder, verifies the result and exports it again:
//!
//! ```no_run
#![doc = include_str!("../examples/pack_folder.rs")]
//! ```
//!
//! # How a build works
//!
//! [`Builder::write`] takes five steps:
//! 1. `plan` decides which image goes into which shard. It reads no image, so a second run makes the same plan.
//! 2. `survey` looks at the output directory and keeps the shards of an earlier run that belong to the plan.
//! 3. `tables` learns symbol statistics from a sample of the images, if the encoding needs them.
//! 4. `pack` reads, checks and encodes the images on all threads and writes the missing shards.
//! 5. The manifest, `dataset.json`, is written last. A directory without it is not a data set.
//!
//! The same images and options give the same bytes for any number of threads and after any number of
//! interruptions.
//!
//! # Progress, and stopping early
//!
//! Every long function takes a callback for [`Event`]s; pass [`silent`] to ignore them. [`Builder::stop`] takes
//! a flag that ends the build soon after it is set. Finished shards stay, and the next run continues.
//!
//! # What it is not
//!
//! It finds no images itself: that is `imagenet`. It defines no file format: that is `record`. How one image is
//! stored is up to `codec`. The crate has no command line, except that the feature `clap` makes its choices
//! usable as option values.
#![forbid(unsafe_code)]

mod build;
mod convert;
mod event;
mod export;
mod file_error;
mod inspect;
mod losses;
mod note;
mod options;
mod pack;
mod parallel;
mod plan;
mod storage;
mod survey;
mod tables;
mod verify;

pub use build::{BadFile, BuildError, Builder, Built, OddCounts, Status};
pub use convert::{ConvertError, ConvertOptions, Converted, convert};
pub use event::{Event, Pass, silent};
pub use export::{ExportError, ExportOptions, Exported, export, source_file, write_file};
pub use file_error::FileError;
pub use inspect::{
    ClassView, DatasetView, Histogram, Image, Range, RecordView, ShardView, Sizes, SplitView,
};
pub use losses::losses;
pub use note::Note;
pub use options::{Check, EncodingChoice, Odd, OnBad, Order, ShardSize, Subsampling, TablesFrom};
pub use pack::{EncodeError, PackError};
pub use plan::PlanError;
pub use storage::{Contradiction, Scaling, Storage};
pub use survey::{SurveyError, Why};
pub use tables::TablesError;
pub use verify::{Fault, Verified, VerifyError, VerifyOptions, verify};

// What appears in this crate's own functions.
pub use codec::{Originals, PixelCompression, PixelOptions};
pub use imagenet::Source;
