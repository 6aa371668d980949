//! Why shards cannot be packed. A bad file is not among these: what happens to it is a choice.

use augment::AugmentError;
use codec::CodecError;
use imagenet::SourceError;
use record::RecordError;

/// Why packing stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A sample cannot be read.
    #[error("cannot read {key}: {cause}")]
    Read {
        /// The sample.
        key: String,
        /// What the source says.
        #[source]
        cause: SourceError,
    },
    /// A sound sample cannot be encoded.
    #[error("cannot store {key}: {cause}")]
    Encode {
        /// The sample.
        key: String,
        /// Why.
        #[source]
        cause: EncodeError,
    },
    /// The source's list of samples has become shorter.
    #[error("the source's list of samples has changed while it was read")]
    SourceChanged,
    /// A decoder or encoder cannot be set up.
    #[error("cannot set up a decoder: {0}")]
    Decoder(#[source] CodecError),
    /// A shard cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Why a file that was found sound cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Decoding or encoding it fails.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Scaling it fails.
    #[error(transparent)]
    Scale(#[from] AugmentError),
}
