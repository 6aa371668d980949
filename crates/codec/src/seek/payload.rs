//! The bytes of a seek-indexed record, and the way back to the source file.
//!
//! ```text
//! u32 index length | u32 header length | u32 scan length | u32 tail length      little-endian
//! index | header (the file up to its scan, verbatim) | scan, unstuffed | tail (the rest, verbatim)
//! ```
//! Unstuffed: of each `FF 00` only the `FF` is kept, so the decoder's bit reader need not look for
//! it. A scan ends at the first marker.

use super::SeekError;
use super::header::Header;
use super::index::{Entry, Index};
use super::tables::Tables;
use super::walk::walk;
use crate::Level;

/// Luma pixels between two entries at the finest; wider where that would make the index large.
const FINEST: usize = 64;
/// The index may take this share of the file: one part in so many.
const INDEX_SHARE: usize = 110;

/// The parts of a stored record.
pub(super) struct Payload<'a> {
    pub(super) index: &'a [u8],
    header: &'a [u8],
    pub(super) scan: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Payload<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, SeekError> {
        const BAD: SeekError = SeekError::Corrupt("the record's parts do not add up to its length");
        let (lengths, rest) = bytes.split_first_chunk::<16>().ok_or(BAD)?;
        let length = |i: usize| {
            u32::from_le_bytes([lengths[i], lengths[i + 1], lengths[i + 2], lengths[i + 3]])
                as usize
        };
        let (index, rest) = rest.split_at_checked(length(0)).ok_or(BAD)?;
        let (header, rest) = rest.split_at_checked(length(4)).ok_or(BAD)?;
        let (scan, tail) = rest.split_at_checked(length(8)).ok_or(BAD)?;
        if tail.len() != length(12) {
            return Err(BAD);
        }
        Ok(Payload {
            index,
            header,
            scan,
            tail,
        })
    }

    pub(super) fn header(&self) -> Result<Header, SeekError> {
        Header::parse(self.header)
    }
}

/// Makes a record of a JPEG file.
///
/// # Errors
/// [`SeekError::Unsupported`] for a file of another kind, or one that would not come back byte for byte;
/// [`SeekError::Corrupt`] for one whose entropy-coded data is damaged or cut short.
pub(crate) fn pack(file: &[u8]) -> Result<Vec<u8>, SeekError> {
    let header = Header::parse(file)?;
    let (head, rest) = file
        .split_at_checked(header.scan)
        .ok_or(SeekError::Corrupt("there is no scan"))?;
    let (scan, tail) = unstuff(rest);
    let mut tables = Tables::empty();
    tables.set(&header)?;
    let mcu_width = 8 * header.components()[0].across;
    let across = header.width.div_ceil(mcu_width);
    let mut segment = (FINEST / mcu_width).clamp(1, across.min(255));
    let finest = walk(Level::best(), &header, &tables, &scan, segment)?;
    let mut entries = finest.clone();
    let mut index = Index::pack(&entries, across, segment, header.components().len());
    while index.len() * INDEX_SHARE > file.len() && segment < across && segment <= 127 {
        segment *= 2;
        entries = every_other(&entries, across.div_ceil(segment / 2));
        index = Index::pack(&entries, across, segment, header.components().len());
    }
    let mut record = Vec::with_capacity(16 + index.len() + file.len());
    for part in [&index[..], head, &scan, tail] {
        let length = u32::try_from(part.len())
            .map_err(|_| SeekError::Unsupported("it is larger than 4 GiB"))?;
        record.extend(length.to_le_bytes());
    }
    for part in [&index[..], head, &scan, tail] {
        record.extend(part);
    }
    match restore(&record) {
        Ok(restored) if restored == file => Ok(record),
        _ => Err(SeekError::Unsupported(
            "its padding would not come back byte for byte",
        )),
    }
}

/// The source file, byte for byte.
///
/// # Errors
/// [`SeekError::Corrupt`] if `record` was not made by [`pack`].
pub(crate) fn restore(record: &[u8]) -> Result<Vec<u8>, SeekError> {
    let parts = Payload::parse(record)?;
    let stuffing = parts.scan.len() / 128;
    let mut file =
        Vec::with_capacity(parts.header.len() + parts.scan.len() + stuffing + parts.tail.len());
    file.extend(parts.header);
    stuff(parts.scan, &mut file);
    file.extend(parts.tail);
    Ok(file)
}

/// Width and height of the image.
pub(crate) fn size(record: &[u8]) -> Result<(u32, u32), SeekError> {
    let header = Payload::parse(record)?.header()?;
    Ok((header.width as u32, header.height as u32))
}

/// Appends a scan with a zero behind each byte of ones, as a file has it.
pub(crate) fn stuff(scan: &[u8], file: &mut Vec<u8>) {
    let mut rest = scan;
    while let Some(at) = find_ones(rest) {
        file.extend(&rest[..=at]);
        file.push(0);
        rest = &rest[at + 1..];
    }
    file.extend(rest);
}

/// The scan without its stuffing bytes, and what follows it: from the first marker on.
pub(crate) fn unstuff(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut scan = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find_ones(rest) {
        if rest.get(at + 1) != Some(&0) {
            scan.extend(&rest[..at]);
            return (scan, &rest[at..]);
        }
        scan.extend(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    scan.extend(rest);
    (scan, &[])
}

/// Where the first byte of ones is: sixteen are looked at together, since there is one in some two hundred.
fn find_ones(bytes: &[u8]) -> Option<usize> {
    let is_ones = |&byte: &u8| byte == 0xff;
    let without = bytes
        .chunks_exact(16)
        .take_while(|bytes| !bytes.iter().fold(false, |any, byte| any | is_ones(byte)))
        .count();
    let near = 16 * without;
    bytes[near..].iter().position(is_ones).map(|at| near + at)
}

/// Every other entry of every row.
fn every_other(entries: &[Entry], segments: usize) -> Vec<Entry> {
    entries
        .chunks_exact(segments)
        .flat_map(|row| row.iter().copied().step_by(2))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_are_found_wherever_they_are() {
        for length in 0..70 {
            assert_eq!(find_ones(&vec![0xfe; length]), None);
            for first in 0..length {
                let mut bytes = vec![0x7f; length];
                bytes[first] = 0xff;
                bytes[length - 1] = 0xff;
                assert_eq!(find_ones(&bytes), Some(first), "of {length}");
                let mut stuffed = Vec::new();
                stuff(&bytes, &mut stuffed);
                stuffed.extend(b"\xff\xd9");
                assert_eq!(unstuff(&stuffed), (bytes, &b"\xff\xd9"[..]));
            }
        }
    }
}
