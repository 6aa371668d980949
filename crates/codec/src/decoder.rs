//! Decodes payloads of every encoding to RGB pixels or planes.
//!
//! Pixels come out as decoded. Other crates resample, flip and normalise them.

use std::sync::Arc;

use crate::decoded::{Decoded, Native};
use crate::encodings;
use crate::encodings::{ImageDecoder, Wanted};
use crate::jpeg::file::FileDecoder;
use crate::jpeg::header::Header;
use crate::jpeg::rgb::Converter;
use crate::{CodecError, Encoding, ImageFile, Level, Region, Tables};

/// Decodes payloads, one at a time. Make one for each thread and keep it.
///
/// Its buffers grow to the largest image seen and are reused, so decoding JPEGs allocates no pixels in the steady
/// state. libjpeg-turbo allocates its working memory for each image: some tens of kilobytes for a baseline file, all
/// coefficients for a progressive one. The result for an image never depends on the images before it.
pub struct Decoder {
    level: Level,
    decoders: Decoders,
    /// For files that are not in a payload.
    files: Option<FileDecoder>,
    tables: Option<Arc<Tables>>,
    rgb: Converter,
}

/// Whether an image file can be trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Every pixel decodes, without a warning.
    Clean,
    /// It decodes with this warning, and some of its pixels are guesses.
    Damaged(String),
    /// It does not decode.
    Undecodable(CodecError),
}

impl Decoder {
    /// A decoder with empty buffers, using the best instructions that this processor has.
    ///
    /// # Errors
    /// [`CodecError::Decode`] if libjpeg-turbo cannot allocate its memory.
    pub fn new() -> Result<Self, CodecError> {
        Self::with_level(Level::best())
    }

    /// A decoder that uses the instructions of `level` for planes. The result does not depend on the level.
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn with_level(level: Level) -> Result<Self, CodecError> {
        let mut decoders = Decoders::default();
        decoders.of(Encoding::Source, level)?;
        Ok(Self {
            level,
            decoders,
            files: None,
            tables: None,
            rgb: Converter::new(level),
        })
    }

    /// Gives the decoder the tables of a data set, which [`Encoding::Recoded`] needs. Without them, the decoder uses
    /// the built-in tables.
    #[must_use]
    pub fn with_tables(mut self, tables: Arc<Tables>) -> Self {
        self.tables = Some(tables);
        self
    }

    /// Decodes the payload to the form that takes the least work, covering at least `region`: planes for the JPEGs of
    /// [`Encoding::Jpeg`], [`Encoding::Recoded`], [`Encoding::Transcoded`] and [`Encoding::Pixels`], RGB pixels for
    /// everything else.
    ///
    /// Planes equal those of libjpeg-turbo's accurate integer DCT, bit for bit, before upsampling.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`].
    pub fn decode_native<'a>(
        &'a mut self,
        encoding: Encoding,
        payload: &'a [u8],
        region: Option<Region>,
    ) -> Result<Native<'a>, CodecError> {
        let decoder = self.decoders.of(encoding, self.level)?;
        decoder.decode(payload, self.tables.as_deref(), Wanted::native(region))
    }

    /// RGB pixels of a rectangle that covers at least `region`, or of the whole image for `None`.
    ///
    /// Within `region`, the pixels are exactly those of a full decode. The pixels around it may differ, because fancy
    /// upsampling lacks neighbours at the edges. A smaller region is cheaper: rows below it are not read at all, and
    /// rows above it and columns on either side are only entropy-decoded. For a truncated progressive file, regions may
    /// differ from the full decode, because libjpeg smooths its blocks with their neighbours.
    ///
    /// JPEG decodes as in libjpeg by default: accurate integer DCT, fancy upsampling. Records that are
    /// seek-indexed, re-coded or stored as planes decode without libjpeg-turbo, to the same pixels. Gray is
    /// spread to three channels. CMYK and YCCK become RGB as in Pillow, and so does every kind of
    /// PNG. EXIF orientation and colour profiles are ignored.
    ///
    /// # Errors
    /// Those of [`crate::sniff`]; [`CodecError::Region`] if the region is empty or reaches beyond
    /// the image; [`CodecError::Decode`] if the file is damaged beyond libjpeg-turbo's tolerance,
    /// [`CodecError::Pixels`] if stored pixels are; [`CodecError::OutOfMemory`].
    pub fn decode<'a>(
        &'a mut self,
        encoding: Encoding,
        payload: &'a [u8],
        region: Option<Region>,
    ) -> Result<Decoded<'a>, CodecError> {
        let decoder = self.decoders.of(encoding, self.level)?;
        let tables = self.tables.as_deref();
        let decoded = decoder.decode(payload, tables, Wanted::rgb(region))?;
        self.rgb.rgb(decoded, region)
    }

    /// Decodes all of `payload` to see whether it can be decoded. libjpeg-turbo decides, even for payloads that our own
    /// decoder will decode.
    pub fn health(&mut self, encoding: Encoding, payload: &[u8]) -> Health {
        let file = self
            .decoders
            .of(encoding, self.level)
            .and_then(|decoder| decoder.judged(payload, self.tables.as_deref()));
        match file {
            Ok(None) => Health::of(self.decode(encoding, payload, None)),
            Ok(Some(file)) => {
                let header = Header::read(&file);
                Health::of(header.and_then(|header| self.decode_jpeg(&file, &header)))
            }
            Err(error) => Health::Undecodable(error),
        }
    }

    /// Like [`Decoder::health`], for a file whose header has been read.
    pub fn file_health(&mut self, file: &ImageFile<'_>) -> Health {
        Health::of(match file.jpeg() {
            Some(header) => self.decode_jpeg(file.bytes(), header),
            None => self.decode(Encoding::Source, file.bytes(), None),
        })
    }

    fn decode_jpeg(&mut self, file: &[u8], header: &Header) -> Result<Decoded<'_>, CodecError> {
        let files = match &mut self.files {
            Some(files) => files,
            none => none.insert(FileDecoder::new()?),
        };
        files.decode(file, header, None)
    }
}

impl Health {
    fn of(decoded: Result<Decoded<'_>, CodecError>) -> Self {
        match decoded {
            Ok(Decoded { warning: None, .. }) => Health::Clean,
            Ok(Decoded {
                warning: Some(warning),
                ..
            }) => Health::Damaged(warning),
            Err(error) => Health::Undecodable(error),
        }
    }
}

/// One decoder for each encoding seen so far.
#[derive(Default)]
struct Decoders(Vec<(Encoding, Box<dyn ImageDecoder>)>);

impl Decoders {
    fn of(
        &mut self,
        encoding: Encoding,
        level: Level,
    ) -> Result<&mut dyn ImageDecoder, CodecError> {
        let at = match self.0.iter().position(|(of, _)| *of == encoding) {
            Some(at) => at,
            None => {
                let decoder = (encodings::of(encoding).decoder)(level)?;
                self.0.push((encoding, decoder));
                self.0.len() - 1
            }
        };
        Ok(&mut *self.0[at].1)
    }
}
