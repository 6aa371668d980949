//! Re-coded JPEG: the coefficients of a baseline file, entropy-coded for vector units.
//!
//! JPEG's Huffman code is decoded bit by bit. Here the same quantised coefficients are coded with
//! static rANS in many interleaved lanes, unit by unit of 64 x 64 pixels, so that a crop decodes what it
//! touches and a vector register decodes sixteen symbols at once. The file comes back byte for byte.
//!
//! Shared with [`crate::seek`]: what is taken, the JPEG header, the inverse DCT, the planes that come out.
//! Statistics are not adapted to an image: [`Tables`] hold them for a whole data set.

mod bits;
mod cluster;
mod contexts;
mod decode;
mod kernel;
mod layout;
mod model;
mod payload;
mod rans;
mod scan;
mod source;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod train;
mod unit;

pub use tables::Tables;
pub use train::TableTrainer;

pub(crate) use decode::RecodedDecoder;
pub(crate) use kernel::is_fast;
pub(crate) use payload::{pack, restore, size};

use crate::seek::SeekError;
use crate::{CodecError, Kind};

/// Why a file cannot be stored re-coded, or a stored one not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecodeError {
    /// A sound file of a kind that this encoding does not take.
    Unsupported(&'static str),
    /// The bytes contradict themselves.
    Corrupt(&'static str),
    /// The record was made with tables of this id, not with those given.
    OtherTables(u32),
}

impl From<SeekError> for RecodeError {
    fn from(error: SeekError) -> Self {
        match error {
            SeekError::Unsupported(reason) => Self::Unsupported(reason),
            SeekError::Corrupt(reason) => Self::Corrupt(reason),
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
