//! Decodes a region of a record of pixels.

use std::borrow::Cow;

use zstd::bulk::Decompressor;

use super::colour;
use super::filter::{self, Residuals, VECTOR};
use super::layout::{Colour, Form, Record, STRIP, Shape};
use crate::decoded::{Decoded, Native, grow};
use crate::encodings::functions::{ImageDecoder, Wanted};
use crate::encodings::recoded::tables::Tables;
use crate::jpeg::rgb::Converter;
use crate::{CodecError, Level, Plane, Planes, Region};

/// Decodes regions; one per thread. Keeps its buffers from image to image.
pub(crate) struct PixelDecoder {
    level: Level,
    zstd: Option<Decompressor<'static>>,
    residuals: Vec<u8>,
    planes: [Vec<u8>; 3],
    rgb: Vec<u8>,
}

impl PixelDecoder {
    /// A decoder that uses the given instructions.
    pub(crate) fn new(level: Level) -> Self {
        PixelDecoder {
            level,
            zstd: None,
            residuals: Vec::new(),
            planes: [const { Vec::new() }; 3],
            rgb: Vec::new(),
        }
    }

    fn strips(
        &mut self,
        shape: &Shape,
        ends: &[[u8; 4]],
        strips: &[u8],
        region: Region,
    ) -> Result<Native<'_>, CodecError> {
        let right = (region.x + region.width) as usize;
        let bottom = (region.y + region.height) as usize;
        let wanted = region.y as usize / STRIP..bottom.div_ceil(STRIP);
        // Columns from the first to the region's last one; rows of all strips that the region touches.
        let columns = |plane: usize| right.div_ceil(shape.ratio(plane).0);
        let stride = |plane: usize| columns(plane).next_multiple_of(VECTOR);
        let first = |plane: usize| shape.rows(plane, wanted.start).start;
        let count = |plane: usize| shape.rows(plane, wanted.end - 1).end - first(plane);
        for (plane, buffer) in self.planes.iter_mut().enumerate().take(shape.planes()) {
            grow(buffer, stride(plane) * count(plane))?;
        }
        for strip in wanted.clone() {
            let bytes = shape.strip(ends, strips, strip)?;
            let residuals = unpack(
                &mut self.zstd,
                &mut self.residuals,
                bytes,
                shape.strip_samples(strip),
            )?;
            let mut at = 0;
            for (plane, buffer) in self.planes.iter_mut().enumerate().take(shape.planes()) {
                let (width, rows) = (shape.size(plane).0, shape.rows(plane, strip));
                let residuals = Residuals {
                    bytes: &residuals[at..],
                    width,
                    rows: rows.len(),
                };
                at += width * rows.len();
                let (columns, stride) = (columns(plane), stride(plane));
                let out = &mut buffer[(rows.start - first(plane)) * stride..];
                filter::undo(self.level, residuals, columns, out, stride);
            }
        }
        let plane = |plane: usize| Plane {
            data: &self.planes[plane][..stride(plane) * count(plane)],
            stride: stride(plane),
            region: Region {
                x: 0,
                y: first(plane) as u32,
                width: columns(plane) as u32,
                height: count(plane) as u32,
            },
        };
        match shape.colour {
            Colour::Rgb => {
                let region = plane(0).region;
                let stride = columns(0) * 3;
                let rows = [plane(0), plane(1), plane(2)];
                let rgb = grow(&mut self.rgb, stride * count(0))?;
                for (y, rgb) in rgb.chunks_exact_mut(stride).enumerate() {
                    let row = |plane: &Plane<'_>| y * plane.stride..y * plane.stride + columns(0);
                    let rows = rows.each_ref().map(|plane| &plane.data[row(plane)]);
                    colour::merge(rows, rgb);
                }
                Ok(Native::Rgb(Decoded {
                    image: (shape.width, shape.height),
                    region,
                    stride,
                    pixels: rgb,
                    warning: None,
                }))
            }
            Colour::Gray | Colour::YCbCr { .. } => Ok(Native::Planes(planes(shape, plane))),
        }
    }
}

impl ImageDecoder for PixelDecoder {
    /// Planes or RGB pixels. If they are stored plain, these are views of the payload.
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        _: Option<&Tables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError> {
        let record = Record::parse(payload)?;
        let region = wanted.of_image(record.size())?;
        match record.form {
            Form::Plain(samples) => plain(&record.shape, samples),
            Form::Strips(ends, strips) => self.strips(&record.shape, ends, strips, region),
        }
    }
}

/// The residuals of a strip, followed by [`VECTOR`] spare bytes.
fn unpack<'r>(
    zstd: &mut Option<Decompressor<'static>>,
    buffer: &'r mut Vec<u8>,
    strip: &[u8],
    samples: usize,
) -> Result<&'r [u8], CodecError> {
    let residuals = grow(buffer, samples + VECTOR)?;
    if strip.len() == samples {
        residuals[..samples].copy_from_slice(strip);
        return Ok(residuals);
    }
    let zstd = match zstd {
        Some(zstd) => zstd,
        none => none
            .insert(Decompressor::new().map_err(|_| CodecError::OutOfMemory { bytes: samples })?),
    };
    match zstd.decompress_to_buffer(strip, &mut residuals[..samples]) {
        Ok(length) if length == samples => Ok(residuals),
        _ => Err(CodecError::Pixels("a strip does not unpack to its pixels")),
    }
}

/// Samples that are stored as they are. Their number was checked.
fn plain<'a>(shape: &Shape, samples: &'a [u8]) -> Result<Native<'a>, CodecError> {
    if shape.colour == Colour::Rgb {
        return Ok(Native::Rgb(Decoded {
            image: (shape.width, shape.height),
            region: Region::whole(shape.width, shape.height),
            stride: shape.width as usize * 3,
            pixels: samples,
            warning: None,
        }));
    }
    let start = |plane: usize| -> usize {
        let before = (0..plane).map(|plane| shape.size(plane));
        before.map(|(width, height)| width * height).sum()
    };
    let plane = |plane: usize| {
        let (width, height) = shape.size(plane);
        Plane {
            // Up to the end of all planes, so that vector loads may read beyond a row.
            data: samples.get(start(plane)..).unwrap_or_default(),
            stride: width,
            region: Region::whole(width as u32, height as u32),
        }
    };
    Ok(Native::Planes(planes(shape, plane)))
}

fn planes<'a>(shape: &Shape, plane: impl Fn(usize) -> Plane<'a>) -> Planes<'a> {
    let (across, down) = shape.ratio(1);
    Planes {
        image: (shape.width, shape.height),
        luma: plane(0),
        chroma: (shape.planes() == 3).then(|| [plane(1), plane(2)]),
        ratio: (across as u32, down as u32),
    }
}

/// The source file, or if that was dropped, a PNG of the pixels.
///
/// # Errors
/// Those of [`crate::Decoder::decode`].
pub(super) fn file(payload: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    let record = Record::parse(payload)?;
    if let Some(original) = record.original {
        return Ok(Cow::Borrowed(original));
    }
    let mut decoder = PixelDecoder::new(Level::best());
    let mut converter = Converter::new(Level::best());
    let decoded = decoder.decode(payload, None, Wanted::rgb(None))?;
    let decoded = converter.rgb(decoded, None)?;
    let file = match record.shape.colour {
        Colour::Gray => colour::png(&colour::gray(decoded.pixels), 1, decoded.image),
        _ => colour::png(decoded.pixels, 3, decoded.image),
    };
    Ok(Cow::Owned(file?))
}
