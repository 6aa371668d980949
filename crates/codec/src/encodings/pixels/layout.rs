//! The bytes of a record of pixels.
//!
//! ```text
//! u32 width | u32 height | u8 colour | u8 ratio | u8 form | u8 zero | u32 length of what follows      little-endian
//! planes, or: u32 end of each strip | strips
//! the original file, or nothing
//! ```
//! All lengths are checked here, before anything is allocated for them.

use std::ops::Range;

use crate::CodecError;
use crate::kind::MAX_PIXELS;

/// Rows of luma in a strip.
pub(super) const STRIP: usize = 16;
const HEAD: usize = 16;
/// zstd stores 128 KiB in 4 bytes at best.
const BEST_RATIO: usize = (128 << 10) / 4;

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// One plane.
    Gray,
    /// Y, Cb and Cr. Cb and Cr have one sample for so many of luma, across and down.
    YCbCr { ratio: (u32, u32) },
    /// Red, green and blue: interleaved if they are stored plain, else the planes G, R - G and B - G.
    Rgb,
}

/// Size and kind of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colour: Colour,
}

impl Shape {
    pub(super) fn planes(&self) -> usize {
        match self.colour {
            Colour::Gray => 1,
            Colour::YCbCr { .. } | Colour::Rgb => 3,
        }
    }

    /// Luma samples per sample of the plane, across and down.
    pub(super) fn ratio(&self, plane: usize) -> (usize, usize) {
        match self.colour {
            Colour::YCbCr { ratio } if plane > 0 => (ratio.0 as usize, ratio.1 as usize),
            _ => (1, 1),
        }
    }

    /// Samples in a row of the plane, and rows.
    pub(super) fn size(&self, plane: usize) -> (usize, usize) {
        let (across, down) = self.ratio(plane);
        (
            (self.width as usize).div_ceil(across),
            (self.height as usize).div_ceil(down),
        )
    }

    /// Samples of all planes.
    fn samples(&self) -> usize {
        (0..self.planes())
            .map(|plane| {
                let (width, height) = self.size(plane);
                width * height
            })
            .sum()
    }

    pub(super) fn strips(&self) -> usize {
        (self.height as usize).div_ceil(STRIP)
    }

    /// The plane's rows in a strip.
    pub(super) fn rows(&self, plane: usize, strip: usize) -> Range<usize> {
        let (_, height) = self.size(plane);
        let rows = STRIP / self.ratio(plane).1;
        (strip * rows).min(height)..((strip + 1) * rows).min(height)
    }

    /// Samples of all planes in a strip.
    pub(super) fn strip_samples(&self, strip: usize) -> usize {
        (0..self.planes())
            .map(|plane| self.size(plane).0 * self.rows(plane, strip).len())
            .sum()
    }

    /// Appends a record's head. `stored` gives the form, `length` the length of the planes or strips.
    ///
    /// # Errors
    /// [`CodecError::Pixels`] if a record cannot hold that much.
    pub(super) fn write(
        &self,
        stored: bool,
        length: usize,
        record: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let (colour, ratio) = match self.colour {
            Colour::Gray => (0, (1, 1)),
            Colour::YCbCr { ratio } => (1, ratio),
            Colour::Rgb => (2, (1, 1)),
        };
        let length = u32::try_from(length).map_err(|_| CodecError::Pixels("over 4 GiB"))?;
        record.extend(self.width.to_le_bytes());
        record.extend(self.height.to_le_bytes());
        record.extend([colour, (ratio.0 << 4 | ratio.1) as u8, u8::from(!stored), 0]);
        record.extend(length.to_le_bytes());
        Ok(())
    }

    fn parse(head: &[u8; HEAD]) -> Result<Self, CodecError> {
        let (width, height) = (u32_at(head, 0), u32_at(head, 4));
        if width == 0 || height == 0 {
            return Err(CodecError::Pixels("it has no pixels"));
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(CodecError::TooLarge { width, height });
        }
        let ratio = (u32::from(head[9] >> 4), u32::from(head[9] & 15));
        let colour = match (head[8], ratio) {
            (0, (1, 1)) => Colour::Gray,
            (1, (1 | 2 | 4, 1 | 2)) => Colour::YCbCr { ratio },
            (2, (1, 1)) => Colour::Rgb,
            _ => return Err(CodecError::Pixels("its kind of colour is unknown")),
        };
        Ok(Shape {
            width,
            height,
            colour,
        })
    }
}

