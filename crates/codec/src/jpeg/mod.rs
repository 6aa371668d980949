//! Everything about JPEG itself, independent of how records store it: headers, our own decoder and libjpeg-turbo.
//!
//! Our own decoder takes baseline files of gray or YCbCr, from bits ([`bits`], [`tables`], [`block`]) over
//! coefficients to planes ([`rows`], [`idct`]) and RGB ([`rgb`]), equal bit for bit to libjpeg-turbo's accurate
//! integer DCT. [`file`] decodes whole files of any kind with libjpeg-turbo ([`turbo`]).
//!
//! This module does not know how a record stores a JPEG.

pub(crate) mod baseline;
pub(crate) mod bits;
mod block;
mod cmyk;
pub(crate) mod coefficients;
mod crop;
pub(crate) mod encode;
mod exif;
pub(crate) mod file;
pub(crate) mod grid;
pub(crate) mod group;
pub(crate) mod header;
pub(crate) mod huffman;
pub(crate) mod idct;
mod markers;
pub(crate) mod range;
pub(crate) mod rgb;
pub(crate) mod rows;
pub(crate) mod stuffing;
pub(crate) mod tables;
pub(crate) mod turbo;

/// Why our own decoder cannot take a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JpegError {
    /// A sound file of another kind.
    Unsupported(&'static str),
    /// The bytes contradict themselves.
    Corrupt(&'static str),
}

impl JpegError {
    /// The fault, worded to follow the name of the thing that was read.
    pub(crate) fn reason(self) -> &'static str {
        let (Self::Unsupported(reason) | Self::Corrupt(reason)) = self;
        reason
    }
}
