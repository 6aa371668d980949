//! Turns files and pixels into records.

use zstd::bulk::Compressor;

use super::colour;
use super::filter;
use super::layout::{Colour, Shape};
use crate::encodings::functions::Wanted;
use crate::encodings::indexed;
use crate::encodings::indexed::IndexedDecoder;
use crate::encodings::source::SourceDecoder;
use crate::encodings::transcoded::{Originals, to_indexed};
use crate::jpeg::encode::Sampling;
use crate::{CodecError, ImageFile, Level, Plane, Planes};
#[cfg(doc)]
use crate::{Decoder, Encoding};

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelCompression {
    /// As they are: the largest and fastest form.
    Stored,
    /// Filtered, each strip a zstd frame of this level: smaller and slower with each.
    Zstd(i32),
}

impl PixelCompression {
    /// The levels that [`PixelCompression::Zstd`] takes.
    pub const LEVELS: std::ops::RangeInclusive<i32> = -50..=22;
}

/// How files become records of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelOptions {
    /// How samples are stored.
    pub compression: PixelCompression,
    /// Whether the files themselves are kept.
    pub originals: Originals,
}

impl Default for PixelOptions {
    /// zstd's level 1, the file behind the pixels.
    fn default() -> Self {
        PixelOptions {
            compression: PixelCompression::Zstd(1),
            originals: Originals::Keep,
        }
    }
}

/// Makes the payloads of [`Encoding::Pixels`] records, one at a time. Make one for each thread and keep it.
pub struct PixelPacker {
    planes: IndexedDecoder,
    files: SourceDecoder,
    originals: Originals,
    zstd: Option<Compressor<'static>>,
}

impl PixelPacker {
    /// # Errors
    /// [`CodecError::OutOfMemory`], or [`CodecError::Decode`] if libjpeg-turbo cannot allocate its memory.
    pub fn new(options: PixelOptions) -> Result<Self, CodecError> {
        let zstd = match options.compression {
            PixelCompression::Stored => None,
            PixelCompression::Zstd(level) => {
                let compressor = Compressor::new(level);
                Some(compressor.map_err(|_| CodecError::OutOfMemory { bytes: 0 })?)
            }
        };
        Ok(PixelPacker {
            planes: IndexedDecoder::new(Level::best()),
            files: SourceDecoder::new()?,
            originals: options.originals,
            zstd,
        })
    }

    /// Stores the pixels of an image file, and the file itself unless it is to be dropped. If the file is a gray or
    /// YCbCr JPEG whose sampling [`Encoding::Jpeg`] knows, its planes are stored as they are in the file. Otherwise the
    /// pixels are stored as gray if all of them are gray, else as RGB.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`]; also if the file decodes only with a warning.
    pub fn pack(&mut self, file: &[u8]) -> Result<Vec<u8>, CodecError> {
        self.pack_file(&ImageFile::read(file)?)
    }

    /// Like [`PixelPacker::pack`], for a file whose header has been read.
    ///
    /// # Errors
    /// Those of [`PixelPacker::pack`].
    pub fn pack_file(&mut self, file: &ImageFile<'_>) -> Result<Vec<u8>, CodecError> {
        let mut record = match as_indexed(file) {
            Some(indexed) => self.pack_planes(&indexed)?,
            None => self.pack_decoded(file)?,
        };
        if self.originals == Originals::Keep {
            record.extend(file.bytes());
        }
        Ok(record)
    }

    /// Stores RGB pixels, `width` x `height` x 3 bytes without padding, as Y, Cb and Cr (JFIF's, rounded). Chroma is
    /// halved both ways for [`Sampling::S420`] and full for any other. If all pixels are gray, they are stored as gray.
    /// There is no original.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if the lengths do not fit.
    pub fn pack_rgb(
        &mut self,
        rgb: &[u8],
        (width, height): (u32, u32),
        sampling: Sampling,
    ) -> Result<Vec<u8>, CodecError> {
        let expected = u64::from(width) * u64::from(height) * 3;
        if rgb.is_empty() || rgb.len() as u64 != expected {
            return Err(CodecError::Encode {
                width,
                height,
                bytes: rgb.len(),
                reason: "three bytes a pixel are needed".to_owned(),
            });
        }
        let shape = |colour| Shape {
            width,
            height,
            colour,
        };
        if colour::is_gray(rgb) {
            return self.write(shape(Colour::Gray), &[colour::gray(rgb)]);
        }
        let [y, mut cb, mut cr] = colour::to_ycc(rgb);
        let mut ratio = (1, 1);
        if sampling == Sampling::S420 {
            ratio = (2, 2);
            [cb, cr] = [cb, cr].map(|plane| colour::halve(&plane, width as usize));
        }
        self.write(shape(Colour::YCbCr { ratio }), &[y, cb, cr])
    }

