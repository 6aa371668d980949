//! Reads the bits of unstuffed entropy-coded data, most significant first.
//!
//! Safe on any input: past the end it returns zero bits and counts them. It does not read JPEG files as such: stuffing
//! bytes and markers were removed when the record was made.

/// A place in the data, and the bits from there on. `window` holds the next bits left-aligned; after [`Cursor::refill`]
/// at least 56 of them are valid. Each refill names the data that it reads, so that two cursors in the same data share
/// the registers for it.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    window: u64,
    /// How many bits are valid, in the low six bits. The others are noise, because whole table entries are subtracted
    /// from it.
    valid: u64,
    /// Bytes taken into the window so far, including those beyond the end.
    taken: usize,
}

impl Cursor {
    /// A cursor whose first bit is bit `position` of `data`, counted from the first byte's most
    /// significant bit.
    pub(crate) fn at(data: &[u8], position: usize) -> Self {
        let mut cursor = Cursor {
            window: 0,
            valid: 0,
            taken: position / 8,
        };
        cursor.refill(data);
        cursor.skip((position % 8) as u64);
        cursor
    }

    /// Tops the window up to at least 56 valid bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self, data: &[u8]) {
        let word = match data
            .get(self.taken..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            Some(word) => u64::from_be_bytes(*word),
            None => last_bytes(data, self.taken),
        };
        let valid = self.valid & 63;
        self.window |= word >> valid;
        self.taken += (valid ^ 63) as usize >> 3;
        self.valid = valid | 56;
    }

    /// The next bits, left-aligned.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.window
    }

    /// Consumes as many bits as the low six bits of `count` say, at most the valid ones. The other bits of `count` do
    /// not matter.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u64) {
        self.window <<= count & 63;
        self.valid = self.valid.wrapping_sub(count);
    }

    /// How many bits of the data have been consumed. After an overrun, this is more than the data has.
    pub(crate) fn position(&self) -> usize {
        self.taken * 8 - (self.valid & 63) as usize
    }
}

/// A cursor together with the data that it reads.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) cursor: Cursor,
}

impl<'a> Bits<'a> {
    /// See [`Cursor::at`].
    pub(crate) fn at(data: &'a [u8], position: usize) -> Self {
        Bits {
            data,
            cursor: Cursor::at(data, position),
        }
    }

    /// See [`Cursor::position`].
    pub(crate) fn position(&self) -> usize {
        self.cursor.position()
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

/// T.81 F.2.2.1, EXTEND: turns `bits`, a number of `size` bits, into a difference whose sign is its first bit.
#[inline(always)]
pub(crate) fn extend(bits: u32, size: u32) -> i32 {
    let value = bits as i32;
    if value < 1 << (size - 1) {
        value - (1 << size) + 1
    } else {
        value
    }
}
