//! Payload in, RGB pixels out.
//!
//! Pixels come out as decoded: resampling, flipping and normalising them is the business of
//! another crate.

use std::sync::Arc;

use crate::jpeg::header::{self, Color};
use crate::jpeg::{cmyk, crop};
use crate::pixels::{PixelDecoder, Record};
use crate::recoded::{self, RecodedDecoder};
use crate::seek::{self, SeekDecoder};
use crate::sniff::{check_size, kind_of};
use crate::transcoded;
use crate::turbo::{Decompressor, PixelFormat};
use crate::{CodecError, Encoding, Kind, Level, Planes, Region, Tables, png, rgb};

/// Decodes payloads, one at a time. Make one for each thread and keep it.
///
/// Its buffers grow to the largest image seen and are used again, so decoding JPEGs allocates no
/// pixels in the steady state; libjpeg-turbo allocates its working memory for each image: some tens
/// of kilobytes for a baseline file, all coefficients for a progressive one. What an image
/// decodes to never depends on the images before it.
pub struct Decoder {
    turbo: Decompressor,
    seek: SeekDecoder,
    level: Level,
    rows: rgb::Scratch,
    recoded: RecodedDecoder,
    stored: PixelDecoder,
    tables: Option<Arc<Tables>>,
    pixels: Vec<u8>,
    samples: Vec<u8>,
}

/// Pixels of an image, in the decoder's buffer or in the payload.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// Width and height of the whole image.
    pub image: (u32, u32),
    /// The part of the image that `pixels` holds: at least what was asked for.
    pub region: Region,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Interleaved RGB, eight bits a sample, rows from top to bottom.
    pub pixels: &'a [u8],
    /// What libjpeg-turbo complained of, if it decoded the file all the same: a truncated file,
    /// say, whose missing rows are gray. Only trouble within or before the region is noticed.
    pub warning: Option<String>,
}

/// What a payload decodes to with the least work.
#[derive(Debug)]
pub enum Native<'a> {
    /// Interleaved pixels.
    Rgb(Decoded<'a>),
    /// The planes of a JPEG, not upsampled and not converted.
    Planes(Planes<'a>),
}

/// Whether an image file can be trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Every pixel decodes, and nothing was out of order.
    Clean,
    /// It decodes, with this warning; some of its pixels are guesses.
    Damaged(String),
    /// It does not decode.
    Undecodable(CodecError),
}

impl Decoder {
    /// A decoder with empty buffers, using the best instructions that this processor has.
    ///
    /// # Errors
    /// [`CodecError::Decode`] if libjpeg-turbo finds no memory for itself.
    pub fn new() -> Result<Self, CodecError> {
        Self::with_level(Level::best())
    }

    /// A decoder that uses at most the instructions of `level` for planes. What comes out does not
    /// depend on it.
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn with_level(level: Level) -> Result<Self, CodecError> {
        Ok(Self {
            turbo: Decompressor::new().map_err(failed)?,
            seek: SeekDecoder::with_level(level),
            level,
            rows: rgb::Scratch::default(),
            recoded: RecodedDecoder::with_level(level),
            stored: PixelDecoder::with_level(level),
            tables: None,
            pixels: Vec::new(),
            samples: Vec::new(),
        })
    }

    /// Gives the decoder the tables of a data set, which [`Encoding::Recoded`] needs; without any, the
    /// built-in ones are used.
    #[must_use]
    pub fn with_tables(mut self, tables: Arc<Tables>) -> Self {
        self.tables = Some(tables);
        self
    }

