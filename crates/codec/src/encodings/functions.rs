//! What every encoding can do.

use std::borrow::Cow;

use super::recoded::tables::Tables;
use crate::decoded::Native;
use crate::jpeg::rgb;
use crate::{CodecError, Encoding, ImageFile, Level, Region, sniff};

/// The five functions of an encoding. The tables are those of the data set. If it has none, an encoding that needs
/// tables uses the built-in ones.
pub(crate) struct Functions {
    /// Makes a payload of a file. `None` if the encoding does not take it.
    pub(crate) pack: Pack,
    /// The encoding to try for a file that this one cannot take.
    pub(crate) otherwise: Encoding,
    /// The source file; if it was not kept, a file with the same pixels.
    pub(crate) unpack: Unpack,
    /// Whether `unpack` returns the source file itself.
    pub(crate) gives_source: fn(&[u8]) -> Result<bool, CodecError>,
    /// Width and height of the image, as the payload's own header states them.
    pub(crate) size: Size,
    /// Makes a decoder that uses the instructions of a level.
    pub(crate) decoder: fn(Level) -> Result<Box<dyn ImageDecoder>, CodecError>,
}

/// Turns a file into a payload.
type Pack = for<'a> fn(&ImageFile<'a>, Option<&Tables>) -> Option<Cow<'a, [u8]>>;
/// Turns a payload into a file.
type Unpack = for<'a> fn(&'a [u8], Option<&Tables>) -> Result<Cow<'a, [u8]>, CodecError>;
/// Returns the width and height of a payload.
type Size = fn(&[u8], Option<&Tables>) -> Result<(u32, u32), CodecError>;

/// Decodes the payloads of one encoding, one at a time. Keeps its buffers from image to image.
pub(crate) trait ImageDecoder: Send {
    /// Decodes the payload to the form that takes the least work, covering at least the wanted region.
    ///
    /// # Errors
    /// Those of [`crate::Decoder::decode`].
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        tables: Option<&Tables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError>;

    /// The JPEG file for libjpeg-turbo to decode when the health of a payload is checked. `None` if decoding the
    /// payload itself is enough.
    ///
    /// # Errors
    /// Those of `unpack`.
    fn judged(
        &self,
        _payload: &[u8],
        _tables: Option<&Tables>,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        Ok(None)
    }
}

/// Which part of an image is wanted: a region, or all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The region as requested.
    pub(crate) region: Option<Region>,
    /// Whether the planes will become RGB, for which upsampling needs a margin.
    is_for_rgb: bool,
}

impl Wanted {
    /// As planes if the payload has planes.
    pub(crate) fn native(region: Option<Region>) -> Self {
        Wanted {
            region,
            is_for_rgb: false,
        }
    }

    /// As RGB. Planes come with the margin that upsampling needs around the region.
    pub(crate) fn rgb(region: Option<Region>) -> Self {
        Wanted {
            region,
            is_for_rgb: true,
        }
    }

    /// The region to decode of an image of this size.
    ///
    /// # Errors
    /// [`CodecError::Region`] if the region is empty or reaches beyond the image.
    pub(crate) fn of_image(self, (width, height): (u32, u32)) -> Result<Region, CodecError> {
        let whole = Region::whole(width, height);
        let region = self.region.unwrap_or(whole);
        if !region.is_inside(&whole) {
            return Err(CodecError::Region {
                region,
                width,
                height,
            });
        }
        match self.is_for_rgb {
            true => Ok(rgb::with_margin(region, (width, height))),
            false => Ok(region),
        }
    }
}

/// Width and height of an image file.
///
/// # Errors
/// Those of [`sniff`].
pub(super) fn file_size(file: &[u8]) -> Result<(u32, u32), CodecError> {
    let info = sniff(file)?;
    Ok((info.width, info.height))
}
