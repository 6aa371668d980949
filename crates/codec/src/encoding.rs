//! The ways of storing an image: their names and numbers, which never change.

use std::fmt;

use crate::CodecError;
#[cfg(doc)]
use crate::{PixelPacker, Tables, transcode};

/// How the payload of a record came from the source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// The source file, byte for byte: a JPEG of any kind that libjpeg-turbo reads with eight bits
    /// a sample, or a PNG.
    Source,
    /// A baseline JPEG with an index of points where decoding can start. Regions decode without the data above and
    /// beside them. The file can be restored byte for byte.
    Jpeg,
    /// The coefficients of a baseline JPEG in a SIMD-friendly entropy code, unit by unit. Regions decode alone. The
    /// file can be restored byte for byte. Needs the [`Tables`] that it was made with.
    Recoded,
    /// A JPEG of another kind (progressive, arithmetic-coded, with restart intervals), stored as a seek-indexed
    /// baseline JPEG, together with the file itself unless it was dropped. Made by [`transcode`].
    Transcoded,
    /// The pixels of an image, compressed in strips or plain, together with the file itself unless it was dropped. Made
    /// by [`PixelPacker`].
    Pixels,
}

/// The number of each encoding in a record's index, and its name in a manifest.
const NAMES: [(Encoding, u8, &str); 5] = [
    (Encoding::Source, 1, "source"),
    (Encoding::Jpeg, 2, "jpeg"),
    (Encoding::Recoded, 3, "recoded"),
    (Encoding::Transcoded, 4, "transcoded"),
    (Encoding::Pixels, 5, "pixels"),
];

impl Encoding {
    /// The number of this encoding in a record's index. Its meaning never changes.
    pub const fn to_tag(self) -> u8 {
        NAMES[self as usize].1
    }

    /// The encoding with the number `tag`.
    ///
    /// # Errors
    /// [`CodecError::UnknownEncoding`] for a number that this version does not know.
    pub const fn from_tag(tag: u8) -> Result<Self, CodecError> {
        let mut row = 0;
        while row < NAMES.len() {
            if NAMES[row].1 == tag {
                return Ok(NAMES[row].0);
            }
            row += 1;
        }
        Err(CodecError::UnknownEncoding(tag))
    }
}

impl fmt::Display for Encoding {
    /// Its name in a manifest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[*self as usize].2)
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
        // Each row is at its encoding's own place.
        assert!(
            NAMES
                .iter()
                .enumerate()
                .all(|(row, name)| name.0 as usize == row)
        );
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
