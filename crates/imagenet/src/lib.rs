//! Where raw samples come from: ILSVRC tars and devkit, class folders, flat val, Hugging Face parquet.
//!
//! [`open`] finds out what lies at a path and gives a [`Source`]: classes in label order, splits, samples with keys,
//! and the bytes of any sample, read in place from any thread. Nothing is unpacked to disk, and nothing here looks
//! inside an image: what the bytes are is the codec's question.
//!
//! ```no_run
//! # fn main() -> Result<(), imshard_imagenet::SourceError> {
//! let source = imshard_imagenet::open("/data/imagenet".as_ref())?;
//! println!("{}", source.describe());
//! println!("{}", source.report());
//! let mut bytes = Vec::new();
//! source.read(0, 0, &mut bytes)?;
//! # Ok(())
//! # }
//! ```
//!
//! What is recognised at a path:
//!
//! | there | splits |
//! |---|---|
//! | `train/<class>/…` and `val/<class>/…` (or `validation/`) | train, val |
//! | a bare folder of class folders | train |
//! | `ILSVRC2012_img_train.tar`: a tar of class tars, under any name | train |
//! | `ILSVRC2012_img_val.tar`, or a flat folder `val/` of images, with labels | val |
//! | Hugging Face's `train-*.parquet`, `validation-*.parquet` (feature `parquet`) | train, val |
//!
//! Labels of flat validation images come from the devkit (`ILSVRC2012_validation_ground_truth.txt` with `meta.mat`,
//! unpacked or in `ILSVRC2012_devkit_t12.tar.gz`), from `imagenet_2012_validation_synset_labels.txt` (one synset a
//! line, in image order), or from Kaggle's `LOC_val_solution.csv`: beside the images or up to two folders above
//! them, or wherever [`OpenOptions::labels`] says.

#![forbid(unsafe_code)]

mod archive;
mod detect;
mod devkit;
mod error;
mod folder;
#[cfg(feature = "parquet")]
mod hf;
mod labels;
mod matlab;
mod names;
mod progress;
mod raw;
mod report;
mod scan;
mod source;
mod tars;

use std::path::{Path, PathBuf};

pub use error::SourceError;
pub use names::{class_names, ilsvrc2012_synsets};
pub use progress::Progress;
pub use report::{Extent, ILSVRC2012_CLASSES, ILSVRC2012_TRAIN, ILSVRC2012_VAL, Report};
pub use source::{ClassName, Ignored, Layout, Sample, Source, SplitSource};

use progress::Hook;

/// Opens whatever raw data lies at `path`, silently and with labels found by themselves.
///
/// # Errors
/// When nothing known lies there, when a tar is damaged or cut off, when flat validation images have no labels or
/// not as many as there are images, when val has a class that train lacks, and when the system refuses.
pub fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    OpenOptions::new().open(path)
}

/// How to open a source: [`open`] with choices.
#[derive(Default)]
pub struct OpenOptions<'a> {
    labels: Option<PathBuf>,
    progress: Option<&'a mut dyn FnMut(Progress)>,
}

impl<'a> OpenOptions<'a> {
    /// No choices made.
    #[must_use]
    pub fn new() -> OpenOptions<'a> {
        OpenOptions::default()
    }

    /// Labels of flat validation images: a labels file, a devkit folder, or the devkit's tar.gz.
    #[must_use]
    pub fn labels(mut self, path: impl Into<PathBuf>) -> Self {
        self.labels = Some(path.into());
        self
    }

    /// Called from time to time while tars, folders or parquet files are scanned.
    #[must_use]
    pub fn progress(mut self, hook: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(hook);
        self
    }

    /// Opens whatever raw data lies at `path`.
    ///
    /// # Errors
    /// As [`open`]; also when the labels given cannot be used.
    pub fn open(self, path: &Path) -> Result<Box<dyn Source>, SourceError> {
        detect::open(path, self.labels.as_deref(), &mut Hook(self.progress))
    }
}
