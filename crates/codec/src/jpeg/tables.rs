//! Huffman lookup tables that give whole coefficients, two at once if they are short.
//!
//! One probe of [`PEEK`] bits resolves a code word *and* the value bits behind it, and the same of the next symbol if
//! that fits too. Nearly every ImageNet file brings its own tables, so building these is part of decoding. A table that
//! equals the last image's is kept.

use super::JpegError;
use super::baseline::{Baseline, Component};
use super::bits::{Bits, Cursor, extend};
use super::block::{Lane, Put};
use super::huffman::{LongCodes, Spec};

/// How many bits one probe looks at.
const PEEK: u32 = 11;
const SIZE: usize = 1 << PEEK;

/// Set in an entry that does not give a whole coefficient. Either the code word is longer than a probe (then the six
/// bits below are zero), or its value bits did not fit (then they count the code word).
pub(crate) const PARTIAL: u64 = 0x80;
/// How far an end of block advances: past any position in the block.
pub(crate) const END: u64 = 128;
/// How far an invalid code word advances: past the block's end, but not to where an end of block does.
const NO_CODE: u64 = 64;

/// The tables of one image.
pub(crate) struct Tables {
    dc: [DcTable; 4],
    ac: [AcTable; 4],
    /// Scratch space where [`AcTable::set`] makes its entries before it pairs them.
    singles: Box<[u64; SIZE]>,
}

impl Tables {
    pub(crate) fn empty() -> Self {
        Tables {
            dc: std::array::from_fn(|_| DcTable::empty()),
            ac: std::array::from_fn(|_| AcTable::empty()),
            singles: Box::new([PARTIAL; SIZE]),
        }
    }

    /// Fills the tables that the image's components name.
    pub(crate) fn set(&mut self, header: &Baseline) -> Result<(), JpegError> {
        for component in header.components() {
            let (dc, ac) = (component.dc & 3, component.ac & 3);
            self.dc[dc].set(header.dc_table(dc)?)?;
            self.ac[ac].set(header.ac_table(ac)?, &mut self.singles);
        }
        Ok(())
    }

    /// The tables that decode a component's blocks.
    #[inline(always)]
    pub(crate) fn of(&self, component: &Component) -> (&DcTable, &AcTable) {
        (&self.dc[component.dc & 3], &self.ac[component.ac & 3])
    }

    /// Decodes one block of a component; `dc` is its running predictor. Passes each zigzag position, below 64, and its
    /// value to `place`. Positions may come twice; then the last one counts.
    #[inline(always)]
    pub(crate) fn coefficients(
        &self,
        component: &Component,
        bits: &mut Bits,
        dc: &mut i16,
        mut place: impl FnMut(u32, i16),
    ) -> Result<(), JpegError> {
        const BAD: JpegError = JpegError::Corrupt("the entropy-coded data holds no valid code");
        let (dc_table, ac_table) = self.of(component);
        let difference = dc_table.next(bits.data, &mut bits.cursor).ok_or(BAD)?;
        *dc = dc.wrapping_add(difference);
        place(0, *dc);
        let mut lane = Lane::new(bits.cursor, Each(place));
        let sound = ac_table.one(bits.data, &mut lane);
        bits.cursor = lane.cursor;
        if sound { Ok(()) } else { Err(BAD) }
    }
}

/// Only passes positions inside the block to a closure.
struct Each<F>(F);

impl<F: FnMut(u32, i16)> Put for Each<F> {
    #[inline(always)]
    fn put(&mut self, k: u64, value: i16) {
        self.0(k.min(63) as u32, value);
    }
}

/// Decodes DC differences. Entry: `value << 16 | bits used`, or partial: `value bits << 16 | PARTIAL
/// | length of the code word`.
pub(crate) struct DcTable {
    made_from: Option<Spec>,
    entries: Box<[u32; SIZE]>,
    long: LongCodes,
}

impl DcTable {
    fn empty() -> Self {
        DcTable {
            made_from: None,
            entries: Box::new([PARTIAL as u32; SIZE]),
            long: LongCodes::EMPTY,
        }
    }

    /// Fills the table. Sizes above 15 bits do not exist in 8-bit baseline.
    fn set(&mut self, spec: &Spec) -> Result<(), JpegError> {
        if self.made_from.as_ref() == Some(spec) {
            return Ok(());
        }
        if spec.symbols().iter().any(|&size| size > 15) {
            return Err(JpegError::Corrupt("a DC table has a size above 15 bits"));
        }
        self.long.set(spec);
        let rest = fill(&mut self.entries[..], spec, |symbol, length| {
            let size = u32::from(symbol);
            (size, move |value: Option<i32>| match value {
                Some(value) => (value as u32) << 16 | (length + size),
                None => size << 16 | PARTIAL as u32 | length,
            })
        });
        rest.fill(PARTIAL as u32);
        self.made_from = Some(spec.clone());
        Ok(())
    }

    /// The next DC difference; `None` on a code word that the table does not have.
    #[inline(always)]
    pub(crate) fn next(&self, data: &[u8], cursor: &mut Cursor) -> Option<i16> {
        cursor.refill(data);
        let entry = self.entries[(cursor.peek() >> (64 - PEEK)) as usize];
        if entry & PARTIAL as u32 == 0 {
            cursor.skip(u64::from(entry));
            return Some((entry >> 16) as i16);
        }
        let (value, used) = self.resolve(entry, cursor.peek())?;
        cursor.skip(used);
        Some(value)
    }

