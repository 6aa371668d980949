//! JPEGs that the seek-indexed form does not take, stored as baseline ones that it does.
//!
//! Progressive files, arithmetic-coded ones, and those with restart intervals or separate scans hold
//! the same quantised coefficients as some baseline file. That file is made once, at build, by
//! libjpeg-turbo's lossless transform; what it decodes to is the same bit for bit. The original lies
//! behind it, unless it is dropped on purpose: it does not follow from the coefficients.
//!
//! ```text
//! u32 length of the indexed file, little-endian | a payload of Encoding::Jpeg | the original, or nothing
//! ```

use std::borrow::Cow;

use crate::{CodecError, Decoder, Encoding, Kind, seek, turbo};

/// What happens to the bytes of a file that is stored in another form of the same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originals {
    /// They are stored as well, and come back.
    Keep,
    /// They are not stored; what comes back is a file with the same pixels.
    Drop,
}

/// Makes the payload of an [`Encoding::Transcoded`] record from a JPEG
/// file. `None` if it is of a kind that has no baseline form of gray or YCbCr (RGB, CMYK, 12 bits,
/// unusual sampling), is no JPEG, or is damaged: libjpeg-turbo then guesses some coefficients, which
/// is nothing to be stored in place of the file.
///
/// The pixels of both are compared, so that this never takes one picture for another: files exist whose
/// coefficients mean something else in baseline form (out of its range, or with quantisation tables
/// that change between scans).
pub fn transcode(file: &[u8], originals: Originals) -> Option<Vec<u8>> {
    let indexed = seek::pack(&turbo::to_baseline(file).ok()?).ok()?;
    if pixels(Encoding::Source, file)? != pixels(Encoding::Jpeg, &indexed)? {
        return None;
    }
    let original = match originals {
        Originals::Keep => file,
        Originals::Drop => &[],
    };
    let length = u32::try_from(indexed.len()).ok()?;
    Some([&length.to_le_bytes(), &indexed[..], original].concat())
}

/// All pixels, and the image's size; `None` if some of them are guesses.
fn pixels(encoding: Encoding, payload: &[u8]) -> Option<((u32, u32), Vec<u8>)> {
    let mut decoder = Decoder::new().ok()?;
    let decoded = decoder.decode(encoding, payload, None).ok()?;
    let sound = decoded.warning.is_none();
    sound.then(|| (decoded.image, decoded.pixels.to_vec()))
}

/// The baseline file in a payload, stored as [`Encoding::Jpeg`].
pub(crate) fn indexed(payload: &[u8]) -> Result<&[u8], CodecError> {
    Ok(Parts::parse(payload)?.indexed)
}

/// A stored record's parts.
pub(crate) struct Parts<'a> {
    /// The baseline file, as a payload of [`Encoding::Jpeg`].
    indexed: &'a [u8],
    original: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, CodecError> {
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

    /// The original, or if that was dropped, the baseline file.
    pub(crate) fn file(&self) -> Result<Cow<'a, [u8]>, CodecError> {
        match self.original {
            Some(original) => Ok(Cow::Borrowed(original)),
            None => Ok(Cow::Owned(seek::restore(self.indexed)?)),
        }
    }

    pub(crate) fn keeps_original(&self) -> bool {
        self.original.is_some()
    }
}
