//! The two file formats, and how large their images may be.

use std::fmt;

use crate::CodecError;

/// Images with more pixels than this are refused before any memory is allocated for them: 2^28, as in 16,384 x 16,384,
/// 768 MiB of RGB.
pub const MAX_PIXELS: u64 = 1 << 28;

/// The longest side of a JPEG that libjpeg takes (`JPEG_MAX_DIMENSION`).
pub(crate) const MAX_JPEG_SIDE: u32 = 65_500;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// ITU-T T.81.
    Jpeg,
    /// Portable Network Graphics.
    Png,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// Refuses images that are too large to decode.
pub(crate) fn check_size(kind: Kind, width: u32, height: u32) -> Result<(), CodecError> {
    let too_long = kind == Kind::Jpeg && width.max(height) > MAX_JPEG_SIDE;
    if too_long || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(CodecError::TooLarge { width, height });
    }
    Ok(())
}
