//! Raw bits, least significant first: signs and the bits below a coefficient's leading one.

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    /// What is written, and room behind it.
    bytes: Vec<u8>,
    end: End,
}

/// Where the written bits end. A loop that writes many keeps it in registers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// Whole bytes.
    at: usize,
    /// Bits that do not fill a byte yet.
    bits: u64,
    count: u32,
}

impl End {
    /// Appends the low `count` (up to 56) bits of `value`, whose others are zero. What does not fit in the room is lost.
    #[inline(always)]
    pub(super) fn put(&mut self, room: &mut [u8], value: u64, count: u32) {
        self.bits |= value << self.count;
        self.count += count;
        // All eight bytes are written each time: whether a word is full can hardly be predicted.
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

    /// Room for so many more bytes, and the end to write from, which [`BitWriter::close`] takes back.
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

    /// All bytes, the last one filled with zeros.
    pub(super) fn bytes(&self) -> &[u8] {
        let written = self.end.at + usize::from(self.end.count > 0);
        &self.bytes[..written.min(self.bytes.len())]
    }
}
