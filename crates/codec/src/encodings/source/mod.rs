//! The encoding `source`: the file itself, byte for byte. libjpeg-turbo or the `png` crate decodes it.

use std::borrow::Cow;

use super::functions::{Functions, ImageDecoder, Wanted, file_size};
use super::recoded::tables::Tables;
use crate::decoded::{Decoded, Native};
use crate::jpeg::file::FileDecoder;
use crate::jpeg::header::Header;
use crate::kind::Kind;
use crate::sniff::kind_of;
use crate::{CodecError, Encoding, ImageFile, png};

pub(super) const FUNCTIONS: Functions = Functions {
    pack: |file, _| Some(Cow::Borrowed(file.bytes())),
    otherwise: Encoding::Source,
    unpack: |payload, _| Ok(Cow::Borrowed(payload)),
    gives_source: |_| Ok(true),
    size: |payload, _| file_size(payload),
    decoder: |_| Ok(Box::new(SourceDecoder::new()?)),
};

/// Decodes JPEG and PNG files.
pub(crate) struct SourceDecoder {
    jpeg: FileDecoder,
    samples: Vec<u8>,
    pixels: Vec<u8>,
}

impl SourceDecoder {
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(SourceDecoder {
            jpeg: FileDecoder::new()?,
            samples: Vec::new(),
            pixels: Vec::new(),
        })
    }

    /// All pixels of a file whose header has been read.
    ///
    /// # Errors
    /// Those of [`crate::Decoder::decode`].
    pub(crate) fn decode_file(&mut self, file: &ImageFile<'_>) -> Result<Decoded<'_>, CodecError> {
        match file.jpeg() {
            Some(header) => self.jpeg.decode(file.bytes(), header, None),
            None => {
                let (samples, pixels) = (&mut self.samples, &mut self.pixels);
                png::decode(file.bytes(), None, samples, pixels)
            }
        }
    }
}

impl ImageDecoder for SourceDecoder {
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        _: Option<&Tables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError> {
        let decoded = match kind_of(payload)? {
            Kind::Jpeg => {
                let header = Header::read(payload)?;
                self.jpeg.decode(payload, &header, wanted.region)
            }
            Kind::Png => {
                let (samples, pixels) = (&mut self.samples, &mut self.pixels);
                png::decode(payload, wanted.region, samples, pixels)
            }
        };
        decoded.map(Native::Rgb)
    }
}
