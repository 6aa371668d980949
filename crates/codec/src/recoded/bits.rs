//! Raw bits, least significant first: signs and the bits below a coefficient's leading one.

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    pending: Pending,
}

/// Bits that do not fill a word yet. A loop that writes many keeps them in registers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    bits: u64,
    count: u32,
}

impl BitWriter {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.pending = Pending::default();
    }

    /// Appends the low `count` (up to 32) bits of `value`, whose others are zero.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        let mut pending = self.pending;
        self.put_after(&mut pending, value, count);
        self.pending = pending;
    }

    /// What [`BitWriter::put_after`] is to go on from.
    pub(super) fn pending(&self) -> Pending {
        self.pending
    }

    /// The same as [`BitWriter::put`], behind bits that the caller keeps and gives back to
    /// [`BitWriter::go_on_after`].
    #[inline(always)]
    pub(super) fn put_after(&mut self, pending: &mut Pending, value: u32, count: u32) {
        pending.bits |= u64::from(value) << pending.count;
        pending.count += count;
        if pending.count >= 32 {
            self.bytes.extend((pending.bits as u32).to_le_bytes());
            pending.bits >>= 32;
            pending.count -= 32;
        }
    }

    /// Takes back what [`BitWriter::pending`] gave.
    pub(super) fn go_on_after(&mut self, pending: Pending) {
        self.pending = pending;
    }

    /// All bytes, the last one filled with zeros.
    pub(super) fn finish(&mut self) -> &mut Vec<u8> {
        let Pending { bits, count } = std::mem::take(&mut self.pending);
        let rest = bits.to_le_bytes();
        self.bytes.extend(&rest[..count.div_ceil(8) as usize]);
        &mut self.bytes
    }
}
