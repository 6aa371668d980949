//! Building a data set: [`Builder`] holds the options, `write` runs the steps, `manifest` sums them up.

mod builder;
mod error;
mod manifest;
mod report;
mod write;

use record::ShardSummary;

use crate::note::Note;

pub use builder::Builder;
pub use error::BuildError;
pub use report::{BadFile, Built, OddCounts, Status};

/// A shard that is on disk and complete.
#[derive(Debug)]
pub(crate) struct Finished {
    /// What the manifest says about it.
    pub(crate) summary: ShardSummary,
    /// What its note says about the files that went into it, or were left out.
    pub(crate) note: Note,
}
