//! Why a data set could not be built. Bad files are not among these: [`Built`](crate::Built) lists them.

use codec::CodecError;
use imagenet::SourceError;
use record::RecordError;

use crate::{Contradiction, FileError, PackError, PlanError, SurveyError, TablesError};

/// Why a build stopped. Each step of a build has its own error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The source cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The options contradict each other.
    #[error(transparent)]
    Options(#[from] Contradiction),
    /// The source cannot be cut into shards as asked.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The output directory cannot be used.
    #[error(transparent)]
    Output(#[from] SurveyError),
    /// There are no symbol tables to encode with.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// Images cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The manifest or the tables cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The tables cannot be used.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
