//! How one image is stored in a record, and how a region of it comes back.
//!
//! The crate knows pixels and image files and nothing else: no shards, no paths, no labels.
//! * [`sniff`] tells from the bytes alone what an image file is and what is odd about it.
//! * [`Decoder`] turns a stored payload, or just a rectangle of it, into RGB pixels.
//! * [`EncodeOptions`] and [`encode_jpeg`] make JPEG files.
//!
//! An [`Encoding`] names how the payload of a record came from the source file: [`pack`] makes it,
//! [`unpack`] gives the file back. A further one is a variant here, a module of its own, and an arm
//! in those two and in [`Decoder`].
//!
//! `unsafe` is confined to `turbo.rs`, which binds libjpeg-turbo, and the kernels in `seek/idct`,
//! `recoded/kernel` and `pixels/filter`, with `rgb.rs` and what `newer.rs` makes, which are compiled for several levels of
//! instructions.

mod decode;
mod encode;
mod error;
mod jpeg;
mod pixels;
mod png;
mod recoded;
mod rgb;
mod seek;
mod sniff;
mod store;
mod transcoded;
mod turbo;

pub use ::pixels::{Level, LevelKind, Plane, Planes, Region};
pub use decode::{Decoded, Decoder, Health, Native};
pub use encode::{EncodeOptions, JpegColor, Restart, Sampling, encode_jpeg};
pub use error::{CodecError, Unsupported};
pub use pixels::{PixelCompression, PixelOptions, PixelPacker, PixelsInfo};
pub use recoded::{TableTrainer, Tables};
pub use sniff::{ImageInfo, Kind, MAX_PIXELS, Oddity, sniff};
pub use store::{gives_source, image_size, pack, pack_with, unpack, unpack_with};
pub use transcoded::{Originals, transcode};

use std::fmt;

/// How the payload of a record came from the source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// The source file, byte for byte: a JPEG of any kind that libjpeg-turbo reads with eight bits
    /// a sample, or a PNG.
    Source,
    /// A baseline JPEG with an index of where its entropy-coded data can be entered. Regions decode
    /// without what lies above and beside them; the file comes back byte for byte.
    Jpeg,
    /// The coefficients of a baseline JPEG, entropy-coded for vector units, unit by unit. Regions
    /// decode alone; the file comes back byte for byte. Needs the [`Tables`] that it was made with.
    Recoded,
    /// The baseline form of a JPEG of another kind (progressive, arithmetic-coded, with restart
    /// intervals), seek-indexed, and the file itself unless it was dropped. Made by [`transcode`].
    Transcoded,
    /// The pixels of an image, compressed in strips or plain, and the file itself unless it was dropped.
    /// Made by [`PixelPacker`].
    Pixels,
}

impl Encoding {
    /// The number that stands for this encoding in a record's index. It never changes meaning.
    pub const fn to_tag(self) -> u8 {
        match self {
            Self::Source => 1,
            Self::Jpeg => 2,
            Self::Recoded => 3,
            Self::Transcoded => 4,
            Self::Pixels => 5,
        }
    }

    /// The lossless encoding that decodes fastest on this processor: [`Encoding::Recoded`] where it has
    /// AVX2 and a fast `pdep` (Haswell, Zen 3 and newer), else [`Encoding::Jpeg`].
    pub fn fastest() -> Self {
        if recoded::is_fast() {
            Self::Recoded
        } else {
            Self::Jpeg
        }
    }

    /// The encoding that `tag` stands for.
    ///
    /// # Errors
    /// [`CodecError::UnknownEncoding`] for a number that this version does not know.
    pub const fn from_tag(tag: u8) -> Result<Self, CodecError> {
        match tag {
            1 => Ok(Self::Source),
            2 => Ok(Self::Jpeg),
            3 => Ok(Self::Recoded),
            4 => Ok(Self::Transcoded),
            5 => Ok(Self::Pixels),
            _ => Err(CodecError::UnknownEncoding(tag)),
        }
    }
}

impl fmt::Display for Encoding {
    /// The name that a manifest carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Jpeg => "jpeg",
            Self::Recoded => "recoded",
            Self::Transcoded => "transcoded",
            Self::Pixels => "pixels",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tags_are_fixed_and_come_back() {
        let known: Vec<_> = (0..=255)
            .filter_map(|tag| Some((tag, Encoding::from_tag(tag).ok()?)))
            .collect();
        let expected = [
            (1, Encoding::Source),
            (2, Encoding::Jpeg),
            (3, Encoding::Recoded),
            (4, Encoding::Transcoded),
            (5, Encoding::Pixels),
        ];
        assert_eq!(known, expected);
        for (tag, encoding) in known {
            assert_eq!(encoding.to_tag(), tag);
        }
    }

    #[test]
    fn an_unknown_tag_is_named() {
        let message = Encoding::from_tag(77).unwrap_err().to_string();
        assert!(message.contains("77"), "{message}");
    }
}
