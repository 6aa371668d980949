//! Decodes JPEG files of any kind, or a rectangle of one, to RGB with libjpeg-turbo.

use super::cmyk;
use super::crop;
use super::header::{Color, Header};
use super::turbo::{Decompressor, PixelFormat};
use crate::decoded::{Decoded, grow};
use crate::kind::{Kind, check_size};
use crate::{CodecError, Region};

/// Decodes files, one at a time. Keeps its buffer from image to image.
pub(crate) struct FileDecoder {
    turbo: Decompressor,
    pixels: Vec<u8>,
}

impl FileDecoder {
    /// # Errors
    /// [`CodecError::Decode`] if libjpeg-turbo cannot allocate its memory.
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(FileDecoder {
            turbo: Decompressor::new().map_err(failed)?,
            pixels: Vec::new(),
        })
    }

    /// RGB pixels of a rectangle that covers at least `region`, or of the whole file. `header` is the header of this
    /// file.
    ///
    /// # Errors
    /// [`CodecError::Region`], [`CodecError::TooLarge`], [`CodecError::Decode`], [`CodecError::OutOfMemory`].
    pub(crate) fn decode(
        &mut self,
        jpeg: &[u8],
        header: &Header,
        region: Option<Region>,
    ) -> Result<Decoded<'_>, CodecError> {
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

fn failed(reason: String) -> CodecError {
    CodecError::Decode {
        kind: Kind::Jpeg,
        reason,
    }
}