    /// Value and bits used of a symbol that one probe did not resolve.
    #[inline(never)]
    fn resolve(&self, entry: u32, window: u64) -> Option<(i16, u64)> {
        let (size, length) = match entry & 0x3f {
            0 => {
                let (symbol, length) = self.long.find(window)?;
                (u32::from(symbol), length)
            }
            length => (entry >> 16, length),
        };
        Some((value(window, length, size), u64::from(length + size)))
    }
}

/// Decodes AC coefficients. Fields of an entry, from the lowest bit on:
///
/// | bits | |
/// |---:|---|
/// | 8 | bits that both symbols take, below 64; or [`PARTIAL`] |
/// | 8 | how far the first coefficient lies from the one before: 1 to 16, or [`END`] |
/// | 8 | how far the second lies from the first; 0, and the first one's value again, if there is none |
/// | 8 | bits that the first symbol takes |
/// | 16 | the first one's value; in a partial entry, how many bits it has |
/// | 16 | the second one's value |
pub(crate) struct AcTable {
    made_from: Option<Spec>,
    entries: Box<[u64; SIZE]>,
    long: LongCodes,
}

impl AcTable {
    fn empty() -> Self {
        AcTable {
            made_from: None,
            entries: Box::new([PARTIAL; SIZE]),
            long: LongCodes::EMPTY,
        }
    }

    fn set(&mut self, spec: &Spec, singles: &mut [u64; SIZE]) {
        if self.made_from.as_ref() == Some(spec) {
            return;
        }
        self.long.set(spec);
        let rest = fill(&mut singles[..], spec, |symbol, length| {
            let (advance, size) = split(symbol);
            (size, move |value: Option<i32>| match value {
                Some(value) => single(advance, value, length + size),
                None => u64::from(size) << 32 | advance << 8 | PARTIAL | u64::from(length),
            })
        });
        rest.fill(PARTIAL);
        self.pair(singles);
        self.made_from = Some(spec.clone());
    }

    /// Adds a second coefficient to every entry that has bits left for one.
    fn pair(&mut self, singles: &[u64; SIZE]) {
        self.entries.copy_from_slice(singles);
        let mut at = 0;
        while at < SIZE {
            let first = singles[at];
            if first & (PARTIAL | END << 8) != 0 {
                at += 1;
                continue;
            }
            // All probes that begin with this code word and value, followed by a word of `spare` bits.
            let used = first & 0x3f;
            let spare = PEEK - used as u32;
            let span = 1 << spare;
            if spare >= 2 {
                let first = first & 0x0000_ffff_ff00_ff00 | used;
                for (follows, entry) in self.entries[at..][..span].iter_mut().enumerate() {
                    let second = singles[(follows << used) % SIZE];
                    if second & 0xff <= u64::from(spare) {
                        *entry = (first + (second & 0x3f))
                            | (second & 0xff00) << 8
                            | (second & 0xffff_0000_0000) << 16;
                    }
                }
            }
            at += span;
        }
    }

    /// The index under which to look up the bits of `window`.
    #[inline(always)]
    pub(crate) fn entry(&self, window: u64) -> u64 {
        self.entries[(window >> (64 - PEEK)) as usize]
    }

    /// The entry of a symbol that one probe did not resolve. Takes the window by value, so that the cursor stays in
    /// registers.
    #[inline(never)]
    pub(crate) fn resolve(&self, entry: u64, window: u64) -> u64 {
        let (advance, size, length) = match entry & 0x3f {
            0 => {
                let Some((symbol, length)) = self.long.find(window) else {
                    return single(NO_CODE, 0, 0);
                };
                let (advance, size) = split(symbol);
                (advance, size, length)
            }
            length => (entry >> 8 & 0xff, (entry >> 32) as u32, length as u32),
        };
        let value = value(window, length, size);
        single(advance, i32::from(value), length + size)
    }
}

/// An AC entry of one coefficient.
fn single(advance: u64, value: i32, used: u32) -> u64 {
    let (value, used) = (value as u64 & 0xffff, u64::from(used));
    value << 48 | value << 32 | used << 24 | advance << 8 | used
}

/// The value of `size` bits behind the `length` bits of a code word.
fn value(window: u64, length: u32, size: u32) -> i16 {
    if size == 0 {
        0
    } else {
        extend((window << length >> (64 - size)) as u32, size) as i16
    }
}

/// Advance and number of value bits of an AC symbol (run in the upper, size in the lower half).
fn split(symbol: u8) -> (u64, u32) {
    let (run, size) = (u64::from(symbol >> 4), u32::from(symbol & 15));
    match (run, size) {
        (15, 0) => (16, 0),
        (_, 0) => (END, 0),
        _ => (run + 1, size),
    }
}

/// Fills a probe table from its start with the entries of all code words that fit, and returns the rest.
/// `meaning(symbol, length of the code word)` says how many value bits the symbol has, and makes its entry from a
/// value, or without one if the value bits do not fit.
fn fill<'a, T: Copy, M: Fn(Option<i32>) -> T>(
    entries: &'a mut [T],
    spec: &Spec,
    meaning: impl Fn(u8, u32) -> (u32, M),
) -> &'a mut [T] {
    let mut filled = 0;
    spec.codes(|code, length, symbol| {
        if length > PEEK {
            return;
        }
        let first = ((code << (PEEK - length)) as usize).min(SIZE);
        filled = (first + (1 << (PEEK - length))).min(SIZE);
        let span = &mut entries[first..filled];
        let (size, entry) = meaning(symbol, length);
        match PEEK.checked_sub(length + size) {
            None => span.fill(entry(None)),
            Some(_) if size == 0 => span.fill(entry(Some(0))),
            Some(spare) => {
                for (bits, run) in span.chunks_mut(1 << spare).enumerate() {
                    run.fill(entry(Some(extend(bits as u32, size))));
                }
            }
        }
    });
    &mut entries[filled..]
}
