//! The encoder of interleaved range asymmetric numeral systems (Duda 2013).
//!
//! The symbol `i` of a phase belongs to lane `i % lanes`. States lie in `2^16 .. 2^32` and are
//! refilled by 16 bits, at most once a symbol. An encoder works backwards: last symbol first.

use super::layout::MOST_LANES;
use super::model::BITS;
use super::symbols::Coded;
use super::tables::Tables;

/// The lower bound of states; what a decoder finds below it, it refills.
pub(super) const LOWEST: u32 = 1 << 16;

/// Encodes the phases so that they decode in the given order. The lanes start with the bytes
/// of `seeds`, two each, which a decoder finds in its final states. Appends to `words` what the
/// decoder reads, and gives the states that it starts with.
pub(super) fn encode(
    tables: &Tables,
    phases: &[&[Coded]],
    seeds: &[u8],
    words: &mut Vec<u16>,
) -> [u32; MOST_LANES] {
    let mut states = [0; MOST_LANES];
    for (state, seed) in states.iter_mut().zip(seeds.chunks_exact(2)) {
        *state = LOWEST | u32::from(u16::from_le_bytes([seed[0], seed[1]]));
    }
    let lanes = seeds.len() / 2;
    let first = words.len();
    for phase in phases.iter().rev() {
        for (i, &(context, symbol)) in phase.iter().enumerate().rev() {
            let state = &mut states[i % lanes];
            let frequencies = tables.frequencies(context);
            // A symbol that cannot occur has no frequency; there are none of those.
            let frequency = u32::from(frequencies.frequency[usize::from(symbol)]).max(1);
            if *state >> (32 - BITS) >= frequency {
                words.push(*state as u16);
                *state >>= 16;
            }
            let start = u32::from(frequencies.start[usize::from(symbol)]);
            *state = ((*state / frequency) << BITS) + *state % frequency + start;
        }
    }
    words[first..].reverse();
    states
}
