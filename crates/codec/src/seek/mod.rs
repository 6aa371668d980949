//! Seek-indexed JPEG: a baseline file that can be entered in the middle.
//!
//! A JPEG's entropy-coded data has no entry points, so decoding a crop means decoding everything
//! above and left of it. Here the bit position and the DC predictors are kept for every few MCUs of
//! every row; a crop then costs what its own blocks cost. The file comes back byte for byte.
//!
//! Decoding yields planes, equal bit for bit to libjpeg-turbo's `islow`: upsampling, resampling and
//! colour conversion are somebody else's.

mod bits;
mod block;
mod decode;
mod grid;
pub(crate) mod group;
pub(crate) mod header;
pub(crate) mod huffman;
pub(crate) mod idct;
mod index;
pub(crate) mod payload;
mod range;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod walk;
pub(crate) mod whole;

pub(crate) use decode::SeekDecoder;
pub(crate) use payload::{pack, restore, size};

use crate::{CodecError, Kind};

/// Why a file cannot be stored seek-indexed, or a stored one not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeekError {
    /// A sound file of a kind that this encoding does not take.
    Unsupported(&'static str),
    /// The bytes contradict themselves.
    Corrupt(&'static str),
}

impl From<SeekError> for CodecError {
    fn from(error: SeekError) -> Self {
        let (SeekError::Unsupported(reason) | SeekError::Corrupt(reason)) = error;
        CodecError::Decode {
            kind: Kind::Jpeg,
            reason: format!("seek-indexed record: {reason}"),
        }
    }
}
