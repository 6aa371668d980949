//! Identifies an image file by its bytes, never by its name.
//!
//! Reads headers only. A file that passes here may still be damaged further on; only decoding finds that (see
//! [`crate::Decoder::health`]).

use std::fmt;

use crate::jpeg::header::{Color, Header};
#[cfg(doc)]
use crate::kind::MAX_PIXELS;
use crate::kind::{Kind, check_size};
use crate::{CodecError, png};

/// What the header of an image file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// The file's format.
    pub kind: Kind,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Channels as stored: 1 gray (or palette index), 2 gray and alpha, 3 colour, 4 CMYK or RGBA.
    pub components: u8,
    /// Bits of one stored sample: 8 for JPEG; 1, 2, 4, 8 or 16 for PNG.
    pub bits: u8,
    /// Horizontal and vertical sampling factor of each component; the first `components` count. (2, 2), (1, 1), (1, 1)
    /// is 4:2:0. All (1, 1) for PNG.
    pub factors: [(u8, u8); 4],
    /// What sets the file apart from a baseline YCbCr JPEG. Empty for nearly every file.
    pub oddities: Vec<Oddity>,
}

/// A property of an image file that sets it apart from a plain baseline YCbCr JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Oddity {
    /// The file is a PNG.
    Png,
    /// A PNG with 16 bits per sample; decoding keeps eight.
    SixteenBit,
    /// A PNG with an alpha channel or a transparent colour; decoding drops it.
    Transparency,
    /// One gray channel.
    Gray,
    /// Four channels: cyan, magenta, yellow, black.
    Cmyk,
    /// CMYK whose first three channels went through the YCbCr transform.
    Ycck,
    /// A JPEG that stores RGB without the YCbCr transform.
    Rgb,
    /// Progressive JPEG (SOF2, SOF10).
    Progressive,
    /// Arithmetic instead of Huffman coding (SOF9, SOF10).
    Arithmetic,
    /// A sequential JPEG whose components come in separate scans.
    SeparateScans,
    /// Restart markers, at a fixed interval of MCUs.
    RestartIntervals(u16),
    /// EXIF asks for the picture to be turned or mirrored (2 to 8). Ignored when decoding, as
    /// torchvision and MindCV ignore it.
    ExifOrientation(u8),
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Png => f.write_str("PNG"),
            Self::SixteenBit => f.write_str("16 bits per sample"),
            Self::Transparency => f.write_str("transparency (dropped)"),
            Self::Gray => f.write_str("gray"),
            Self::Cmyk => f.write_str("CMYK"),
            Self::Ycck => f.write_str("YCCK"),
            Self::Rgb => f.write_str("RGB JPEG"),
            Self::Progressive => f.write_str("progressive"),
            Self::Arithmetic => f.write_str("arithmetic coding"),
            Self::SeparateScans => f.write_str("separate scans"),
            Self::RestartIntervals(mcus) => write!(f, "restart marker every {mcus} MCUs"),
            Self::ExifOrientation(n) => write!(f, "EXIF orientation {n} (ignored)"),
        }
    }
}

/// Reads the header of an image file.
///
/// # Errors
/// [`CodecError::Empty`], [`CodecError::NotAnImage`] with what the bytes look like, [`CodecError::Unsupported`],
/// [`CodecError::Header`] if it is damaged or incomplete, [`CodecError::TooLarge`] beyond [`MAX_PIXELS`].
pub fn sniff(bytes: &[u8]) -> Result<ImageInfo, CodecError> {
    Ok(ImageFile::read(bytes)?.info)
}

/// An image file whose header has been read. Use it to inspect, check and then store a file while reading its header
/// only once: [`ImageFile::info`], [`crate::Decoder::file_health`], [`crate::pack_file`].
#[derive(Clone, Debug)]
pub struct ImageFile<'a> {
    bytes: &'a [u8],
    info: ImageInfo,
    jpeg: Option<Header>,
}

impl<'a> ImageFile<'a> {
    /// Reads the header of an image file.
    ///
    /// # Errors
    /// Those of [`sniff`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (info, jpeg) = match kind_of(bytes)? {
            Kind::Jpeg => {
                let header = Header::read(bytes)?;
                (jpeg_info(&header), Some(header))
            }
            Kind::Png => (png::info(bytes)?, None),
        };
        check_size(info.kind, info.width, info.height)?;
        Ok(ImageFile { bytes, info, jpeg })
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The contents of its header.
    #[must_use]
    pub fn info(&self) -> &ImageInfo {
        &self.info
    }

    /// The header, if it is a JPEG.
    pub(crate) fn jpeg(&self) -> Option<&Header> {
        self.jpeg.as_ref()
    }
}

/// The format that the first bytes show.
pub(crate) fn kind_of(bytes: &[u8]) -> Result<Kind, CodecError> {
    if bytes.is_empty() {
        Err(CodecError::Empty)
    } else if bytes.starts_with(&[0xFF, 0xD8]) {
        Ok(Kind::Jpeg)
    } else if bytes.starts_with(&png::SIGNATURE) {
        Ok(Kind::Png)
    } else {
        Err(CodecError::NotAnImage {
            found: name_of_other(bytes),
        })
    }
}

fn jpeg_info(header: &Header) -> ImageInfo {
    let mut oddities = Vec::new();
    match header.color {
        Color::YCbCr => {}
        Color::Gray => oddities.push(Oddity::Gray),
        Color::Rgb => oddities.push(Oddity::Rgb),
        Color::Cmyk => oddities.push(Oddity::Cmyk),
        Color::Ycck => oddities.push(Oddity::Ycck),
    }
    if header.progressive {
        oddities.push(Oddity::Progressive);
    } else if header.separate_scans {
        oddities.push(Oddity::SeparateScans);
    }
    if header.arithmetic {
        oddities.push(Oddity::Arithmetic);
    }
    if header.restart_interval > 0 {
        oddities.push(Oddity::RestartIntervals(header.restart_interval));
    }
    if let Some(n @ 2..=8) = header.orientation {
        oddities.push(Oddity::ExifOrientation(n));
    }
    ImageInfo {
        kind: Kind::Jpeg,
        width: header.width,
        height: header.height,
        components: header.components,
        bits: 8,
        factors: header.factors,
        oddities,
    }
}

/// Names a file that is neither JPEG nor PNG, to help find its origin.
fn name_of_other(bytes: &[u8]) -> &'static str {
    const SIGNATURES: [(usize, &[u8], &str); 13] = [
        (0, b"GIF8", "a GIF image"),
        (0, b"BM", "a BMP image"),
        (8, b"WEBP", "a WebP image"),
        (0, b"II*\0", "a TIFF image"),
        (0, b"MM\0*", "a TIFF image"),
        (4, b"ftypavif", "an AVIF image"),
        (4, b"ftyphei", "a HEIF image"),
        (4, b"jP  \r\n", "a JPEG 2000 image"),
        (4, b"JXL \r\n", "a JPEG XL image"),
        (0, b"\xFF\x0A", "a JPEG XL image"),
        (0, b"\x1F\x8B", "a gzip archive"),
        (0, b"PK\x03\x04", "a zip archive"),
        (257, b"ustar", "a tar archive"),
    ];
    let signature = SIGNATURES
        .iter()
        .find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, name)) = signature {
        return name;
    }
    let text = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let begins = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    if begins(b"<!doctype html") || begins(b"<html") {
        "an HTML page"
    } else if begins(b"<svg") || begins(b"<?xml") {
        "an XML or SVG document"
    } else if bytes.iter().all(|&byte| byte == 0) {
        "nothing but zero bytes"
    } else {
        "an unknown format"
    }
}
