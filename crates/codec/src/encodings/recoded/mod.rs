//! The encoding `recoded`: the coefficients of a baseline JPEG in a SIMD-friendly entropy code.
//!
//! JPEG's Huffman code must be decoded bit by bit. This encoding codes the same quantised coefficients with static rANS
//! in many interleaved lanes, in units of 64 x 64 pixels. A crop decodes only the units that it touches, and a vector
//! register decodes sixteen symbols at once. The file can be restored byte for byte.
//!
//! It shares these with the encoding `jpeg`, in [`crate::jpeg`]: which files are accepted, the header, the inverse DCT.
//! The statistics do not adapt to an image: [`Tables`] hold them for a whole data set.

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
