//! The encoder of interleaved range asymmetric numeral systems (Duda 2013).
//!
//! Symbol `i` of a phase belongs to lane `i % lanes`. States lie in `2^16 .. 2^32` and are refilled by 16 bits, at most
//! once per symbol. An encoder works backwards: last symbol first.

use super::layout::MOST_LANES;
use super::model::{BITS, TOTAL};
use super::tables::Tables;

/// The lower bound of states. A decoder refills any state below it.
pub(super) const LOWEST: u32 = 1 << 16;

/// The symbols of a phase and their contexts, in the order in which a decoder needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase<'a> {
    pub(super) contexts: &'a [u8],
    pub(super) symbols: &'a [u8],
}

/// What it takes to encode a symbol in its context: the frequency in the lower half, the start of its share of the
/// [`TOTAL`] in the upper half.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Coding(u32);

/// By frequency: `2^REACH` divided by it, rounded up. No symbol has the frequency 0; its entry is that of 1.
///
/// Before the division, a state is below `frequency << (32 - BITS)`. A reciprocal is too large by less than one, so a
/// product is too large by less than the state. The quotient is right if the state times the frequency is at most
/// `2^REACH`. The product fits in 64 bits.
static RECIPROCALS: [u64; TOTAL + 1] = {
    let mut reciprocals = [1 << REACH; TOTAL + 1];
    let mut frequency = 2;
    while frequency <= TOTAL {
        reciprocals[frequency] = (1u64 << REACH).div_ceil(frequency as u64);
        frequency += 1;
    }
    reciprocals
};
const REACH: u32 = 32 - BITS + 2 * BITS;

impl Coding {
    /// The coding of a symbol that cannot occur. It is coded as if it could.
    pub(super) const NONE: Coding = Coding(1);

    /// The coding of a symbol with the interval of `frequency`, up to [`TOTAL`], from `start` on. A frequency of 0
    /// cannot be coded.
    pub(super) fn of(frequency: u16, start: u16) -> Self {
        Coding(u32::from(start) << 16 | u32::from(frequency))
    }

    #[inline(always)]
    pub(super) fn frequency(self) -> u32 {
        self.0 & 0xffff
    }

    /// Whether a word must be written before this symbol fits into a state.
    #[inline(always)]
    fn is_too_much(self, state: u32) -> bool {
        state >> (32 - BITS) >= self.frequency()
    }

    /// The state that decodes to this symbol and then to `state`.
    #[inline(always)]
    fn into(self, state: u32) -> u32 {
        let frequency = self.frequency();
        let reciprocal = RECIPROCALS[(frequency as usize).min(TOTAL)];
        let quotient = ((u64::from(state) * reciprocal) >> REACH) as u32;
        state + quotient * (TOTAL as u32 - frequency) + (self.0 >> 16)
    }
}

/// The states of a working encoder, and the words that it has written, last first.
pub(super) struct Encoder<'a> {
    pub(super) states: [u32; MOST_LANES],
    /// Room for one word per symbol, and for [`SPARE`] more in front.
    words: &'a mut Vec<u16>,
    /// Where in `words` the decoder will start.
    pub(super) at: usize,
}

/// How many words a kernel may write at once; only the last ones count.
pub(super) const SPARE: usize = 8;

impl<'a> Encoder<'a> {
    /// An encoder of the phases. The lanes start with the bytes of `seeds`, two each, which a decoder finds in its
    /// final states.
    #[inline(always)]
    pub(super) fn new(phases: &[Phase<'_>], seeds: &[u8], words: &'a mut Vec<u16>) -> Self {
        let mut states = [0; MOST_LANES];
        for (state, seed) in states.iter_mut().zip(seeds.chunks_exact(2)) {
            *state = LOWEST | u32::from(u16::from_le_bytes([seed[0], seed[1]]));
        }
        let most = phases
            .iter()
            .map(|phase| phase.symbols.len())
            .sum::<usize>()
            + SPARE;
        if words.len() < most {
            words.resize(most, 0);
        }
        Encoder {
            states,
            at: words.len(),
            words,
        }
    }

    /// Encodes the symbols of lanes from `first` on, the last one first.
    #[inline(always)]
    pub(super) fn symbols(
        &mut self,
        tables: &Tables,
        first: usize,
        contexts: &[u8],
        symbols: &[u8],
    ) {
        let coded = contexts.iter().zip(symbols).zip(&mut self.states[first..]);
        for ((&context, &symbol), state) in coded.rev() {
            let coding = tables.coding(context, symbol);
            let full = coding.is_too_much(*state);
            // Whether a word is needed can hardly be predicted. So it is always written, and counts only if it is
            // needed.
            self.words[self.at - 1] = *state as u16;
            self.at -= usize::from(full);
            *state = coding.into(if full { *state >> 16 } else { *state });
        }
    }

    #[cfg(target_arch = "x86_64")]
    /// Where the next words go; the last word is the first of these.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<&mut [u16; SPARE]> {
        self.words.get_mut(..self.at)?.last_chunk_mut()
    }
}

/// Encodes the phases so that they decode in the given order. Call it through [`super::kernel::encode`]. Returns the
/// states that a decoder starts with, and where it starts in `words`.
#[inline(always)]
pub(super) fn encode(
    tables: &Tables,
    phases: &[Phase<'_>; 3],
    seeds: &[u8],
    words: &mut Vec<u16>,
) -> ([u32; MOST_LANES], usize) {
    let mut encoder = Encoder::new(phases, seeds, words);
    for (contexts, symbols) in rounds(phases, seeds.len() / 2) {
        encoder.symbols(tables, 0, contexts, symbols);
    }
    (encoder.states, encoder.at)
}

/// Contexts and symbols of one round of lanes after another, starting with the last.
#[inline(always)]
pub(super) fn rounds<'a>(
    phases: &'a [Phase<'a>; 3],
    lanes: usize,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    phases.iter().rev().flat_map(move |phase| {
        let contexts = phase.contexts.chunks(lanes);
        contexts.zip(phase.symbols.chunks(lanes)).rev()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplication_divides() {
        for frequency in 1..=TOTAL as u16 {
            let coding = Coding::of(frequency, 0);
            let f = u32::from(frequency);
            let last = (u64::from(f) << (32 - BITS)) - 1;
            let middle = last / 2 / u64::from(f) * u64::from(f);
            for state in [
                0,
                1,
                u64::from(f) - 1,
                u64::from(f),
                middle - 1,
                middle,
                last - u64::from(f),
                last - 1,
                last,
            ] {
                let state = state as u32;
                assert!(!coding.is_too_much(state));
                let expected = ((state / f) << BITS) + state % f;
                assert_eq!(coding.into(state), expected, "{state} in {frequency}");
            }
        }
    }
}
