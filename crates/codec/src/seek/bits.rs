//! Reads the bits of unstuffed entropy-coded data, most significant first.
//!
//! Safe on any input: past the end it hands out zero bits and counts them. It is not a JPEG byte
//! reader: stuffing bytes and markers were taken out when the record was made.

/// A cursor over bits. `window` holds the next bits left-aligned; after [`Bits::refill`] at
/// least 56 of them are valid.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    window: u64,
    /// Below 64. A byte, so that a table entry's low byte can be subtracted as it is.
    valid: u8,
    data: &'a [u8],
    /// Bytes taken into the window so far, beyond the end too.
    taken: usize,
}

impl<'a> Bits<'a> {
    /// A reader whose first bit is bit `position` of `data`, counted from the first byte's
    /// most significant bit.
    pub(super) fn at(data: &'a [u8], position: usize) -> Self {
        let mut bits = Bits {
            window: 0,
            valid: 0,
            data,
            taken: position / 8,
        };
        bits.refill();
        bits.skip((position % 8) as u8);
        bits
    }

    /// Tops the window up to at least 56 valid bits.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let valid = self.valid & 63;
        let word = match self
            .data
            .get(self.taken..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            Some(word) => u64::from_be_bytes(*word),
            None => last_bytes(self.data, self.taken),
        };
        self.window |= word >> valid;
        self.taken += usize::from((63 - valid) >> 3);
        self.valid = valid | 56;
    }

    /// The next bits, left-aligned.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.window
    }

    /// Consumes `count` bits, at most as many as are valid.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u8) {
        self.window <<= count & 63;
        self.valid = self.valid.wrapping_sub(count);
    }

    /// How many bits of the data have been consumed; more than it has after an overrun.
    pub(super) fn position(&self) -> usize {
        self.taken * 8 - usize::from(self.valid)
    }
}

/// The up to seven bytes from `taken` on, then zeros.
#[cold]
#[inline(never)]
fn last_bytes(data: &[u8], taken: usize) -> u64 {
    let rest = data.get(taken..).unwrap_or(&[]);
    let mut bytes = [0u8; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes)
}

/// T.81 F.2.2.1, EXTEND: `bits`, a number of `size` bits, as a difference whose sign is its
/// first bit.
#[inline(always)]
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let value = bits as i32;
    if value < 1 << (size - 1) {
        value - (1 << size) + 1
    } else {
        value
    }
}
