//! The encoding `recoded`: the coefficients of a baseline JPEG, entropy-coded for vector units.
//!
//! JPEG's Huffman code is decoded bit by bit. Here the same quantised coefficients are coded with
//! static rANS in many interleaved lanes, unit by unit of 64 x 64 pixels, so that a crop decodes what it
//! touches and a vector register decodes sixteen symbols at once. The file comes back byte for byte.
//!
//! Shared with the encoding `jpeg`, in [`crate::jpeg`]: which files are taken, the header, the inverse DCT.
//! Statistics are not adapted to an image: [`Tables`] hold them for a whole data set.

mod bits;
mod cluster;
mod contexts;
mod decode;
mod error;
mod kernel;
mod layout;
mod model;
mod payload;
mod rans;
mod scan;
mod source;
mod symbols;
pub(super) mod tables;
#[cfg(test)]
mod tests;
mod train;
mod unit;

pub use tables::Tables;
pub use train::TableTrainer;

pub(crate) use decode::RecodedDecoder;
pub(crate) use kernel::is_fast;
#[cfg(test)]
pub(crate) use payload::pack;

use std::borrow::Cow;

use super::functions::{Functions, file_size};
use crate::Encoding;
use payload::{pack_read, restore};

pub(super) const FUNCTIONS: Functions = Functions {
    pack: |file, tables| {
        let header = file.jpeg()?.baseline().ok()?;
        let tables = Tables::or_builtin(tables).ok()?;
        Some(Cow::Owned(pack_read(tables, file.bytes(), header).ok()?))
    },
    otherwise: Encoding::Jpeg,
    unpack: |payload, tables| Ok(Cow::Owned(restore(Tables::or_builtin(tables)?, payload)?)),
    gives_source: |_| Ok(true),
    size: |payload, tables| file_size(&restore(Tables::or_builtin(tables)?, payload)?),
    decoder: |level| Ok(Box::new(RecodedDecoder::new(level))),
};