    fn pack_planes(&mut self, indexed: &[u8]) -> Result<Vec<u8>, CodecError> {
        let planes = self.planes.planes(indexed, Wanted::native(None))?;
        let Planes { image, ratio, .. } = planes;
        let colour = match planes.chroma {
            None => Colour::Gray,
            Some(_) => Colour::YCbCr { ratio },
        };
        let all = std::iter::once(planes.luma).chain(planes.chroma.into_iter().flatten());
        let all: Vec<Vec<u8>> = all.map(without_padding).collect();
        let shape = Shape {
            width: image.0,
            height: image.1,
            colour,
        };
        self.write(shape, &all)
    }

    fn pack_decoded(&mut self, file: &ImageFile<'_>) -> Result<Vec<u8>, CodecError> {
        let decoded = self.files.decode_file(file)?;
        if decoded.warning.is_some() {
            return Err(CodecError::Pixels("some of its pixels are guesses"));
        }
        let shape = |colour| Shape {
            width: decoded.image.0,
            height: decoded.image.1,
            colour,
        };
        let (gray, rgb) = (shape(Colour::Gray), shape(Colour::Rgb));
        let pixels = decoded.pixels;
        match (colour::is_gray(pixels), &self.zstd) {
            (true, _) => {
                let plane = colour::gray(pixels);
                self.write(gray, &[plane])
            }
            (false, None) => {
                let pixels = pixels.to_vec();
                self.write(rgb, &[pixels])
            }
            (false, Some(_)) => {
                let planes = colour::split(pixels);
                self.write(rgb, &planes)
            }
        }
    }

    fn write(&mut self, shape: Shape, planes: &[Vec<u8>]) -> Result<Vec<u8>, CodecError> {
        let mut record = Vec::new();
        let Some(zstd) = &mut self.zstd else {
            let length = planes.iter().map(Vec::len).sum();
            shape.write(true, length, &mut record)?;
            planes.iter().for_each(|plane| record.extend(plane));
            return Ok(record);
        };
        let (mut ends, mut strips, mut residuals) = (Vec::new(), Vec::new(), Vec::new());
        for strip in 0..shape.strips() {
            residuals.clear();
            for (number, plane) in planes.iter().enumerate() {
                let (width, rows) = (shape.size(number).0, shape.rows(number, strip));
                let samples = &plane[rows.start * width..rows.end * width];
                filter::apply(samples, width, &mut residuals);
            }
            match zstd.compress(&residuals) {
                Ok(packed) if packed.len() < residuals.len() => strips.extend(packed),
                _ => strips.extend(&residuals),
            }
            let end = u32::try_from(strips.len()).map_err(|_| CodecError::Pixels("over 4 GiB"))?;
            ends.extend(end.to_le_bytes());
        }
        shape.write(false, ends.len() + strips.len(), &mut record)?;
        record.extend(ends);
        record.extend(strips);
        Ok(record)
    }
}

/// The seek-indexed form of a file, or of a baseline file of the same pixels.
fn as_indexed(file: &ImageFile<'_>) -> Option<Vec<u8>> {
    let header = file.jpeg()?;
    let own = match header.baseline() {
        Ok(header) => indexed::pack_read(file.bytes(), header).ok(),
        Err(_) => None,
    };
    own.or_else(|| to_indexed(file.bytes()))
}

fn without_padding(plane: Plane<'_>) -> Vec<u8> {
    let rows = plane.data.chunks(plane.stride);
    let rows = rows.take(plane.region.height as usize);
    rows.flat_map(|row| &row[..plane.region.width as usize])
        .copied()
        .collect()
}
