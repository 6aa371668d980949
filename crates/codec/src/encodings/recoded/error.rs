//! Why a file or a record is refused.

use crate::jpeg::JpegError;
use crate::{CodecError, Kind};

/// Why a file cannot be stored re-coded, or a record cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecodeError {
    /// A sound file of a kind that this encoding does not take.
    Unsupported(&'static str),
    /// The bytes contradict themselves.
    Corrupt(&'static str),
    /// The record was made with tables of this id, not with those given.
    OtherTables(u32),
}

impl From<JpegError> for RecodeError {
    fn from(error: JpegError) -> Self {
        match error {
            JpegError::Unsupported(reason) => Self::Unsupported(reason),
            JpegError::Corrupt(reason) => Self::Corrupt(reason),
        }
    }
}

impl From<RecodeError> for CodecError {
    fn from(error: RecodeError) -> Self {
        match error {
            RecodeError::Unsupported(reason) | RecodeError::Corrupt(reason) => CodecError::Decode {
                kind: Kind::Jpeg,
                reason: format!("re-coded record: {reason}"),
            },
            RecodeError::OtherTables(id) => CodecError::OtherTables(id),
        }
    }
}
