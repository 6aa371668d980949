//! The seek index: points where decoding of the entropy-coded data can start.
//!
//! Each row of MCUs is divided into segments of some MCUs. For every segment the index holds the bit position and each
//! component's DC predictor there. The entries are packed into fixed-width bit fields, so that the few entries that a
//! crop needs are read without unpacking the rest. They are not compressed further: see FORMAT.md for the figures.
//!
//! Layout: `segment: u8` (MCUs), `length_bits: u8`, `dc_bits: u8 x 3`, then the bits, most
//! significant first, row by row: `position: u32`, then per segment each component's predictor
//! (two's complement, `dc_bits`) and, except for the last segment, the number of bits from its start to the
//! next one's (`length_bits`).

use crate::jpeg::JpegError;
use crate::jpeg::rows::Entry;

const HEAD: usize = 5;

/// A packed index. Its size was checked once, so every entry can be read.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    fields: &'a [u8],
    /// MCUs per segment.
    pub(super) segment: usize,
    segments: usize,
    length_bits: usize,
    dc_bits: [usize; 3],
    row_bits: usize,
}

impl<'a> Index<'a> {
    /// Packs the entries, given row by row, of an image with `across` MCUs per row.
    pub(super) fn pack(
        entries: &[Entry],
        across: usize,
        segment: usize,
        components: usize,
    ) -> Vec<u8> {
        let segments = across.div_ceil(segment);
        let rows = || entries.chunks_exact(segments);
        let lengths = rows().flat_map(|row| {
            row.windows(2)
                .map(|pair| pair[1].position - pair[0].position)
        });
        let length_bits = 32 - lengths.max().unwrap_or(0).leading_zeros() as usize;
        let dc_bits: [usize; 3] = std::array::from_fn(|c| match c < components {
            true => entries
                .iter()
                .map(|entry| signed_bits(entry.dc[c]))
                .max()
                .unwrap_or(1),
            false => 0,
        });
        let mut packed = vec![
            segment as u8,
            length_bits as u8,
            dc_bits[0] as u8,
            dc_bits[1] as u8,
            dc_bits[2] as u8,
        ];
        let mut writer = Writer {
            out: &mut packed,
            pending: 0,
            bits: 0,
        };
        for row in rows() {
            writer.put(u64::from(row[0].position), 32);
            for (i, entry) in row.iter().enumerate() {
                for (value, bits) in entry.dc.iter().zip(dc_bits) {
                    writer.put(*value as u64, bits);
                }
                if let Some(next) = row.get(i + 1) {
                    writer.put(u64::from(next.position - entry.position), length_bits);
                }
            }
        }
        writer.finish();
        packed
    }

    /// Reads a packed index for an image of `across` x `down` MCUs.
    pub(super) fn parse(
        bytes: &'a [u8],
        across: usize,
        down: usize,
        components: usize,
    ) -> Result<Self, JpegError> {
        const BAD: JpegError = JpegError::Corrupt("the seek index is malformed");
        let (head, fields) = bytes.split_first_chunk::<HEAD>().ok_or(BAD)?;
        let [segment, length_bits, dc_bits @ ..] = head.map(usize::from);
        let used = dc_bits.iter().enumerate().all(|(c, &bits)| {
            if c < components {
                (1..=16).contains(&bits)
            } else {
                bits == 0
            }
        });
        if segment == 0 || length_bits > 32 || !used {
            return Err(BAD);
        }
        let segments = across.div_ceil(segment);
        let row_bits = 32 + segments * dc_bits.iter().sum::<usize>() + (segments - 1) * length_bits;
        if fields.len() != (row_bits * down).div_ceil(8) {
            return Err(BAD);
        }
        Ok(Index {
            fields,
            segment,
            segments,
            length_bits,
            dc_bits,
            row_bits,
        })
    }

    /// The entry of a segment of a row of MCUs; both must be inside the image.
    pub(super) fn entry(&self, row: usize, segment: usize) -> Entry {
        debug_assert!(
            segment < self.segments,
            "segment {segment} of {}",
            self.segments
        );
        let dc_bits: usize = self.dc_bits.iter().sum();
        let start = row * self.row_bits;
        let mut position = self.field(start, 32) as u32;
        let mut at = start + 32;
        for _ in 0..segment {
            position = position.wrapping_add(self.field(at + dc_bits, self.length_bits) as u32);
            at += dc_bits + self.length_bits;
        }
        let dc = self.dc_bits.map(|bits| {
            let value = self.field(at, bits);
            at += bits;
            // Sign-extends; a field of zero bits is zero.
            if bits == 0 {
                0
            } else {
                ((value << (64 - bits)) as i64 >> (64 - bits)) as i16
            }
        });
        Entry { position, dc }
    }

    /// The `bits` (up to 32) at bit `at`; zeros beyond the end.
    fn field(&self, at: usize, bits: usize) -> u64 {
        let mut bytes = [0u8; 8];
        let from = self.fields.get(at / 8..).unwrap_or(&[]);
        let from = &from[..from.len().min(8)];
        bytes[..from.len()].copy_from_slice(from);
        let window = u64::from_be_bytes(bytes) << (at % 8);
        if bits == 0 { 0 } else { window >> (64 - bits) }
    }
}

/// Bits that `value` needs in two's complement.
fn signed_bits(value: i16) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    17 - magnitude.leading_zeros() as usize
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    bits: usize,
}

impl Writer<'_> {
    /// Appends the low `bits` (up to 32) of `value`.
    fn put(&mut self, value: u64, bits: usize) {
        self.pending = self.pending << bits | (value & ((1 << bits) - 1));
        self.bits += bits;
        while self.bits >= 8 {
            self.bits -= 8;
            self.out.push((self.pending >> self.bits) as u8);
        }
    }

    fn finish(mut self) {
        let padding = (8 - self.bits % 8) % 8;
        self.put(0, padding);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries_come_back() {
        let (across, down, segment) = (11, 3, 4);
        let entries: Vec<Entry> = (0..9u32)
            .map(|i| Entry {
                position: i * i * 1000 + i,
                dc: [i as i16 * 300 - 1024, -(i as i16), 32767 - 4000 * i as i16],
            })
            .collect();
        let packed = Index::pack(&entries, across, segment, 3);
        let index = Index::parse(&packed, across, down, 3).unwrap();
        for (i, entry) in entries.iter().enumerate() {
            assert_eq!(index.entry(i / 3, i % 3), *entry);
        }
        assert!(Index::parse(&packed[..packed.len() - 1], across, down, 3).is_err());
        assert!(Index::parse(&packed, across, down + 1, 3).is_err());
    }
}
