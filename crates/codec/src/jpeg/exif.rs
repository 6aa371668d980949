//! Reads the orientation tag of an EXIF block. The rest of EXIF is ignored.

/// The orientation (tag 0x0112) in the first directory of the EXIF block `body`, the contents of an APP1 segment.
/// `None` if it is not an EXIF block, lacks the tag, or is damaged.
///
/// Layout: `Exif\0\0`, then a TIFF header (byte order, 42, offset of the first directory), then
/// the directory: a count and 12-byte entries of tag, type, count and value (TIFF 6.0, section 2).
pub(super) fn orientation(body: &[u8]) -> Option<u8> {
    const ORIENTATION: u16 = 0x0112;
    const SHORT: u16 = 3;

    let tiff = Tiff::new(body.strip_prefix(b"Exif\0\0")?)?;
    let directory = usize::try_from(tiff.u32(4)?).ok()?;
    let entries = usize::from(tiff.u16(directory)?);
    let first = directory.checked_add(2)?;
    (0..entries)
        .map_while(|i| first.checked_add(12 * i))
        .map_while(|at| Some((at, tiff.u16(at)?)))
        .find(|&(_, tag)| tag == ORIENTATION)
        .filter(|&(at, _)| tiff.u16(at + 2) == Some(SHORT))
        .and_then(|(at, _)| u8::try_from(tiff.u16(at + 8)?).ok())
}

/// Bytes whose integers are in the byte order that the block declares.
struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"MM" => true,
            b"II" => false,
            _ => return None,
        };
        let tiff = Self { bytes, big_endian };
        (tiff.u16(2)? == 42).then_some(tiff)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u16::from_be_bytes(raw)
        } else {
            u16::from_le_bytes(raw)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: &[u8] = b"Exif\0\0II\x2a\0\x08\0\0\0\
        \x02\0\
        \x0f\x01\x02\0\x04\0\0\0abc\0\
        \x12\x01\x03\0\x01\0\0\0\x06\0\0\0\
        \0\0\0\0";
    const BIG: &[u8] = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0";

    #[test]
    fn both_byte_orders() {
        assert_eq!(orientation(LITTLE), Some(6));
        assert_eq!(orientation(BIG), Some(8));
    }

    #[test]
    fn every_truncation_is_harmless() {
        // The tag's value ends six bytes before the end of LITTLE.
        for length in 0..LITTLE.len() {
            let expected = (length >= LITTLE.len() - 6).then_some(6);
            assert_eq!(orientation(&LITTLE[..length]), expected, "{length} bytes");
        }
    }

    #[test]
    fn a_directory_beyond_the_block_or_of_a_wrong_type_is_ignored() {
        let mut far = BIG.to_vec();
        far[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(orientation(&far), None);
        let mut wrong = BIG.to_vec();
        wrong[19] = 4;
        assert_eq!(orientation(&wrong), None);
    }
}