    /// What the payload decodes to with the least work, covering at least `region`: planes for
    /// the JPEGs of [`Encoding::Jpeg`], [`Encoding::Recoded`], [`Encoding::Transcoded`] and
    /// [`Encoding::Pixels`], RGB pixels for everything else.
    ///
    /// Planes are those of libjpeg-turbo's accurate integer DCT, bit for bit, before upsampling.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`].
    pub fn decode_native<'a>(
        &'a mut self,
        encoding: Encoding,
        payload: &'a [u8],
        region: Option<Region>,
    ) -> Result<Native<'a>, CodecError> {
        match encoding {
            Encoding::Jpeg => self.seek.decode(payload, region).map(Native::Planes),
            Encoding::Recoded => {
                let tables = tables(&mut self.tables)?;
                self.recoded
                    .decode(tables, payload, region)
                    .map(Native::Planes)
            }
            Encoding::Transcoded => {
                self.decode_native(Encoding::Jpeg, transcoded::indexed(payload)?, region)
            }
            Encoding::Pixels => self.stored.decode(&Record::parse(payload)?, region),
            Encoding::Source => self.decode(encoding, payload, region).map(Native::Rgb),
        }
    }

    /// RGB pixels of a rectangle that covers at least `region`, or of the whole image for `None`.
    ///
    /// Within `region`, the pixels are exactly those of a full decode; what the rectangle holds
    /// beyond it need not be (fancy upsampling lacks neighbours at the edges). A smaller region
    /// is cheaper: rows below it are not read at all, and of the rows above and the columns beside
    /// only the entropy-coded data is. For a truncated progressive file, whose blocks libjpeg
    /// smooths with their neighbours, regions may differ from the full decode.
    ///
    /// JPEG decodes as in libjpeg by default: accurate integer DCT, fancy upsampling; with our own decoder
    /// where the record is seek-indexed or re-coded, to the same pixels; those of stored planes are the same, too. Gray is
    /// spread to three channels. CMYK and YCCK become RGB as in Pillow, and so does every kind of
    /// PNG. EXIF orientation and colour profiles are ignored.
    ///
    /// # Errors
    /// Those of [`crate::sniff`]; [`CodecError::Region`] if the region is empty or reaches beyond
    /// the image; [`CodecError::Decode`] if the file is damaged beyond libjpeg-turbo's tolerance, [`CodecError::Pixels`]
    /// if stored pixels are; [`CodecError::OutOfMemory`].
    pub fn decode<'a>(
        &'a mut self,
        encoding: Encoding,
        payload: &'a [u8],
        region: Option<Region>,
    ) -> Result<Decoded<'a>, CodecError> {
        match encoding {
            Encoding::Transcoded => {
                self.decode(Encoding::Jpeg, transcoded::indexed(payload)?, region)
            }
            Encoding::Source => match kind_of(payload)? {
                Kind::Jpeg => self.decode_jpeg(payload, region),
                Kind::Png => png::decode(payload, region, &mut self.samples, &mut self.pixels),
            },
            Encoding::Jpeg => {
                let size = seek::size(payload)?;
                let (region, around) = with_margin(region, size)?;
                let planes = self.seek.decode(payload, Some(around))?;
                to_rgb(
                    self.level,
                    &planes,
                    region,
                    &mut self.rows,
                    &mut self.pixels,
                )
            }
            Encoding::Pixels => {
                let record = Record::parse(payload)?;
                let (region, around) = with_margin(region, record.size())?;
                match self.stored.decode(&record, Some(around))? {
                    Native::Rgb(decoded) => Ok(decoded),
                    Native::Planes(planes) => to_rgb(
                        self.level,
                        &planes,
                        region,
                        &mut self.rows,
                        &mut self.pixels,
                    ),
                }
            }
            Encoding::Recoded => {
                let tables = tables(&mut self.tables)?;
                let size = recoded::size(tables, payload)?;
                let (region, around) = with_margin(region, size)?;
                let planes = self.recoded.decode(tables, payload, Some(around))?;
                to_rgb(
                    self.level,
                    &planes,
                    region,
                    &mut self.rows,
                    &mut self.pixels,
                )
            }
        }
    }

    /// Decodes all of `payload` to see whether it can be.
    pub fn health(&mut self, encoding: Encoding, payload: &[u8]) -> Health {
        // libjpeg-turbo is the judge, also of what our own decoder will decode.
        let decoded = match encoding {
            Encoding::Source => self.decode(encoding, payload, None),
            Encoding::Transcoded => match transcoded::indexed(payload) {
                Ok(indexed) => return self.health(Encoding::Jpeg, indexed),
                Err(error) => Err(error),
            },
            Encoding::Pixels => self.decode(encoding, payload, None),
            Encoding::Jpeg => seek::restore(payload)
                .map_err(CodecError::from)
                .and_then(|file| self.decode_jpeg(&file, None)),
            Encoding::Recoded => tables(&mut self.tables)
                .and_then(|tables| Ok(recoded::restore(tables, payload)?))
                .and_then(|file| self.decode_jpeg(&file, None)),
        };
        match decoded {
            Ok(Decoded { warning: None, .. }) => Health::Clean,
            Ok(Decoded {
                warning: Some(warning),
                ..
            }) => Health::Damaged(warning),
            Err(error) => Health::Undecodable(error),
        }
    }

    fn decode_jpeg(
        &mut self,
        jpeg: &[u8],
        region: Option<Region>,
    ) -> Result<Decoded<'_>, CodecError> {
        let header = header::read(jpeg)?;
        check_size(Kind::Jpeg, header.width, header.height)?;
        let open = self.turbo.open(jpeg).map_err(failed)?;
        let (width, height) = open.size();
        let region = match region {
            Some(wanted) if !wanted.is_inside(&Region::whole(width, height)) => {
                return Err(CodecError::Region {
                    region: wanted,
                    width,
                    height,
                });
            }
            Some(wanted) if open.can_crop() => crop::covering(wanted, width, header.mcu_width()),
            _ => Region::whole(width, height),
        };
        let format = match header.color {
            Color::Cmyk | Color::Ycck => PixelFormat::Cmyk,
            Color::Gray | Color::YCbCr | Color::Rgb => PixelFormat::Rgb,
        };
        // `check_size` bounds the product, far below `usize::MAX`.
        let count = region.width as usize * region.height as usize;
        let pixels = grow(&mut self.pixels, count * format.bytes())?;
        let warning = open.decompress(region, format, pixels).map_err(failed)?;
        if format == PixelFormat::Cmyk {
            cmyk::to_rgb_in_place(pixels);
        }
        Ok(Decoded {
            image: (width, height),
            region,
            stride: region.width as usize * 3,
            pixels: &pixels[..count * 3],
            warning,
        })
    }
}

