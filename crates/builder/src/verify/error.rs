//! Why a data set could not be verified at all.

use codec::CodecError;
use record::RecordError;

use crate::FileError;

/// Why there is no verdict on a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no data set with a readable manifest.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The symbol tables cannot be used, or a decoder cannot be set up.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
