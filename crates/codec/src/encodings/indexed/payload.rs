//! The bytes of a seek-indexed record, and the way back to the source file.
//!
//! ```text
//! u32 index length | u32 header length | u32 scan length | u32 tail length      little-endian
//! index | header (the file up to its scan, verbatim) | scan, unstuffed | tail (the rest, verbatim)
//! ```
//! Unstuffed: of each `FF 00` only the `FF` is kept, so the decoder's bit reader need not look for
//! it. A scan ends at the first marker.

use super::index::Index;
use super::walk::walk;
use crate::Level;
use crate::jpeg::JpegError;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::rows::Entry;
use crate::jpeg::stuffing::{stuff, unstuff};
use crate::jpeg::tables::Tables;

/// Luma pixels between two entries at the finest. The distance grows if the index would become too large.
const FINEST: usize = 64;
/// The largest share of the file that the index may take: one part in this many.
const INDEX_SHARE: usize = 110;

/// The parts of a stored record.
pub(super) struct Payload<'a> {
    pub(super) index: &'a [u8],
    /// The file up to its scan.
    pub(super) header: &'a [u8],
    pub(super) scan: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Payload<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, JpegError> {
        const BAD: JpegError = JpegError::Corrupt("the record's parts do not add up to its length");
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
}

/// Makes a record of a JPEG file.
///
/// # Errors
/// [`JpegError::Unsupported`] for a file of another kind, or one that could not be restored byte for byte;
/// [`JpegError::Corrupt`] for one whose entropy-coded data is damaged or cut short.
pub(crate) fn pack(file: &[u8]) -> Result<Vec<u8>, JpegError> {
    pack_read(file, &Baseline::parse(file)?)
}

/// Like [`pack`], for a file whose header has been read.
///
/// # Errors
/// As [`pack`].
pub(crate) fn pack_read(file: &[u8], header: &Baseline) -> Result<Vec<u8>, JpegError> {
    let (head, rest) = file
        .split_at_checked(header.scan)
        .ok_or(JpegError::Corrupt("there is no scan"))?;
    let (scan, tail) = unstuff(rest);
    let mut tables = Tables::empty();
    tables.set(header)?;
    let mcu_width = 8 * header.components()[0].across;
    let across = header.width.div_ceil(mcu_width);
    let mut segment = (FINEST / mcu_width).clamp(1, across.min(255));
    let finest = walk(Level::best(), header, &tables, &scan, segment)?;
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
            .map_err(|_| JpegError::Unsupported("it is larger than 4 GiB"))?;
        record.extend(length.to_le_bytes());
    }
    for part in [&index[..], head, &scan, tail] {
        record.extend(part);
    }
    match restore(&record) {
        Ok(restored) if restored == file => Ok(record),
        _ => Err(JpegError::Unsupported(
            "its padding would not come back byte for byte",
        )),
    }
}

/// The source file, byte for byte.
///
/// # Errors
/// [`JpegError::Corrupt`] if `record` was not made by [`pack`].
pub(crate) fn restore(record: &[u8]) -> Result<Vec<u8>, JpegError> {
    let parts = Payload::parse(record)?;
    let stuffing = parts.scan.len() / 128;
    let mut file =
        Vec::with_capacity(parts.header.len() + parts.scan.len() + stuffing + parts.tail.len());
    file.extend(parts.header);
    stuff(parts.scan, &mut file);
    file.extend(parts.tail);
    Ok(file)
}

/// Every other entry of every row.
fn every_other(entries: &[Entry], segments: usize) -> Vec<Entry> {
    entries
        .chunks_exact(segments)
        .flat_map(|row| row.iter().copied().step_by(2))
        .collect()
}
