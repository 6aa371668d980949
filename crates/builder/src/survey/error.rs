//! Why a directory cannot be built into, and why a shard in it cannot stay.

use std::fmt;
use std::path::PathBuf;

use crate::FileError;

/// Why the output directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// It contains other people's files.
    #[error(
        "{}: not empty and not a data set (it contains {stranger:?}); choose a new or empty output directory",
        dir.display()
    )]
    NotADataset {
        /// The directory.
        dir: PathBuf,
        /// One of the files.
        stranger: String,
    },
    /// It contains work of another build, which is not destroyed unless a rebuild is asked for.
    #[error(
        "{} holds {} of another build ({file}: {why}); choose another output directory, or rebuild here (--force)",
        dir.display(), if *finished { "a finished data set" } else { "shards" }
    )]
    OtherBuild {
        /// The directory.
        dir: PathBuf,
        /// Whether the data set is finished.
        finished: bool,
        /// One of its shards.
        file: String,
        /// Why the shard cannot stay.
        why: Why,
    },
    /// Another build is writing to it.
    #[error("{}: another build is writing to this directory", dir.display())]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a shard does not belong to the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is damaged, and nothing is lost with it. The message names the file.
    Damaged(String),
    /// It was made from other files or with other options.
    Changed(&'static str),
    /// The plan cuts its split into another number of shards.
    NotPlanned,
    /// The plan does not have its split at all.
    OtherSplit,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(how) => f.write_str(how),
            Self::Changed(what) => f.write_str(what),
            Self::NotPlanned => f.write_str("the split is now cut into another number of shards"),
            Self::OtherSplit => f.write_str("this build has no such split"),
        }
    }
}
