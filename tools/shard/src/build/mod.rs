//! Building a data set: plan it from the source's list alone, see what an earlier run has finished,
//! pack the rest. The command itself, and what it says, is in `cmd::build`.

pub(crate) mod examine;
pub(crate) mod frontier;
pub(crate) mod manifest;
pub(crate) mod note;
pub(crate) mod pack;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod storing;
pub(crate) mod survey;
pub(crate) mod tables;

use record::ShardSummary;

use note::Note;

/// A shard that is on disk and complete.
#[derive(Debug)]
pub(crate) struct Finished {
    /// What the manifest will say of it.
    pub(crate) summary: ShardSummary,
    /// What its note says of the files that went into it, or did not.
    pub(crate) note: Note,
}

/// A file that cannot be packed as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct BadFile {
    /// The split that it belongs to.
    pub(crate) split: String,
    /// Its key.
    pub(crate) key: String,
    /// What is wrong with it.
    pub(crate) cause: String,
    /// Whether `--on-bad repair` would keep it.
    pub(crate) repairable: bool,
}
