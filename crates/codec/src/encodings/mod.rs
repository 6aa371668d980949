//! The encodings: a folder each, with the same five functions, and the one table that chooses between them.
//!
//! A new encoding is a folder here, a variant and a row in `encoding.rs`, and a line in [`of`].

mod functions;
pub(crate) mod indexed;
pub(crate) mod pixels;
pub(crate) mod recoded;
mod source;
pub(crate) mod transcoded;

pub(crate) use functions::{Functions, ImageDecoder, Wanted};

use crate::Encoding;

/// The functions of an encoding.
pub(crate) const fn of(encoding: Encoding) -> &'static Functions {
    match encoding {
        Encoding::Source => &source::FUNCTIONS,
        Encoding::Jpeg => &indexed::FUNCTIONS,
        Encoding::Recoded => &recoded::FUNCTIONS,
        Encoding::Transcoded => &transcoded::FUNCTIONS,
        Encoding::Pixels => &pixels::FUNCTIONS,
    }
}
