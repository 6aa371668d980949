//! Decodes the entropy code of one unit.
//!
//! ```text
//! u16 words, of which the two highest bits say lanes / 16 - 1 | u16 AC bytes
//! u32 state a lane | u16 words | DC bits | AC bits | escapes
//! ```
//! Safe on any input by construction: every buffer holds the most that any bytes can decode to, and each
//! phase is checked against the bytes there are before, not within, its loop.

use super::bits;
use super::error::RecodeError;
use super::kernel::{self, Coder, Decoded, Kernel, SLACK};
use super::layout::{
    MOST_AC, MOST_BLOCKS, MOST_DC, MOST_LANES, MOST_MASKS, MOST_SYMBOLS, MOST_VALUES, Shape,
};
use super::tables::Tables;
use crate::Level;
use crate::jpeg::group::{BLOCKS, Group};

const HEAD: usize = 4;
/// Bytes of the shortest unit.
pub(super) const SHORTEST: usize = HEAD + 16 * 4;
/// The bits of a unit's first word that count words.
const WORDS: usize = 0x3fff;
/// A unit has one lane for this many symbols, rounded down to a multiple of 16. More lanes decode faster; each costs
/// two bytes.
const SYMBOLS_A_LANE: usize = 80;
/// The most bytes of renormalisation words, at one word per symbol.
const MOST_WORDS: usize = 2 * (MOST_BLOCKS + MOST_MASKS + MOST_SYMBOLS);

const SHORT: RecodeError = RecodeError::Corrupt("a unit is cut short");
const LONG: RecodeError = RecodeError::Corrupt("a unit's symbols do not end with its bytes");

/// How many lanes to spread the symbols of a unit over.
pub(super) fn lanes(symbols: usize) -> usize {
    (symbols / SYMBOLS_A_LANE / 16 * 16).clamp(16, MOST_LANES)
}

/// The first bytes of a unit. `None` if it has more than any unit can have.
pub(super) fn head(words: usize, lanes: usize, ac: usize) -> Option<[u8; HEAD]> {
    let words = u16::try_from(words | (lanes / 16 - 1) << 14)
        .ok()
        .filter(|_| words <= WORDS)?;
    let ([w0, w1], [a0, a1]) = (words.to_le_bytes(), u16::try_from(ac).ok()?.to_le_bytes());
    Some([w0, w1, a0, a1])
}

/// Decodes units, one after another, in buffers that it keeps. About 70 KiB; one per thread.
pub(super) struct UnitDecoder {
    kernel: Kernel,
    scratch: Box<Scratch>,
}

/// What is known of a unit, phase by phase. Kernels may also read and overwrite the [`SLACK`] elements behind an array
/// that has room for them.
pub(super) struct Scratch {
    contexts: [u8; MOST_SYMBOLS + SLACK],
    blocks: [u8; MOST_BLOCKS + SLACK],
    mask_bytes: [u8; MOST_MASKS + SLACK],
    pairs: [u8; MOST_SYMBOLS + SLACK],
    /// Mask bytes of each block.
    reach: [u8; MOST_BLOCKS + SLACK],
    /// Which AC coefficients of each block are nonzero, by zigzag position.
    masks: [u64; MOST_BLOCKS + SLACK],
    /// Where in `values` each block's start.
    first: [u16; MOST_BLOCKS + SLACK],
    values: [i8; MOST_VALUES + SLACK],
    dc: [i16; MOST_BLOCKS + SLACK],
    /// Which values are escapes, ascending.
    escapes: [u16; MOST_VALUES + 1],
    escape_count: usize,
    /// How many of them have been matched to their block.
    escapes_placed: usize,
    escape_values: [i16; MOST_VALUES],
    ac_bits: [u8; MOST_AC + 2 * MOST_LANES + SLACK],
    dc_bits: [u8; MOST_DC + SLACK],
    /// The words of a unit that lies too near the end of its record to be read in place.
    words: [u8; MOST_WORDS + SLACK],
}

impl UnitDecoder {
    pub(super) fn new(level: Level) -> Self {
        UnitDecoder {
            kernel: Kernel::of(level),
            scratch: Box::new(Scratch::ZERO),
        }
    }

