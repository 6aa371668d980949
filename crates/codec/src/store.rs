//! From a source file to the payload of a record, and back to the file byte for byte.

use std::borrow::Cow;

use crate::transcoded::Parts;
use crate::{
    CodecError, Encoding, PixelOptions, PixelPacker, Tables, pixels, recoded, seek, sniff,
};

/// Makes the payload of a record from a source file, stored as `wanted` if the file is of a kind
/// that this encoding takes, otherwise verbatim. Gives the encoding that was used. For
/// [`Encoding::Recoded`] the built-in tables are used, for [`Encoding::Pixels`] the default options.
///
/// Whether the file is sound is not looked at: [`crate::Decoder::health`] tells.
pub fn pack(file: &[u8], wanted: Encoding) -> (Encoding, Cow<'_, [u8]>) {
    let builtin = match wanted {
        Encoding::Recoded => Tables::builtin().ok(),
        Encoding::Source | Encoding::Jpeg | Encoding::Transcoded | Encoding::Pixels => None,
    };
    match builtin {
        Some(tables) => pack_with(file, wanted, &tables),
        None => pack_jpeg(file, wanted),
    }
}

/// The same with the tables of a data set. A file that [`Encoding::Recoded`] does not take, or would
/// make larger, is stored as [`Encoding::Jpeg`].
pub fn pack_with<'a>(
    file: &'a [u8],
    wanted: Encoding,
    tables: &Tables,
) -> (Encoding, Cow<'a, [u8]>) {
    if wanted == Encoding::Recoded
        && let Ok(payload) = recoded::pack(tables, file)
    {
        return (Encoding::Recoded, Cow::Owned(payload));
    }
    pack_jpeg(file, wanted)
}

fn pack_jpeg(file: &[u8], wanted: Encoding) -> (Encoding, Cow<'_, [u8]>) {
    match wanted {
        Encoding::Source => (Encoding::Source, Cow::Borrowed(file)),
        // What [`crate::transcode`] is for is stored so as a second step, by whoever wants it.
        Encoding::Jpeg | Encoding::Recoded | Encoding::Transcoded => match seek::pack(file) {
            Ok(payload) => (Encoding::Jpeg, Cow::Owned(payload)),
            Err(_) => (Encoding::Source, Cow::Borrowed(file)),
        },
        Encoding::Pixels => {
            let packer = PixelPacker::new(PixelOptions::default());
            match packer.and_then(|mut packer| packer.pack(file)) {
                Ok(payload) => (Encoding::Pixels, Cow::Owned(payload)),
                Err(_) => (Encoding::Source, Cow::Borrowed(file)),
            }
        }
    }
}

/// The source file that a payload was made from, byte for byte; if [`gives_source`] says that it was
/// not kept, a file with the same pixels. For [`Encoding::Recoded`] the built-in tables are used.
///
/// # Errors
/// Those of [`unpack_with`].
pub fn unpack(encoding: Encoding, payload: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    match encoding {
        Encoding::Recoded => unpack_with(encoding, payload, &*Tables::builtin()?),
        Encoding::Jpeg => Ok(Cow::Owned(seek::restore(payload)?)),
        Encoding::Source => Ok(Cow::Borrowed(payload)),
        Encoding::Transcoded => Parts::parse(payload)?.file(),
        Encoding::Pixels => pixels::file(payload),
    }
}

/// The same with the tables of a data set.
///
/// # Errors
/// [`CodecError::Decode`] or [`CodecError::Pixels`] if the payload is damaged, [`CodecError::OtherTables`] if it was
/// made with other tables.
pub fn unpack_with<'a>(
    encoding: Encoding,
    payload: &'a [u8],
    tables: &Tables,
) -> Result<Cow<'a, [u8]>, CodecError> {
    match encoding {
        Encoding::Recoded => Ok(Cow::Owned(recoded::restore(tables, payload)?)),
        Encoding::Source | Encoding::Jpeg | Encoding::Transcoded | Encoding::Pixels => {
            unpack(encoding, payload)
        }
    }
}

/// Whether [`unpack`] gives the source file itself.
///
/// # Errors
/// [`CodecError::Decode`] or [`CodecError::Pixels`] if the payload is damaged.
pub fn gives_source(encoding: Encoding, payload: &[u8]) -> Result<bool, CodecError> {
    match encoding {
        Encoding::Source | Encoding::Jpeg | Encoding::Recoded => Ok(true),
        Encoding::Transcoded => Ok(Parts::parse(payload)?.keeps_original()),
        Encoding::Pixels => Ok(pixels::Record::parse(payload)?.original.is_some()),
    }
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
    if encoding == Encoding::Pixels {
        return Ok(pixels::Record::parse(payload)?.size());
    }
    let info = sniff(&unpack_with(encoding, payload, tables)?)?;
    Ok((info.width, info.height))
}
