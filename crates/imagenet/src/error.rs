//! What can be wrong with raw data, each message naming the file, the cause and the mend.
//! Broken pixels are not among it: nothing here looks inside an image.

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

    /// A link whose target is not there: images that are gone must not pass for images never there.
    #[error("{}: a link to nothing; bring back what it leads to, or remove it", path.display())]
    DeadLink {
        /// The link.
        path: PathBuf,
    },

    /// Something lies there, but no layout that is known.
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

    /// A name that cannot become that of a class or a part of keys: they are UTF-8. (Of single images it is no
    /// error: see [`Sample::misnamed`](crate::Sample::misnamed).)
    #[error("{}: the name is not UTF-8; rename it", Name::of(path.as_os_str().as_bytes()).text)]
    NameNotUtf8 {
        /// The file or folder, or `tar: entry`.
        path: PathBuf,
    },

    /// A tar that does not read as one.
    #[error("{}: {inside}: {reason}", path.display())]
    Tar {
        /// The tar file on disk.
        path: PathBuf,
        /// The entry, or "the archive itself".
        inside: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// Two samples of a split that would share one key.
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
        "{}: the validation images lie flat and no labels were found; looked in {searched} for {looked_for}. \
         Put one of these there or name it with the labels option",
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

    /// As many labels as images is the one check that a flat validation split offers.
    #[error(
        "{}: {label_count} labels, but {} has {image_count} images; they must be as many",
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

    /// Parquet files, and a build that cannot read them.
    #[error("{}: parquet files, which this build cannot read; build with --features parquet", path.display())]
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

    /// A sample whose bytes could not be had; the others are not affected.
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
    /// For `map_err`: names the path that the system complained about.
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