    /// Decodes the unit in the first `length` of `bytes`, as far as its first `wanted` blocks need.
    pub(super) fn decode(
        &mut self,
        tables: &Tables,
        shape: &Shape,
        bytes: &[u8],
        length: usize,
        wanted: usize,
    ) -> Result<(), RecodeError> {
        let kernel = self.kernel;
        let parts = Parts::split(bytes, length)?;
        let lanes = parts.lanes;
        let s = &mut *self.scratch;
        let window = match bytes.get(parts.words_at..parts.words_at + MOST_WORDS + SLACK) {
            Some(window) => window,
            None => {
                let near_end = s.words.get_mut(..parts.words).ok_or(LONG)?;
                near_end.copy_from_slice(&bytes[parts.words_at..][..parts.words]);
                &s.words
            }
        };
        let mut coder = Coder::new(tables.lookup(), kernel, parts.states, window);

        kernel::block_contexts(shape, &mut s.contexts);
        coder.decode(&s.contexts, &mut s.blocks, 0..shape.blocks)?;
        s.blocks[shape.blocks..][..SLACK].fill(0);
        let model = tables.contexts();
        let masks = kernel::mask_contexts(
            kernel,
            model,
            shape,
            &s.blocks,
            &mut s.reach,
            &mut s.contexts,
        );
        coder.decode(&s.contexts, &mut s.mask_bytes, 0..masks)?;
        kernel::masks(kernel, shape, &s.reach, &s.mask_bytes, &mut s.masks);
        let all = kernel::pair_contexts(
            kernel,
            model,
            shape,
            &s.masks,
            &mut s.first,
            &mut s.contexts,
        );

        s.dc_bits[..parts.dc_and_rest.len().min(MOST_DC)]
            .copy_from_slice(&parts.dc_and_rest[..parts.dc_and_rest.len().min(MOST_DC)]);
        let used = kernel::dc(kernel, shape, &s.blocks, &s.reach, &s.dc_bits, &mut s.dc);
        let rest = parts.dc_and_rest.get(used.div_ceil(8)..).ok_or(LONG)?;
        let (ac, escapes) = rest.split_at_checked(parts.ac).ok_or(SHORT)?;
        s.ac_bits[..ac.len()].copy_from_slice(ac);
        // Rounded up to a round of lanes, so that decoding can go on from there.
        let needed = usize::from(s.first[wanted.min(shape.blocks)]) / 2;
        let (mut decoded, mut until) = (0, needed.next_multiple_of(lanes).min(all));
        loop {
            coder.decode(&s.contexts, &mut s.pairs, decoded..until)?;
            decoded = until;
            s.pairs[decoded..][..SLACK].fill(0);
            let mut available = ac.len();
            if decoded == all {
                let seeds = coder.seeds(parts.words).ok_or(LONG)?;
                s.ac_bits[available..][..2 * lanes].copy_from_slice(&seeds[..2 * lanes]);
                available += 2 * lanes;
            } else if coder.read() > parts.words {
                return Err(LONG);
            }
            let ac_bits = &s.ac_bits;
            let (used, escapes) = kernel::values(
                kernel,
                &s.pairs,
                decoded,
                ac_bits,
                &mut s.values,
                &mut s.escapes,
            );
            s.escape_count = escapes;
            if used <= 8 * available {
                break;
            }
            // The wanted bits reach into those that the final states hold.
            if decoded == all {
                return Err(LONG);
            }
            until = all;
        }
        let mut read = 0;
        for value in &mut s.escape_values[..s.escape_count] {
            *value = bits::beside(escapes, &mut read);
        }
        let bytes = read.div_ceil(8);
        if bytes > escapes.len() || decoded == all && bytes < escapes.len() {
            return Err(LONG);
        }
        s.escapes[s.escape_count] = u16::MAX;
        s.escapes_placed = 0;
        Ok(())
    }

