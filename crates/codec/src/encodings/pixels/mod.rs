//! The encoding `pixels`: the planes that a JPEG decodes to, or RGB, filtered and compressed in strips of 16 rows, or
//! simply stored.
//!
//! For data sets that fit in memory, where bytes are cheap and time is not, and for files that no other encoding makes
//! fast (PNG, CMYK). The planes of a JPEG are those of libjpeg-turbo's `islow`, at the file's own resolution, so
//! nothing more is lost: decoding to planes and decoding to RGB give the same pixels as for the file. Stored planes are
//! not even copied: a region is a view of the record.
//!
//! The file cannot be restored from its pixels. It is stored behind them, unless it was dropped; then a PNG of the same
//! pixels takes its place.

mod colour;
mod decode;
mod filter;
mod layout;
mod pack;
#[cfg(test)]
mod tests;

pub use layout::PixelsInfo;
pub use pack::{PixelCompression, PixelOptions, PixelPacker};

use std::borrow::Cow;

use super::functions::Functions;
use crate::Encoding;
use decode::PixelDecoder;
use layout::Record;

pub(super) const FUNCTIONS: Functions = Functions {
    pack: |file, _| {
        let mut packer = PixelPacker::new(PixelOptions::default()).ok()?;
        Some(Cow::Owned(packer.pack_file(file).ok()?))
    },
    otherwise: Encoding::Source,
    unpack: |payload, _| decode::file(payload),
    gives_source: |payload| Ok(Record::parse(payload)?.original.is_some()),
    size: |payload, _| Ok(Record::parse(payload)?.size()),
    decoder: |level| Ok(Box::new(PixelDecoder::new(level))),
};
