//! Huffman tables as lookups that give a whole coefficient at once.
//!
//! One probe of [`PEEK`] bits resolves the code word *and* the value bits behind it whenever
//! both fit. Nearly every ImageNet file brings tables of its own, so building these is part of
//! decoding: about 2048 stores a table.

use super::SeekError;
use super::bits::{Bits, extend};

/// How many bits one probe looks at.
pub(super) const PEEK: u32 = 11;
const SIZE: usize = 1 << PEEK;

/// Set in an entry that does not give a whole coefficient: the code word is longer than a probe (then
/// its low bits are zero), or its value bits did not fit (then they count the code word, and the upper
/// half holds the number of value bits).
const PARTIAL: u32 = 0x80;
/// What an end-of-block advances by: past any position in the block.
const END: u32 = 64;

/// A table as the file gives it: how many codes there are of each length, and their symbols.
#[derive(Clone)]
pub(crate) struct Spec {
    /// Codes of length 1 to 16 (index 0 is unused).
    counts: [u8; 17],
    symbols: [u8; 256],
    len: usize,
}

impl Spec {
    /// Reads the 16 counts and the symbols at the start of `bytes`; also gives what follows.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(16)?;
        let mut counts = [0u8; 17];
        counts[1..].copy_from_slice(head);
        let len: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let (listed, rest) = rest.split_at_checked(len)?;
        let mut symbols = [0u8; 256];
        symbols.get_mut(..len)?.copy_from_slice(listed);
        // More codes of a length than that length has room for is no prefix code.
        let mut room = 1i32;
        for &count in &counts[1..] {
            room = room * 2 - i32::from(count);
            if room < 0 {
                return None;
            }
        }
        Some((
            Spec {
                counts,
                symbols,
                len,
            },
            rest,
        ))
    }

    /// Calls `found(code, length, symbol)` for every code word, shortest first.
    pub(crate) fn codes(&self, mut found: impl FnMut(u32, u32, u8)) {
        let mut code = 0u32;
        let mut symbols = self.symbols[..self.len].iter();
        for length in 1..=16u32 {
            for &symbol in symbols
                .by_ref()
                .take(usize::from(self.counts[length as usize]))
            {
                found(code, length, symbol);
                code += 1;
            }
            code <<= 1;
        }
    }
}

/// What the file's code words longer than [`PEEK`] bits decode to, by canonical code order.
struct LongCodes {
    /// For each length: one past the largest code of it, left-aligned to 16 bits, and what to
    /// add to a code of that length to get its place in `symbols`.
    ends: [u32; 17],
    shift: [i32; 17],
    symbols: [u8; 256],
}

impl LongCodes {
    const EMPTY: LongCodes = LongCodes {
        ends: [0; 17],
        shift: [0; 17],
        symbols: [0; 256],
    };

    fn set(&mut self, spec: &Spec) {
        self.symbols = spec.symbols;
        let (mut code, mut place) = (0u32, 0i32);
        for length in 1..=16usize {
            self.shift[length] = place - code as i32;
            code += u32::from(spec.counts[length]);
            place += i32::from(spec.counts[length]);
            self.ends[length] = code << (16 - length);
            code <<= 1;
        }
    }

    /// The symbol and length of the code word that `window` starts with, or `None` if no code
    /// word of this table begins like that.
    #[cold]
    fn find(&self, window: u64) -> Option<(u8, u32)> {
        let word = (window >> 48) as u32;
        let length = (PEEK as usize + 1..=16).find(|&length| word < self.ends[length])?;
        let place = (word >> (16 - length)) as i32 + self.shift[length];
        let symbol = self.symbols.get(usize::try_from(place).ok()?)?;
        Some((*symbol, length as u32))
    }
}

/// Decodes DC differences. Entry: `value << 16 | bits used`, or partial.
pub(super) struct DcTable {
    entries: Box<[u32; SIZE]>,
    long: LongCodes,
}

impl DcTable {
    pub(super) fn empty() -> Self {
        DcTable {
            entries: Box::new([PARTIAL; SIZE]),
            long: LongCodes::EMPTY,
        }
    }

    /// Fills the table. Sizes above 15 bits do not exist in 8-bit baseline.
    pub(super) fn set(&mut self, spec: &Spec) -> Result<(), SeekError> {
        if spec.symbols[..spec.len].iter().any(|&size| size > 15) {
            return Err(SeekError::Corrupt("a DC table has a size above 15 bits"));
        }
        self.long.set(spec);
        fill(&mut self.entries, spec, |symbol| (0, u32::from(symbol)));
        Ok(())
    }

    /// The next DC difference; `None` on a code word that the table does not have.
    #[inline(always)]
    pub(super) fn next(&self, bits: &mut Bits) -> Option<i16> {
        bits.refill();
        let entry = self.entries[(bits.peek() >> (64 - PEEK)) as usize];
        if entry & PARTIAL == 0 {
            bits.skip(entry as u8);
            return Some((entry >> 16) as i16);
        }
        let (size, length) = match entry & 0x7f {
            0 => {
                let (symbol, length) = self.long.find(bits.peek())?;
                (u32::from(symbol), length)
            }
            length => (entry >> 16, length),
        };
        let value = value(bits.peek(), length, size);
        bits.skip((length + size) as u8);
        Some(value)
    }
}

