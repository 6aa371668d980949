//! Raw bits, least significant first: signs and the bits below a coefficient's leading one.

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.pending, self.count) = (0, 0);
    }

    /// Appends the low `count` (up to 16) bits of `value`, whose others are zero.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend((self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// All bytes, the last one filled with zeros.
    pub(super) fn finish(&mut self) -> &mut Vec<u8> {
        let rest = self.pending.to_le_bytes();
        self.bytes.extend(&rest[..self.count.div_ceil(8) as usize]);
        (self.pending, self.count) = (0, 0);
        &mut self.bytes
    }
}
