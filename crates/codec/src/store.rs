//! From a source file to the payload of a record, and back to the file byte for byte.

use std::borrow::Cow;

use crate::{CodecError, Encoding, seek};

/// Makes the payload of a record from a source file, stored as `wanted` if the file is of a kind
/// that this encoding takes, otherwise verbatim. Gives the encoding that was used.
///
/// Whether the file is sound is not looked at: [`crate::Decoder::health`] tells.
pub fn pack(file: &[u8], wanted: Encoding) -> (Encoding, Cow<'_, [u8]>) {
    match wanted {
        Encoding::Source => (Encoding::Source, Cow::Borrowed(file)),
        Encoding::Jpeg => match seek::pack(file) {
            Ok(payload) => (Encoding::Jpeg, Cow::Owned(payload)),
            Err(_) => (Encoding::Source, Cow::Borrowed(file)),
        },
    }
}

/// The source file that a payload was made from, byte for byte.
///
/// # Errors
/// [`CodecError::Decode`] if the payload is damaged.
pub fn unpack(encoding: Encoding, payload: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    match encoding {
        Encoding::Source => Ok(Cow::Borrowed(payload)),
        Encoding::Jpeg => Ok(Cow::Owned(seek::restore(payload)?)),
    }
}