/// Decodes AC coefficients. Entry: `value << 16 | advance << 8 | bits used`, or partial. `advance`
/// is run + 1 (64 at an end of block, 16 for a run of sixteen zeros).
pub(super) struct AcTable {
    entries: Box<[u32; SIZE]>,
    long: LongCodes,
}

impl AcTable {
    pub(super) fn empty() -> Self {
        AcTable {
            entries: Box::new([PARTIAL; SIZE]),
            long: LongCodes::EMPTY,
        }
    }

    pub(super) fn set(&mut self, spec: &Spec) {
        self.long.set(spec);
        fill(&mut self.entries, spec, split);
    }

    /// Decodes the AC coefficients of one block, giving each (zigzag position 1 to 63, value) to
    /// `place`. False on a code word that the table does not have, or coefficients past the block's
    /// end.
    #[inline(always)]
    pub(super) fn block(&self, bits: &mut Bits, mut place: impl FnMut(u32, i16)) -> bool {
        let mut last = 0u32; // the position decoded last
        // One symbol; written out three times, since a refill lasts for three probes of 11 bits, or
        // two and a long symbol of 31.
        macro_rules! symbol {
            () => {
                let entry = self.entries[(bits.peek() >> (64 - PEEK)) as usize];
                if entry & PARTIAL != 0 {
                    let Some((advance, value, used)) = self.partial(entry, bits.peek()) else {
                        return false;
                    };
                    bits.skip(used);
                    last += advance;
                    if last >= 63 {
                        return ends(last, advance, value, place);
                    }
                    place(last, value);
                    continue;
                }
                bits.skip(entry as u8);
                let (advance, value) = (entry >> 8 & 0xff, (entry >> 16) as i16);
                last += advance;
                if last >= 63 {
                    return ends(last, advance, value, place);
                }
                place(last, value);
            };
        }
        loop {
            bits.refill();
            symbol!();
            symbol!();
            symbol!();
        }
    }

    /// Advance, value and bits used of a symbol that one probe did not resolve. Takes the window by
    /// value, so that the reader stays in registers.
    #[inline(never)]
    fn partial(&self, entry: u32, window: u64) -> Option<(u32, i16, u8)> {
        let (advance, size, length) = match entry & 0x7f {
            0 => {
                let (symbol, length) = self.long.find(window)?;
                let (advance, size) = split(symbol);
                (advance, size, length)
            }
            length => (entry >> 8 & 0xff, entry >> 16, length),
        };
        Some((advance, value(window, length, size), (length + size) as u8))
    }
}

/// The end of a block: with its 64th coefficient or with an end-of-block; anything else runs over.
#[inline(always)]
fn ends(last: u32, advance: u32, value: i16, mut place: impl FnMut(u32, i16)) -> bool {
    if last == 63 {
        place(last, value);
    }
    last == 63 || advance == END
}

/// The value of `size` bits behind the `length` bits of a code word.
fn value(window: u64, length: u32, size: u32) -> i16 {
    if size == 0 {
        0
    } else {
        extend((window << length >> (64 - size)) as u32, size) as i16
    }
}

/// Fills a probe table; `meaning` gives a symbol's advance and number of value bits.
fn fill(entries: &mut [u32; SIZE], spec: &Spec, meaning: impl Fn(u8) -> (u32, u32)) {
    entries.fill(PARTIAL);
    spec.codes(|code, length, symbol| {
        if length > PEEK {
            return;
        }
        let (advance, size) = meaning(symbol);
        let span = slots(entries, code, length);
        match PEEK.checked_sub(length + size) {
            Some(spare) => fill_values(span, size, spare, advance << 8 | (length + size)),
            None => span.fill(size << 16 | advance << 8 | PARTIAL | length),
        }
    });
}

/// Advance and number of value bits of an AC symbol (run in the upper, size in the lower half).
fn split(symbol: u8) -> (u32, u32) {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    match (run, size) {
        (15, 0) => (16, 0),
        (_, 0) => (END, 0),
        _ => (run + 1, size),
    }
}

/// The entries whose probe starts with the code word.
fn slots(entries: &mut [u32; SIZE], code: u32, length: u32) -> &mut [u32] {
    let first = ((code << (PEEK - length)) as usize).min(SIZE);
    let end = (first + (1 << (PEEK - length))).min(SIZE);
    &mut entries[first..end]
}

/// Fills `span` with every value of `size` bits, each behind `rest`, `2^spare` entries a value.
fn fill_values(span: &mut [u32], size: u32, spare: u32, rest: u32) {
    if size == 0 {
        return span.fill(rest);
    }
    for (bits, run) in span.chunks_mut(1 << spare).enumerate() {
        let value = extend(bits as u32, size) as u32;
        run.fill(value << 16 | rest);
    }
}
