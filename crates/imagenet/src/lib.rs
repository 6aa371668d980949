//! Raw labelled images: class folders, the ILSVRC2012 tars and devkit, a flat validation folder, Hugging Face parquet.
//!
//! [`open`] recognises the layout at a path and returns a [`Source`]: classes in label order, splits, samples with
//! keys, and the bytes of any sample, read in place from any thread. Nothing is unpacked to disk. The crate never
//! looks inside an image; that is the codec's task.
//!
//! ```no_run
//! # fn main() -> Result<(), imshard_imagenet::SourceError> {
//! let source = imshard_imagenet::open("/data/imagenet".as_ref())?;
//! println!("{}", source.describe());
//! println!("{}", source.coverage());
//! let mut bytes = Vec::new();
//! source.read(0, 0, &mut bytes)?;
//! # Ok(())
//! # }
//! ```
//!
//! What is recognised at a path:
//!
//! | found there | splits |
//! |---|---|
//! | `train/<class>/…` and `val/<class>/…` (or `validation/`) | train, val |
//! | a bare folder of class folders | train |
//! | `ILSVRC2012_img_train.tar`: a tar of class tars, under any name | train |
//! | `ILSVRC2012_img_val.tar`, or a flat folder `val/` of images, with labels | val |
//! | Hugging Face's `train-*.parquet`, `validation-*.parquet` (feature `parquet`) | train, val |
//!
//! Labels of flat validation images come from the devkit (`ILSVRC2012_validation_ground_truth.txt` with `meta.mat`,
//! unpacked or in `ILSVRC2012_devkit_t12.tar.gz`), from `imagenet_2012_validation_synset_labels.txt` (one synset per
//! line, in image order), or from Kaggle's `LOC_val_solution.csv`: next to the images or up to two folders above
//! them, or from the file that [`OpenOptions::labels`] names.

#![forbid(unsafe_code)]

mod archive;
mod coverage;
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
mod scan;
mod source;
mod tars;

use std::path::{Path, PathBuf};

pub use coverage::{Coverage, Extent, ILSVRC2012_CLASSES, ILSVRC2012_TRAIN, ILSVRC2012_VAL};
pub use error::SourceError;
pub use names::{class_names, ilsvrc2012_synsets};
pub use progress::Progress;
pub use source::{ClassName, Ignored, Layout, Sample, Source, SplitSource};

use progress::Hook;

/// Opens the raw data at `path`. Labels are searched for next to it, and no progress is reported.
///
/// # Errors
/// If no known layout is there, a tar is damaged or cut off, flat validation images have no labels or a different
/// number of them, val has a class that train lacks, or the operating system refuses.
pub fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    OpenOptions::new().open(path)
}

/// How to open a source: [`open`] with options.
#[derive(Default)]
pub struct OpenOptions<'a> {
    labels: Option<PathBuf>,
    progress: Option<&'a mut dyn FnMut(Progress)>,
}

impl<'a> OpenOptions<'a> {
    /// All options at their defaults.
    #[must_use]
    pub fn new() -> OpenOptions<'a> {
        OpenOptions::default()
    }

    /// The labels of validation images in a flat folder or tar: a labels file, a devkit folder, or the devkit's tar.gz.
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

    /// Opens the raw data at `path`.
    ///
    /// # Errors
    /// As [`open`]; also if the labels given cannot be used.
    pub fn open(self, path: &Path) -> Result<Box<dyn Source>, SourceError> {
        detect::open(path, self.labels.as_deref(), &mut Hook(self.progress))
    }
}
