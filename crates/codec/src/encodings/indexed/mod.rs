//! The encoding `jpeg`: a baseline file with a seek index, so that decoding can start in the middle.
//!
//! A JPEG's entropy-coded data has no entry points, so decoding a crop means decoding everything above and left of it.
//! The index keeps the bit position and the DC predictors for every few MCUs of every row. A crop then costs only what
//! its own blocks cost. The file can be restored byte for byte.
//!
//! Decoding yields planes, equal bit for bit to libjpeg-turbo's `islow`. The JPEG decoder itself is in `jpeg`. This
//! module has the index, the payload and the code that finds where to start.

mod decode;
mod index;
mod payload;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use decode::IndexedDecoder;
pub(crate) use payload::{pack, pack_read};

use std::borrow::Cow;

use super::functions::{Functions, file_size};
use crate::jpeg::JpegError;
use crate::{CodecError, Encoding, Kind};
use payload::{Payload, restore};

pub(super) const FUNCTIONS: Functions = Functions {
    pack: |file, _| {
        let header = file.jpeg()?.baseline().ok()?;
        Some(Cow::Owned(pack_read(file.bytes(), header).ok()?))
    },
    otherwise: Encoding::Source,
    unpack: |payload, _| Ok(Cow::Owned(unpack(payload)?)),
    gives_source: |_| Ok(true),
    size: |payload, _| file_size(Payload::parse(payload).map_err(failed)?.header),
    decoder: |level| Ok(Box::new(IndexedDecoder::new(level))),
};

/// The source file, byte for byte.
///
/// # Errors
/// [`CodecError::Decode`] if the payload is damaged.
pub(crate) fn unpack(payload: &[u8]) -> Result<Vec<u8>, CodecError> {
    restore(payload).map_err(failed)
}

fn failed(error: JpegError) -> CodecError {
    CodecError::Decode {
        kind: Kind::Jpeg,
        reason: format!("seek-indexed record: {}", error.reason()),
    }
}