/// Samples as they are stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form<'a> {
    /// Plane after plane, or interleaved RGB, rows without gaps.
    Plain(&'a [u8]),
    /// The end of each strip, and the strips.
    Strips(&'a [[u8; 4]], &'a [u8]),
}

/// The parts of a stored record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(super) shape: Shape,
    pub(super) form: Form<'a>,
    /// The source file, if it was kept.
    pub(crate) original: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// # Errors
    /// [`CodecError::Pixels`] or [`CodecError::TooLarge`].
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, CodecError> {
        const BAD: CodecError = CodecError::Pixels("its parts do not add up to its length");
        let (head, rest) = payload.split_first_chunk::<HEAD>().ok_or(BAD)?;
        let shape = Shape::parse(head)?;
        let length = u32_at(head, 12) as usize;
        let (samples, original) = rest.split_at_checked(length).ok_or(BAD)?;
        let form = match head[10..12] {
            [0, 0] if samples.len() == shape.samples() => Form::Plain(samples),
            [0, 0] => return Err(BAD),
            [1, 0] => {
                let (ends, strips) = samples.split_at_checked(shape.strips() * 4).ok_or(BAD)?;
                let (ends, _) = ends.as_chunks::<4>();
                let all = ends.last().map_or(0, |end| u32::from_le_bytes(*end));
                if all as usize != strips.len() {
                    return Err(BAD);
                }
                Form::Strips(ends, strips)
            }
            _ => return Err(CodecError::Pixels("its form is unknown")),
        };
        Ok(Record {
            shape,
            form,
            original: (!original.is_empty()).then_some(original),
        })
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.shape.width, self.shape.height)
    }
}

impl Shape {
    /// The bytes of a strip within the caller's `strips`.
    ///
    /// # Errors
    /// [`CodecError::Pixels`] if the strip reaches beyond them, or could not unpack to the expected size.
    pub(super) fn strip<'a>(
        &self,
        ends: &[[u8; 4]],
        strips: &'a [u8],
        strip: usize,
    ) -> Result<&'a [u8], CodecError> {
        let end = |strip: usize| ends.get(strip).map_or(0, |end| u32::from_le_bytes(*end));
        let start = strip.checked_sub(1).map_or(0, end);
        let bytes = strips
            .get(start as usize..end(strip) as usize)
            .ok_or(CodecError::Pixels("a strip lies outside of it"))?;
        if self.strip_samples(strip) > bytes.len().saturating_mul(BEST_RATIO) {
            return Err(CodecError::Pixels("a strip is too short for its pixels"));
        }
        Ok(bytes)
    }
}

/// A summary of a record of pixels, read without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelsInfo {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `gray`, `YCbCr` or `RGB`.
    pub colour: &'static str,
    /// Luma samples per chroma sample, across and down; (1, 1) if there is no chroma.
    pub ratio: (u32, u32),
    /// Whether strips are compressed; plain planes otherwise.
    pub compressed: bool,
    /// Bytes of the samples as they are stored.
    pub stored: usize,
    /// Bytes of the source file behind them; 0 if it was not kept.
    pub original: usize,
}

impl PixelsInfo {
    /// Reads the summary of an [`crate::Encoding::Pixels`] record.
    ///
    /// # Errors
    /// [`CodecError::Pixels`] if its lengths do not add up, [`CodecError::TooLarge`].
    pub fn of(payload: &[u8]) -> Result<Self, CodecError> {
        let record = Record::parse(payload)?;
        let (colour, ratio) = match record.shape.colour {
            Colour::Gray => ("gray", (1, 1)),
            Colour::YCbCr { ratio } => ("YCbCr", ratio),
            Colour::Rgb => ("RGB", (1, 1)),
        };
        let original = record.original.map_or(0, <[u8]>::len);
        Ok(PixelsInfo {
            width: record.shape.width,
            height: record.shape.height,
            colour,
            ratio,
            compressed: matches!(record.form, Form::Strips(..)),
            stored: payload.len() - HEAD - original,
            original,
        })
    }
}

fn u32_at(bytes: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
