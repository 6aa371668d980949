//! Encodes pixels as JPEG: for images that a build repairs or scales, and for generated data sets.

use std::ffi::c_int;

use turbojpeg::raw;

use crate::CodecError;
use crate::jpeg::turbo;
use crate::jpeg::turbo::PixelFormat;
use crate::kind::MAX_JPEG_SIDE;

/// How to compress an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// libjpeg's quality, 1 to 100.
    pub quality: u8,
    /// Resolution of chroma. Has no effect on images without chroma: gray, RGB and plain CMYK.
    pub sampling: Sampling,
    /// The colours to store. This also decides which pixels the encoder expects.
    pub color: JpegColor,
    /// Progressive instead of sequential; its Huffman tables are always optimised.
    pub progressive: bool,
    /// Arithmetic instead of Huffman coding: smaller and slower, and few decoders read it.
    pub arithmetic: bool,
    /// Huffman tables made for this image instead of the standard ones: 2 to 10 % smaller.
    pub optimize: bool,
    /// Restart markers.
    pub restart: Restart,
}

/// Resolution of chroma against luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// 4:4:4, full.
    S444,
    /// 4:2:2, half the columns.
    S422,
    /// 4:2:0, half the columns and half the rows.
    S420,
    /// 4:4:0, half the rows.
    S440,
    /// 4:1:1, a quarter of the columns.
    S411,
}

/// What a JPEG stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JpegColor {
    /// Luma and two chroma channels (JFIF), from RGB pixels. Most JPEGs are of this kind.
    YCbCr,
    /// Luma alone, from RGB pixels.
    Gray,
    /// RGB untransformed (Adobe's marker, transform 0), from RGB pixels.
    Rgb,
    /// CMYK (Adobe's marker, transform 0), from CMYK pixels that are stored as they are. Readers expect them inverted,
    /// 255 for no ink.
    Cmyk,
    /// The same with its first three channels transformed (Adobe's marker, transform 2).
    Ycck,
}

/// How often there is a restart marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    None,
    /// After this many rows of MCUs.
    Rows(u16),
    /// After this many MCUs.
    Mcus(u16),
}

/// Compresses interleaved RGB pixels, `width` x `height` x 3 bytes without padding, into a baseline
/// JPEG with standard Huffman tables.
///
/// # Errors
/// Those of [`EncodeOptions::encode`].
pub fn encode_jpeg(
    rgb: &[u8],
    width: u32,
    height: u32,
    quality: u8,
    sampling: Sampling,
) -> Result<Vec<u8>, CodecError> {
    EncodeOptions::new(quality, sampling).encode(rgb, width, height)
}

impl EncodeOptions {
    /// A baseline YCbCr JPEG with standard Huffman tables and no restart markers.
    pub const fn new(quality: u8, sampling: Sampling) -> Self {
        Self {
            quality,
            sampling,
            color: JpegColor::YCbCr,
            progressive: false,
            arithmetic: false,
            optimize: false,
            restart: Restart::None,
        }
    }

    /// Compresses interleaved pixels without padding: RGB, or CMYK if [`Self::color`] says so. Uses the accurate
    /// integer DCT at every quality.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if `pixels` is not `width` x `height` pixels, a side is 0 or above
    /// 65,500, or the quality is not 1 to 100.
    pub fn encode(&self, pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, CodecError> {
        let failed = |reason: String| CodecError::Encode {
            width,
            height,
            bytes: pixels.len(),
            reason,
        };
        if ![width, height]
            .iter()
            .all(|side| (1..=MAX_JPEG_SIDE).contains(side))
        {
            return Err(failed(format!(
                "each side of a JPEG is 1 to {MAX_JPEG_SIDE} pixels"
            )));
        }
        if !(1..=100).contains(&self.quality) {
            return Err(failed(format!(
                "quality {} is not between 1 and 100",
                self.quality
            )));
        }
        turbo::compress(pixels, (width, height), self.pixel_format(), &self.params())
            .map_err(failed)
    }

    fn pixel_format(&self) -> PixelFormat {
        match self.color {
            JpegColor::YCbCr | JpegColor::Gray | JpegColor::Rgb => PixelFormat::Rgb,
            JpegColor::Cmyk | JpegColor::Ycck => PixelFormat::Cmyk,
        }
    }

    fn params(&self) -> [(raw::TJPARAM, c_int); 7] {
        let color = match self.color {
            JpegColor::YCbCr => raw::TJCS_TJCS_YCbCr,
            JpegColor::Gray => raw::TJCS_TJCS_GRAY,
            JpegColor::Rgb => raw::TJCS_TJCS_RGB,
            JpegColor::Cmyk => raw::TJCS_TJCS_CMYK,
            JpegColor::Ycck => raw::TJCS_TJCS_YCCK,
        };
        let subsampling = match (self.color, self.sampling) {
            (JpegColor::Gray, _) => raw::TJSAMP_TJSAMP_GRAY,
            (JpegColor::Rgb | JpegColor::Cmyk, _) | (_, Sampling::S444) => raw::TJSAMP_TJSAMP_444,
            (_, Sampling::S422) => raw::TJSAMP_TJSAMP_422,
            (_, Sampling::S420) => raw::TJSAMP_TJSAMP_420,
            (_, Sampling::S440) => raw::TJSAMP_TJSAMP_440,
            (_, Sampling::S411) => raw::TJSAMP_TJSAMP_411,
        };
        let (restart, interval) = match self.restart {
            Restart::None => (raw::TJPARAM_TJPARAM_RESTARTROWS, 0),
            Restart::Rows(rows) => (raw::TJPARAM_TJPARAM_RESTARTROWS, rows),
            Restart::Mcus(mcus) => (raw::TJPARAM_TJPARAM_RESTARTBLOCKS, mcus),
        };
        [
            (raw::TJPARAM_TJPARAM_QUALITY, c_int::from(self.quality)),
            (raw::TJPARAM_TJPARAM_COLORSPACE, color as c_int),
            (raw::TJPARAM_TJPARAM_SUBSAMP, subsampling as c_int),
            (
                raw::TJPARAM_TJPARAM_PROGRESSIVE,
                c_int::from(self.progressive),
            ),
            (
                raw::TJPARAM_TJPARAM_ARITHMETIC,
                c_int::from(self.arithmetic),
            ),
            (raw::TJPARAM_TJPARAM_OPTIMIZE, c_int::from(self.optimize)),
            (restart, c_int::from(interval)),
        ]
    }
}
