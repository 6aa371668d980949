//! JPEGs that the seek-indexed form cannot take, stored as equivalent baseline JPEGs.
//!
//! Progressive files, arithmetic-coded ones, and those with restart intervals or separate scans hold the same quantised
//! coefficients as some baseline file. libjpeg-turbo's lossless transform makes that file once, at build time. It
//! decodes to the same pixels, bit for bit. The original cannot be restored from the coefficients, so it is stored
//! behind the baseline file, unless the user chose to drop it.
//!
//! ```text
//! u32 length of the indexed file, little-endian | a payload of Encoding::Jpeg | the original, or nothing
//! ```

use std::borrow::Cow;

use super::functions::{Functions, ImageDecoder, Wanted, file_size};
use super::indexed::{self, IndexedDecoder};
use super::recoded::tables::Tables;
use crate::decoded::Native;
use crate::jpeg::file::FileDecoder;
use crate::jpeg::header::Header;
use crate::jpeg::rgb::Converter;
use crate::jpeg::turbo;
use crate::{CodecError, Encoding, Kind, Level};

pub(super) const FUNCTIONS: Functions = Functions {
    // A second step for callers that want it: see `transcode`.
    pack: |_, _| None,
    otherwise: Encoding::Jpeg,
    unpack: |payload, _| Parts::parse(payload)?.file(),
    gives_source: |payload| Ok(Parts::parse(payload)?.original.is_some()),
    size: |payload, _| file_size(&Parts::parse(payload)?.file()?),
    decoder: |level| Ok(Box::new(TranscodedDecoder(IndexedDecoder::new(level)))),
};

/// Decodes the baseline file in a payload.
struct TranscodedDecoder(IndexedDecoder);

impl ImageDecoder for TranscodedDecoder {
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        _: Option<&Tables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError> {
        let indexed = Parts::parse(payload)?.indexed;
        self.0.planes(indexed, wanted).map(Native::Planes)
    }

    fn judged(&self, payload: &[u8], _: Option<&Tables>) -> Result<Option<Vec<u8>>, CodecError> {
        let indexed = Parts::parse(payload)?.indexed;
        Ok(Some(indexed::unpack(indexed)?))
    }
}

/// Whether to keep the original bytes of a file that is stored in another form with the same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originals {
    /// The bytes are stored too and can be restored.
    Keep,
    /// The bytes are not stored; a file with the same pixels takes their place.
    Drop,
}

/// Makes the payload of an [`Encoding::Transcoded`] record from a JPEG file. `None` if the file has no baseline form of
/// gray or YCbCr (RGB, CMYK, 12 bits, unusual sampling), is not a JPEG, or is damaged. For a damaged file libjpeg-turbo
/// guesses some coefficients, and guesses must not replace the file.
///
/// The pixels of both files are compared, so that one picture can never replace another. In some files the coefficients
/// mean something else in baseline form: they are out of its range, or the quantisation tables change between scans.
pub fn transcode(file: &[u8], originals: Originals) -> Option<Vec<u8>> {
    let indexed = to_indexed(file)?;
    let original = match originals {
        Originals::Keep => file,
        Originals::Drop => &[],
    };
    let length = u32::try_from(indexed.len()).ok()?;
    Some([&length.to_le_bytes(), &indexed[..], original].concat())
}

/// The seek-indexed form of a baseline file with the same pixels as `file`.
pub(crate) fn to_indexed(file: &[u8]) -> Option<Vec<u8>> {
    let indexed = indexed::pack(&turbo::to_baseline(file).ok()?).ok()?;
    let same = {
        let (mut files, mut decoder) =
            (FileDecoder::new().ok()?, IndexedDecoder::new(Level::best()));
        let mut converter = Converter::new(Level::best());
        let wanted = files.decode(file, &Header::read(file).ok()?, None).ok()?;
        let planes = decoder.planes(&indexed, Wanted::rgb(None)).ok()?;
        let got = converter.rgb(Native::Planes(planes), None).ok()?;
        wanted.warning.is_none() && (wanted.image, wanted.pixels) == (got.image, got.pixels)
    };
    same.then_some(indexed)
}

/// The parts of a stored record.
struct Parts<'a> {
    /// The baseline file, as a payload of [`Encoding::Jpeg`].
    indexed: &'a [u8],
    original: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, CodecError> {
        let parts = payload
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let (indexed, original) = parts.ok_or_else(|| CodecError::Decode {
            kind: Kind::Jpeg,
            reason: "transcoded record: its parts do not add up to its length".to_owned(),
        })?;
        Ok(Parts {
            indexed,
            original: (!original.is_empty()).then_some(original),
        })
    }

    /// The original, or the baseline file if the original was dropped.
    fn file(&self) -> Result<Cow<'a, [u8]>, CodecError> {
        match self.original {
            Some(original) => Ok(Cow::Borrowed(original)),
            None => Ok(Cow::Owned(indexed::unpack(self.indexed)?)),
        }
    }
}
