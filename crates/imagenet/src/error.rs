//! What can be wrong with raw data. Each message names the file and the cause, and says how to fix it.
//! Broken pixels are not among these errors: this crate does not look inside images.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::scan::Name;

/// Why a source could not be opened or a sample could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is nothing at the path.
    #[error("{}: no such file or directory", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },

    /// A link whose target is missing. Reported, because missing images must not go unnoticed.
    #[error("{}: a broken link; restore its target, or remove the link", path.display())]
    DeadLink {
        /// The link.
        path: PathBuf,
    },

    /// Something is there, but not in a known layout.
    #[error(
        "{}: no ImageNet layout found here ({found}). Give a folder with train/<class>/ and val/, a bare folder of \
         class folders, ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar (or the folder that holds them), or \
         Hugging Face's train-*.parquet files",
        path.display()
    )]
    Unrecognised {
        /// The path as given.
        path: PathBuf,
        /// What was seen instead.
        found: String,
    },

    /// More than one candidate for the same thing.
    #[error("{}: {what}; keep one of them, or give its path directly", path.display())]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// What competes.
        what: String,
    },

    /// The operating system refused to list, open or read a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A name that is not UTF-8 and so cannot be a class or part of a key. (For a single image this is not an
    /// error: see [`Sample::misnamed`](crate::Sample::misnamed).)
    #[error("{}: the name is not UTF-8; rename it", Name::of(path.as_os_str().as_bytes()).text)]
    NameNotUtf8 {
        /// The file or folder, or `tar: entry`.
        path: PathBuf,
    },

    /// A tar that cannot be read.
    #[error("{}: {inside}: {reason}", path.display())]
    Tar {
        /// The tar file on disk.
        path: PathBuf,
        /// The entry, or "the archive itself".
        inside: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// Two samples of a split with the same key.
    #[error("{}: split {split} has two samples named {key}; remove or rename one", path.display())]
    DuplicateKey {
        /// The source.
        path: PathBuf,
        /// Split name.
        split: String,
        /// The key that occurs twice.
        key: String,
    },

    /// The validation split has a class that the training split lacks.
    #[error(
        "{}: class {class} occurs only in val, not in the {train_classes} classes of train; \
         add it to train or remove it from val",
        path.display()
    )]
    ClassOnlyInVal {
        /// The source.
        path: PathBuf,
        /// The class.
        class: String,
        /// Number of classes in train.
        train_classes: usize,
    },

    /// Validation images without class folders, and nothing that labels them.
    #[error(
        "{}: the validation images are in a flat folder or tar, and no labels were found; looked in {searched} for \
         {looked_for}. Put one of these there, or pass --labels FILE",
        images.display()
    )]
    LabelsMissing {
        /// The tar or folder of images.
        images: PathBuf,
        /// Folders searched, comma-separated.
        searched: String,
        /// File names that would have served.
        looked_for: String,
    },

    /// The number of labels differs from the number of images, the only check that a flat validation split allows.
    #[error(
        "{}: {label_count} labels, but {} has {image_count} images; the numbers must be equal",
        labels.display(), images.display()
    )]
    LabelCount {
        /// The tar or folder of images.
        images: PathBuf,
        /// The labels file.
        labels: PathBuf,
        /// Images found.
        image_count: usize,
        /// Labels found.
        label_count: usize,
    },

    /// A labels file, a devkit or its `meta.mat` that cannot be used.
    #[error("{}: {reason}", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// A parquet file that cannot be used.
    #[error("{}: {reason}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// Parquet files, which this build of the program cannot read.
    #[error("{}: parquet files, which this program cannot read; compile it with --features parquet", path.display())]
    ParquetDisabled {
        /// The file or folder.
        path: PathBuf,
    },

    /// A split or sample number beyond the source's.
    #[error("{source_name} has no sample {index} in split {split}")]
    OutOfRange {
        /// The source's description.
        source_name: String,
        /// Split number asked for.
        split: usize,
        /// Sample number asked for.
        index: usize,
    },

    /// A sample whose bytes cannot be read; others are not affected.
    #[error("{}: sample {key}: {reason}", path.display())]
    Read {
        /// The file that holds the sample.
        path: PathBuf,
        /// The sample's key.
        key: String,
        /// What went wrong.
        reason: String,
    },
}

impl SourceError {
    /// For `map_err`: names the path that caused the error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> SourceError + '_ {
        move |source| {
            let path = path.to_path_buf();
            match source.kind() {
                io::ErrorKind::NotFound => SourceError::NotFound { path },
                _ => SourceError::Io { path, source },
            }
        }
    }

    pub(crate) fn labels(path: &Path, reason: impl Into<String>) -> SourceError {
        SourceError::Labels {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}
