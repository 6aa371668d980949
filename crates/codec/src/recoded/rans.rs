//! The encoder of interleaved range asymmetric numeral systems (Duda 2013).
//!
//! The symbol `i` of a phase belongs to lane `i % lanes`. States lie in `2^16 .. 2^32` and are
//! refilled by 16 bits, at most once a symbol. An encoder works backwards: last symbol first.

use super::layout::MOST_LANES;
use super::model::{BITS, TOTAL};
use super::symbols::Phase;
use super::tables::Tables;

/// The lower bound of states; what a decoder finds below it, it refills.
pub(super) const LOWEST: u32 = 1 << 16;

/// What encoding a symbol in its context takes: its share of the [`TOTAL`], and a division turned into a
/// multiplication.
#[derive(Clone, Copy)]
pub(super) struct Coding {
    /// `2^REACH` divided by the frequency, rounded up.
    reciprocal: u64,
    frequency: u16,
    start: u16,
}

/// A state before it is divided is below `frequency << (32 - BITS)`. A reciprocal is too large by less than one,
/// so a product by less than the state, and the quotient is right if the state times the frequency is at most
/// `2^REACH`. The product fits in 64 bits.
const REACH: u32 = 32 - BITS + 2 * BITS;

impl Coding {
    /// Of a symbol that cannot occur, and is coded as if it could.
    pub(super) const NONE: Coding = Coding {
        reciprocal: 1 << REACH,
        frequency: 1,
        start: 0,
    };

    /// Of a symbol with the interval of `frequency`, from 1 to [`TOTAL`], from `start` on.
    pub(super) fn of(frequency: u16, start: u16) -> Self {
        Coding {
            reciprocal: (1u64 << REACH).div_ceil(u64::from(frequency.max(1))),
            frequency,
            start,
        }
    }

    /// Whether a word has to go before this symbol fits into a state.
    #[inline(always)]
    fn is_too_much(self, state: u32) -> bool {
        state >> (32 - BITS) >= u32::from(self.frequency)
    }

    /// The state that decodes to this symbol and then to `state`.
    #[inline(always)]
    fn into(self, state: u32) -> u32 {
        let quotient = ((u64::from(state) * self.reciprocal) >> REACH) as u32;
        state + quotient * (TOTAL as u32 - u32::from(self.frequency)) + u32::from(self.start)
    }
}

/// Encodes the phases so that they decode in the given order; to be called through
/// [`super::kernel::encode`]. The lanes start with the bytes
/// of `seeds`, two each, which a decoder finds in its final states. Replaces `words` by what the
/// decoder reads, and gives the states that it starts with.
#[inline(always)]
pub(super) fn encode(
    tables: &Tables,
    phases: &[Phase<'_>],
    seeds: &[u8],
    words: &mut Vec<u16>,
) -> [u32; MOST_LANES] {
    let mut states = [0; MOST_LANES];
    for (state, seed) in states.iter_mut().zip(seeds.chunks_exact(2)) {
        *state = LOWEST | u32::from(u16::from_le_bytes([seed[0], seed[1]]));
    }
    let lanes = seeds.len() / 2;
    // From the end on: a word a symbol at most.
    let mut at = phases.iter().map(|phase| phase.symbols.len()).sum();
    words.clear();
    words.resize(at, 0);
    for phase in phases.iter().rev() {
        let contexts = phase.contexts.chunks(lanes);
        for (contexts, symbols) in contexts.zip(phase.symbols.chunks(lanes)).rev() {
            let coded = contexts.iter().zip(symbols).zip(&mut states);
            for ((&context, &symbol), state) in coded.rev() {
                let coding = tables.coding(context, symbol);
                let full = coding.is_too_much(*state);
                // Which it is can hardly be predicted: it is written in any case, and counts if it is one.
                words[at - 1] = *state as u16;
                at -= usize::from(full);
                *state = coding.into(if full { *state >> 16 } else { *state });
            }
        }
    }
    words.drain(..at);
    states
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