    /// Lays out up to four neighbouring blocks for the inverse DCT, from block `first` on. Ask for groups in ascending
    /// order; some may be skipped.
    #[inline]
    pub(super) fn group(&mut self, first: usize, count: usize, group: &mut Group) {
        let s = &mut *self.scratch;
        let unit = Decoded {
            masks: &s.masks,
            first: &s.first,
            values: &s.values,
            dc: &s.dc,
        };
        kernel::place(self.kernel, &unit, first, count, group);
        let end = s.first[first + count];
        while s.escapes[s.escapes_placed] < s.first[first] {
            s.escapes_placed += 1;
        }
        while s.escapes[s.escapes_placed] < end {
            let at = s.escapes[s.escapes_placed];
            let lane = (1..count)
                .take_while(|lane| s.first[first + lane] <= at)
                .count();
            let nth = u32::from(at - s.first[first + lane]);
            let k = nth_one(s.masks[first + lane], nth);
            group.set(lane, k, s.escape_values[s.escapes_placed]);
            s.escapes_placed += 1;
        }
    }

    /// The DC of up to four neighbouring blocks, if they have nothing else.
    #[inline]
    pub(super) fn flat(&self, first: usize, count: usize) -> Option<[i16; BLOCKS]> {
        let s = &*self.scratch;
        let masks = &s.masks[first..first + count];
        let empty = masks.iter().fold(0, |all, mask| all | mask) == 0;
        empty.then(|| {
            let mut dc = [0; BLOCKS];
            dc[..count].copy_from_slice(&s.dc[first..first + count]);
            dc
        })
    }

    /// Replaces blocks, from block `first` on, with their coefficients in zigzag order. The same rules as for a group
    /// apply.
    pub(super) fn blocks(&mut self, first: usize, into: &mut [[i16; 64]]) {
        let s = &mut *self.scratch;
        let unit = Decoded {
            masks: &s.masks,
            first: &s.first,
            values: &s.values,
            dc: &s.dc,
        };
        kernel::blocks_of(self.kernel, &unit, first, into);
        for (number, block) in (first..).zip(into) {
            let (start, end) = (s.first[number], s.first[number + 1]);
            while s.escapes[s.escapes_placed] < start {
                s.escapes_placed += 1;
            }
            while s.escapes[s.escapes_placed] < end {
                let nth = u32::from(s.escapes[s.escapes_placed] - start);
                let k = nth_one(s.masks[number], nth);
                block[(k & 63) as usize] = s.escape_values[s.escapes_placed];
                s.escapes_placed += 1;
            }
        }
    }
}

/// The position of the `nth` (from 0) one of `mask`; 64 if there are not as many.
fn nth_one(mut mask: u64, nth: u32) -> u32 {
    for _ in 0..nth {
        mask &= mask.wrapping_sub(1);
    }
    mask.trailing_zeros()
}

/// Where the parts of a unit are.
struct Parts<'a> {
    lanes: usize,
    states: &'a [u8],
    words_at: usize,
    /// Bytes of words.
    words: usize,
    /// Bytes of AC bits.
    ac: usize,
    dc_and_rest: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(bytes: &'a [u8], length: usize) -> Result<Self, RecodeError> {
        let unit = bytes.get(..length).ok_or(SHORT)?;
        let (&[w0, w1, a0, a1], rest) = unit.split_first_chunk::<HEAD>().ok_or(SHORT)?;
        let head = usize::from(u16::from_le_bytes([w0, w1]));
        let (lanes, words) = (((head >> 14) + 1) * 16, (head & WORDS) * 2);
        let ac = usize::from(u16::from_le_bytes([a0, a1]));
        let (states, rest) = rest.split_at_checked(4 * lanes).ok_or(SHORT)?;
        let (_, dc_and_rest) = rest.split_at_checked(words).ok_or(SHORT)?;
        if words > MOST_WORDS || ac > MOST_AC {
            return Err(LONG);
        }
        Ok(Parts {
            lanes,
            states,
            words_at: HEAD + 4 * lanes,
            words,
            ac,
            dc_and_rest,
        })
    }
}

impl Scratch {
    const ZERO: Scratch = Scratch {
        contexts: [0; _],
        blocks: [0; _],
        mask_bytes: [0; _],
        pairs: [0; _],
        reach: [0; _],
        masks: [0; _],
        first: [0; _],
        values: [0; _],
        dc: [0; _],
        escapes: [0; _],
        escape_count: 0,
        escapes_placed: 0,
        escape_values: [0; _],
        ac_bits: [0; _],
        dc_bits: [0; _],
        words: [0; _],
    };
}
