//! Raw bits, least significant first: signs and the bits below a coefficient's leading one, and escapes.

use super::model;

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    /// The written bytes, and room behind them.
    bytes: Vec<u8>,
    end: End,
}

/// Where the written bits end. A loop that writes many bits keeps it in registers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// Whole bytes.
    at: usize,
    /// Bits that do not fill a byte yet.
    bits: u64,
    count: u32,
}

impl End {
    /// Appends the low `count` (up to 56) bits of `value`; its other bits must be zero. Bits that do not fit in the
    /// room are lost.
    #[inline(always)]
    pub(super) fn put(&mut self, room: &mut [u8], value: u64, count: u32) {
        self.bits |= value << self.count;
        self.count += count;
        // All eight bytes are written each time, because whether a word is full can hardly be predicted.
        if let Some(next) = room
            .get_mut(self.at..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *next = self.bits.to_le_bytes();
        }
        self.at += (self.count / 8) as usize;
        self.bits >>= self.count & !7;
        self.count &= 7;
    }
}

impl BitWriter {
    pub(super) fn clear(&mut self) {
        self.end = End::default();
    }

    /// Room for this many more bytes, and the end to write from. [`BitWriter::close`] takes the end back.
    #[inline(always)]
    pub(super) fn open(&mut self, bytes: usize) -> (&mut [u8], End) {
        let needed = self.end.at + bytes + 8;
        if self.bytes.len() < needed {
            self.bytes.resize(needed.next_power_of_two(), 0);
        }
        (&mut self.bytes, self.end)
    }

    /// Where the bits end now.
    #[inline(always)]
    pub(super) fn close(&mut self, end: End) {
        self.end = end;
    }

    /// All bytes; the last one is filled with zeros.
    pub(super) fn bytes(&self) -> &[u8] {
        let written = self.end.at + usize::from(self.end.count > 0);
        &self.bytes[..written.min(self.bytes.len())]
    }
}

/// Escaped values begin here, except for those whose symbols are too rare to have one.
const LARGE: u16 = 128;

/// Appends an escaped value, not 0. From 128 on: a 0 bit, the sign and seven bits of the magnitude. From 256 on: 1, 0,
/// the sign and eight bits. All others: 1, 1, the class less 1 in four bits, and the extra bits.
pub(super) fn put_beside(bits: &mut BitWriter, value: i16) {
    let (room, mut end) = bits.open(8);
    let (magnitude, sign) = (value.unsigned_abs(), u64::from(value < 0));
    match magnitude / LARGE {
        1 => end.put(room, sign << 1 | u64::from(magnitude - LARGE) << 2, 9),
        2..=3 => end.put(
            room,
            0b01 | sign << 2 | u64::from(magnitude - 2 * LARGE) << 3,
            11,
        ),
        _ => {
            let class = model::class(value.into());
            let extra = u64::from(model::extra_bits(value.into(), class));
            let class_bits = u64::from(class.saturating_sub(1));
            end.put(room, 0b11 | class_bits << 2 | extra << 6, 6 + class);
        }
    }
    bits.close(end);
}

/// Reads the escaped value at bit `at` of `bytes` and moves `at` behind it. Bits beyond the end are zeros.
pub(super) fn beside(bytes: &[u8], at: &mut usize) -> i16 {
    let rest = bytes.get(*at / 8..).unwrap_or(&[]);
    let window = match rest.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => rest
            .iter()
            .rev()
            .fold(0, |all, &byte| all << 8 | u32::from(byte)),
    } >> (*at % 8);
    let signed = |negative: u32, magnitude: u32| match negative & 1 {
        0 => magnitude as i16,
        _ => -(magnitude as i16),
    };
    let large = u32::from(LARGE);
    let (value, length) = match window & 0b11 {
        0b00 | 0b10 => (signed(window >> 1, large + (window >> 2 & 0x7f)), 9),
        0b01 => (signed(window >> 2, 2 * large + (window >> 3 & 0xff)), 11),
        _ => {
            let class = (window >> 2 & 15) + 1;
            let extra = window >> 6 & ((1 << class) - 1);
            (
                model::from_extra_bits(extra, class) as i16,
                6 + class as usize,
            )
        }
    };
    *at += length;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beside_come_back() {
        let all: Vec<i16> = (i16::MIN..0).chain(1..=i16::MAX).collect();
        let mut bits = BitWriter::default();
        all.iter().for_each(|&value| put_beside(&mut bits, value));
        let (bytes, mut at) = (bits.bytes(), 0);
        for value in all {
            assert_eq!(beside(bytes, &mut at), value);
        }
        assert_eq!(at.div_ceil(8), bytes.len());
        let mut beyond = bits.bytes().len() * 8 + 77;
        assert_eq!(beside(bytes, &mut beyond), 128, "zeros");
    }
}
