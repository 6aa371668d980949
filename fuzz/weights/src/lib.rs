//! What must hold of any file that is taken for weights: reading ends, without a panic, and takes memory
//! of the file's order; what was read is the same after a round trip through every format.

use std::io::Cursor;

use weight_files::{Format, Precision, Reader, Selection, copy};

/// Checks a file, of whatever format.
///
/// # Panics
/// If something does not hold.
pub fn check(file: &[u8]) {
    for selection in [Selection::Weights, Selection::Average] {
        let Ok(mut reader) = Reader::new(Cursor::new(file), "fuzzed", selection) else {
            continue;
        };
        let Some(tensors) = read(&mut reader) else {
            continue;
        };
        for format in Format::ALL {
            let written = copy(&mut reader, Vec::new(), "copy", format, Precision::F32);
            // Not every name of a hostile file can be written so that it comes back, and a .ckpt without
            // tensors is nothing but a checksum, which nobody takes for one.
            if !tensors.is_empty() && tensors.iter().all(|(name, ..)| is_ordinary(name)) {
                let written = written.unwrap_or_else(|e| panic!("{format}: {e}"));
                let mut again = Reader::new(Cursor::new(written), "copy", Selection::Weights)
                    .unwrap_or_else(|e| panic!("{format}: {e}"));
                let mut copied = read(&mut again).unwrap_or_else(|| panic!("{format}"));
                let mut tensors = tensors.clone();
                copied.sort();
                tensors.sort();
                assert_eq!(copied, tensors, "{format}");
            }
        }
    }
}

/// Name, shape and bits of every tensor, if all can be read.
fn read(
    reader: &mut Reader<Cursor<impl AsRef<[u8]>>>,
) -> Option<Vec<(String, Vec<usize>, Vec<u32>)>> {
    let owned = |(name, shape): (&str, &[usize])| (name.to_owned(), shape.to_vec());
    let tensors: Vec<_> = reader.tensors().map(owned).collect();
    let mut found = Vec::new();
    for (name, shape) in tensors {
        let values = reader.read(&name).ok()?;
        found.push((name, shape, values.into_iter().map(f32::to_bits).collect()));
    }
    Some(found)
}

/// A name that translation leaves alone: no prefix of a trainer's, no block's, no BatchNorm's.
fn is_ordinary(name: &str) -> bool {
    let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..200).contains(&name.len()) && name.chars().all(simple) && !name.starts_with("__")
}

/// A `.pth` whose pickle is `program` and whose storages `0` and `1` have 64 bytes each.
#[must_use]
pub fn archive(program: &[u8]) -> Vec<u8> {
    let (mut file, mut table) = (Vec::new(), Vec::new());
    let members = [
        ("a/data.pkl", program),
        ("a/data/0", &[0x3c; 64]),
        ("a/data/1", &[0x40; 64]),
    ];
    for (name, bytes) in members {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((bytes.len() as u32).to_le_bytes().repeat(2));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        table.extend(b"PK\x01\x02\x14\0");
        table.extend(&common);
        table.extend([0; 10]);
        table.extend((file.len() as u32).to_le_bytes());
        table.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(bytes);
    }
    let start = file.len() as u32;
    file.extend(&table);
    file.extend(b"PK\x05\x06\0\0\0\0\x03\0\x03\0");
    file.extend((table.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// A `.ckpt`'s bytes with a checksum that fits.
#[must_use]
pub fn with_checksum(message: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in message {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut file = message.to_vec();
    file.extend(b"crc_num\0\0\0\0\0\0");
    file.extend((!crc).to_be_bytes());
    file
}
