//! Why a data set could not be converted.

use std::path::PathBuf;

use codec::{CodecError, Encoding};
use record::RecordError;

use crate::FileError;

/// Why a conversion stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The data set is stored in another encoding than expected.
    #[error("{}: its encoding is {found}, not {expected}", dataset.display())]
    OtherEncoding {
        /// The data set.
        dataset: PathBuf,
        /// Its encoding.
        found: String,
        /// The encoding asked for.
        expected: Encoding,
    },
    /// The output directory contains a finished data set.
    #[error("{}: there is a data set already; choose another output directory", out.display())]
    AlreadyThere {
        /// The directory.
        out: PathBuf,
    },
    /// A record cannot be converted.
    #[error("{}: record {record}, {key}: {cause}", shard.display())]
    Convert {
        /// Its shard.
        shard: PathBuf,
        /// Its number in the shard.
        record: usize,
        /// Its key.
        key: String,
        /// Why.
        #[source]
        cause: CodecError,
    },
    /// A shard cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The symbol tables cannot be used, or an image they are trained on cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
