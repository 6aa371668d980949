//! From a source file to the payload of a record, and back to the file, byte for byte.

use std::borrow::Cow;

use crate::{CodecError, Encoding, ImageFile, Tables, encodings};

impl Encoding {
    /// The lossless encoding that decodes fastest on this processor: [`Encoding::Recoded`] if it has AVX2 and a fast
    /// `pdep` (Haswell, Zen 3 and newer), else [`Encoding::Jpeg`].
    pub fn fastest() -> Self {
        if encodings::recoded::is_fast() {
            Self::Recoded
        } else {
            Self::Jpeg
        }
    }
}

/// Makes the payload of a record from a source file. Stores it as `wanted` if that encoding takes this kind of file,
/// otherwise verbatim. Returns the encoding that was used. [`Encoding::Recoded`] uses the built-in tables,
/// [`Encoding::Pixels`] the default options.
///
/// A file that [`Encoding::Recoded`] does not take, or would make larger, is stored as [`Encoding::Jpeg`]. So is every
/// file for [`Encoding::Transcoded`]; only [`crate::transcode`] makes payloads of that kind.
///
/// Does not check whether the file is sound; [`crate::Decoder::health`] does.
pub fn pack(file: &[u8], wanted: Encoding) -> (Encoding, Cow<'_, [u8]>) {
    pack_bytes(file, wanted, None)
}

/// Like [`pack`], with the tables of a data set.
pub fn pack_with<'a>(
    file: &'a [u8],
    wanted: Encoding,
    tables: &Tables,
) -> (Encoding, Cow<'a, [u8]>) {
    pack_bytes(file, wanted, Some(tables))
}

/// Like [`pack`], for a file whose header has been read, with the tables of a data set if it has any.
pub fn pack_file<'a>(
    file: &ImageFile<'a>,
    wanted: Encoding,
    tables: Option<&Tables>,
) -> (Encoding, Cow<'a, [u8]>) {
    let mut encoding = wanted;
    loop {
        let functions = encodings::of(encoding);
        if let Some(payload) = (functions.pack)(file, tables) {
            return (encoding, payload);
        }
        if encoding == functions.otherwise {
            return (Encoding::Source, Cow::Borrowed(file.bytes()));
        }
        encoding = functions.otherwise;
    }
}

fn pack_bytes<'a>(
    file: &'a [u8],
    wanted: Encoding,
    tables: Option<&Tables>,
) -> (Encoding, Cow<'a, [u8]>) {
    let read = match wanted {
        Encoding::Source => None,
        _ => ImageFile::read(file).ok(),
    };
    match read {
        Some(file) => pack_file(&file, wanted, tables),
        None => (Encoding::Source, Cow::Borrowed(file)),
    }
}

/// The source file of a payload, byte for byte. If the source was not kept (see [`gives_source`]), a file with the same
/// pixels. [`Encoding::Recoded`] uses the built-in tables.
///
/// # Errors
/// Those of [`unpack_with`].
pub fn unpack(encoding: Encoding, payload: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    (encodings::of(encoding).unpack)(payload, None)
}

/// Like [`unpack`], with the tables of a data set.
///
/// # Errors
/// [`CodecError::Decode`] or [`CodecError::Pixels`] if the payload is damaged, [`CodecError::OtherTables`] if it was
/// made with other tables.
pub fn unpack_with<'a>(
    encoding: Encoding,
    payload: &'a [u8],
    tables: &Tables,
) -> Result<Cow<'a, [u8]>, CodecError> {
    (encodings::of(encoding).unpack)(payload, Some(tables))
}

/// Whether [`unpack`] returns the source file itself.
///
/// # Errors
/// [`CodecError::Decode`] or [`CodecError::Pixels`] if the payload is damaged.
pub fn gives_source(encoding: Encoding, payload: &[u8]) -> Result<bool, CodecError> {
    (encodings::of(encoding).gives_source)(payload)
}

/// Width and height of the image in a payload, as its own header states them.
///
/// # Errors
/// Those of [`unpack_with`] and [`crate::sniff`].
pub fn image_size(
    encoding: Encoding,
    payload: &[u8],
    tables: &Tables,
) -> Result<(u32, u32), CodecError> {
    (encodings::of(encoding).size)(payload, Some(tables))
}
