//! What can go wrong with one image.
//!
//! The messages name the cause and say how to fix it. They do not name the file or the record: this crate sees
//! only bytes.

use crate::{Kind, MAX_PIXELS, Region};

/// Why an image could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// There are no bytes at all.
    #[error("the file is empty (zero bytes); fetch it again or leave it out")]
    Empty,
    /// The first bytes belong to another kind of file.
    #[error("neither JPEG nor PNG: this is {found}; convert the file or leave it out")]
    NotAnImage {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// A known kind of JPEG or PNG that is not supported.
    #[error("{0} is not supported; convert the file to baseline JPEG or leave it out")]
    Unsupported(Unsupported),
    /// The header makes no sense, or ends too early.
    #[error("damaged {kind} header: {reason}; fetch the file again or leave it out")]
    Header {
        /// What the file is.
        kind: Kind,
        /// What is wrong with it.
        reason: String,
    },
    /// More pixels than [`MAX_PIXELS`], or a side beyond what the format's decoder takes.
    #[error(
        "the image is {width} x {height} pixels, but at most {MAX_PIXELS} in all, and {} on a side of a JPEG, \
         are supported; scale it down or leave it out",
        crate::kind::MAX_JPEG_SIDE
    )]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The decoder gave up. There are no pixels.
    #[error("cannot decode this {kind}: {reason}; fetch the file again or leave it out")]
    Decode {
        /// What the file is.
        kind: Kind,
        /// The decoder's own words.
        reason: String,
    },
    /// The requested region is empty or reaches beyond the image.
    #[error("region {region} does not lie inside the image of {width} x {height} pixels")]
    Region {
        /// The requested region.
        region: Region,
        /// Pixels in a row of the image.
        width: u32,
        /// Rows of the image.
        height: u32,
    },
    /// A record is stored in an encoding that this version does not know.
    #[error("encoding tag {0} is unknown; a newer version of this software wrote the record")]
    UnknownEncoding(u8),
    /// Stored [`crate::Tables`] cannot be read.
    #[error(
        "the tables of the recoded encoding cannot be read: {0}; copy their file again from where the data set came from, or rebuild the data set"
    )]
    Tables(&'static str),
    /// A record of the recoded encoding needs the tables with this id, but was given others.
    #[error(
        "the record needs the tables {0:08x} that it was made with; open it with its own data set"
    )]
    OtherTables(u32),
    /// A record of stored pixels contradicts itself.
    #[error("damaged record of pixels: {0}; fetch its shard again or rebuild it")]
    Pixels(&'static str),
    /// The pixels to encode do not form a valid image.
    #[error("cannot encode {width} x {height} pixels from {bytes} bytes: {reason}")]
    Encode {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes of pixel data given.
        bytes: usize,
        /// What is wrong.
        reason: String,
    },
    /// The pixels do not fit in memory.
    #[error("no memory for {bytes} bytes of pixels; use fewer threads or leave the image out")]
    OutOfMemory {
        /// Size of the buffer that could not be allocated.
        bytes: usize,
    },
}

/// Kinds of image files that are recognised but not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// More than eight bits per sample: medical and some scientific JPEGs.
    #[error("JPEG with 12 bits per sample")]
    TwelveBit,
    /// SOF3 and SOF11: JPEG's own lossless process, not the common DCT one.
    #[error("lossless JPEG")]
    Lossless,
    /// SOF5-7 and SOF13-15: hierarchical JPEG.
    #[error("hierarchical JPEG")]
    Hierarchical,
    /// Neither gray (1), colour (3) nor CMYK (4).
    #[error("JPEG with {0} components")]
    Components(u8),
}