/// The region that is asked for, or all of an image of this size, and what is to be decoded for it.
fn with_margin(
    region: Option<Region>,
    (width, height): (u32, u32),
) -> Result<(Region, Region), CodecError> {
    let whole = Region::whole(width, height);
    let region = region.unwrap_or(whole);
    if !region.is_inside(&whole) {
        return Err(CodecError::Region {
            region,
            width,
            height,
        });
    }
    Ok((region, rgb::with_margin(region, (width, height))))
}

/// What libjpeg-turbo would give, from our own decoders' planes.
fn to_rgb<'a>(
    level: Level,
    planes: &Planes<'_>,
    region: Region,
    rows: &mut rgb::Scratch,
    pixels: &'a mut Vec<u8>,
) -> Result<Decoded<'a>, CodecError> {
    let count = region.width as usize * region.height as usize * 3;
    let pixels = grow(pixels, count)?;
    rgb::convert(level, planes, region, rows, pixels);
    Ok(Decoded {
        image: planes.image,
        region,
        stride: region.width as usize * 3,
        pixels,
        warning: None,
    })
}

/// The tables that were given, or the built-in ones.
fn tables(given: &mut Option<Arc<Tables>>) -> Result<&Tables, CodecError> {
    match given {
        Some(tables) => Ok(tables),
        none => Ok(none.insert(Tables::builtin()?)),
    }
}

/// A buffer that outgrew this is given back when the next image needs no more than it.
const KEEP: usize = 64 << 20;

/// The first `length` bytes of `buffer`, which grows if it must. Their contents are unspecified.
pub(crate) fn grow(buffer: &mut Vec<u8>, length: usize) -> Result<&mut [u8], CodecError> {
    if buffer.len() > KEEP && length <= KEEP {
        *buffer = Vec::new();
    }
    if let Some(missing @ 1..) = length.checked_sub(buffer.len()) {
        buffer
            .try_reserve_exact(missing)
            .map_err(|_| CodecError::OutOfMemory { bytes: length })?;
        buffer.resize(length, 0);
    }
    Ok(&mut buffer[..length])
}

fn failed(reason: String) -> CodecError {
    CodecError::Decode {
        kind: Kind::Jpeg,
        reason,
    }
}
