//! Why source files could not be given back.

use std::path::PathBuf;

use codec::CodecError;
use record::RecordError;

use crate::FileError;

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file of that name has other contents.
    #[error(
        "{}: there is another file of this name; export to another directory, or overwrite it (--force)",
        path.display()
    )]
    OtherFile {
        /// The file.
        path: PathBuf,
    },
    /// The payload of a record does not give its source file.
    #[error("record {record} of split {split}: {cause}")]
    Unpack {
        /// The record's number in its split.
        record: u64,
        /// The split.
        split: String,
        /// Why.
        #[source]
        cause: CodecError,
    },
    /// A record has a label beyond the manifest's classes.
    #[error("{key} has a label that the manifest does not know; run shard verify")]
    UnknownLabel {
        /// The record's key.
        key: String,
    },
    /// The data set cannot be read, or is damaged.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The symbol tables cannot be used.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
