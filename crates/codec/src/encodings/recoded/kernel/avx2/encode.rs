//! The encoder with eight states in a register. It uses gathers, as the decoder does.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::layout::MOST_LANES;
use super::super::super::model::BITS;
use super::super::super::rans::Phase;
use super::super::super::rans::{Coding, Encoder, SPARE, rounds};
use super::super::super::tables::{CODED, Tables};
use super::NONE;

const _: () = assert!(CODED * 256 == 1 << 15 && SPARE == 8 && size_of::<Coding>() == 4);

/// For each set of eight words, by bits: their bytes in order, at the end.
static LAST: [[u8; 16]; 256] = {
    let mut table = [[NONE; 16]; 256];
    let mut i = 0;
    while i < 256 * 8 {
        let (set, place) = (i / 8, i % 8);
        if set >> place & 1 != 0 {
            let behind = (set as u32 >> place).count_ones() as usize;
            table[set][16 - 2 * behind] = 2 * place as u8;
            table[set][17 - 2 * behind] = 2 * place as u8 + 1;
        }
        i += 1;
    }
    table
};

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn encode(
    tables: &Tables,
    phases: &[Phase<'_>; 3],
    seeds: &[u8],
    words: &mut Vec<u16>,
) -> ([u32; MOST_LANES], usize) {
    let mut encoder = Encoder::new(phases, seeds, words);
    for (contexts, symbols) in rounds(phases, seeds.len() / 2) {
        let eights = contexts.as_chunks::<8>();
        let (symbols, rest) = symbols.as_chunks::<8>();
        encoder.symbols(tables, 8 * symbols.len(), eights.1, rest);
        let eights = eights.0.iter().zip(symbols).enumerate();
        for (i, (contexts, symbols)) in eights.rev() {
            eight(&mut encoder, tables, i, contexts, symbols);
        }
    }
    (encoder.states, encoder.at)
}

/// Encodes the symbols of the `i`th eight lanes.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
fn eight(
    encoder: &mut Encoder<'_>,
    tables: &Tables,
    i: usize,
    contexts: &[u8; 8],
    symbols: &[u8; 8],
) {
    let load = |bytes: &[u8; 8]| _mm_cvtsi64_si128(i64::from_le_bytes(*bytes));
    let places = _mm_unpacklo_epi8(load(symbols), load(contexts));
    let places = _mm_and_si128(places, _mm_set1_epi16(0x7fff));
    // SAFETY: places have fifteen bits, and there are as many codings, of four bytes each.
    let codings = unsafe {
        _mm256_i32gather_epi32::<4>(
            tables.codings().as_ptr().cast(),
            _mm256_cvtepu16_epi32(places),
        )
    };
    let low = _mm256_set1_epi32(0xffff);
    let (frequencies, starts) = (
        _mm256_and_si256(codings, low),
        _mm256_srli_epi32::<16>(codings),
    );
    let Some(states) = encoder.states.as_chunks_mut::<8>().0.get_mut(i) else {
        return;
    };
    let states: *mut __m256i = states.as_mut_ptr().cast();
    // SAFETY: there are eight states.
    let state = unsafe { _mm256_loadu_si256(states) };
    let fits = _mm256_cmpgt_epi32(
        frequencies,
        _mm256_srli_epi32::<{ 32 - BITS as i32 }>(state),
    );
    let words = _mm256_packus_epi32(_mm256_and_si256(state, low), _mm256_setzero_si256());
    let words = _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b10_00>(words));
    let full = !_mm256_movemask_ps(_mm256_castsi256_ps(fits)) as usize & 255;
    if let Some(into) = encoder.next() {
        // SAFETY: a row of the table has 16 bytes, and there is room for eight words.
        unsafe {
            let order = _mm_loadu_si128(LAST[full].as_ptr().cast());
            _mm_storeu_si128(into.as_mut_ptr().cast(), _mm_shuffle_epi8(words, order));
        }
    }
    encoder.at -= full.count_ones() as usize;
    let state = _mm256_blendv_epi8(_mm256_srli_epi32::<16>(state), state, fits);
    let (quotient, remainder) = divided(state, frequencies);
    let next = _mm256_add_epi32(
        _mm256_slli_epi32::<{ BITS as i32 }>(quotient),
        _mm256_add_epi32(remainder, starts),
    );
    // SAFETY: as above.
    unsafe { _mm256_storeu_si256(states, next) };
}

/// States divided by their frequencies: quotients and remainders. Each state is less than 2^22 times its frequency.
///
/// In single precision a quotient of less than 2^22 is off by less than one half. Halving the state drops at most one
/// half, or all of a state that is exact. So the whole part is right or off by one.
#[target_feature(enable = "avx2")]
#[inline]
fn divided(states: __m256i, frequencies: __m256i) -> (__m256i, __m256i) {
    let halves = _mm256_cvtepi32_ps(_mm256_srli_epi32::<1>(states));
    let halves = _mm256_div_ps(halves, _mm256_cvtepi32_ps(frequencies));
    let quotient = _mm256_cvttps_epi32(_mm256_add_ps(halves, halves));
    let remainder = _mm256_sub_epi32(states, _mm256_mullo_epi32(quotient, frequencies));
    let above = _mm256_cmpgt_epi32(_mm256_setzero_si256(), remainder);
    let below = _mm256_cmpgt_epi32(frequencies, remainder);
    // The quotient is too large by one if both are set, too small by one if neither is.
    let step = _mm256_add_epi32(_mm256_add_epi32(above, below), _mm256_set1_epi32(1));
    let remainder = _mm256_add_epi32(remainder, _mm256_and_si256(above, frequencies));
    let remainder = _mm256_sub_epi32(remainder, _mm256_andnot_si256(below, frequencies));
    (_mm256_add_epi32(quotient, step), remainder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encodings::recoded::model::TOTAL;

    #[test]
    fn quotients_are_exact() {
        if !crate::Level::best().has(pixels::Instructions::Avx2Bmi) {
            return eprintln!("not tested: this processor has no AVX2");
        }
        for frequency in 1..=TOTAL as u32 {
            let last = ((u64::from(frequency) << (32 - BITS)) - 1) as u32;
            for around in [0, last / 3, last / 2, last - 7, 1 << 24, 1 << 31] {
                let near = around / frequency * frequency;
                let states: [u32; 8] =
                    std::array::from_fn(|i| near.wrapping_add(i as u32).wrapping_sub(3).min(last));
                // SAFETY: the processor has AVX2, and registers are as large as eight states.
                let (quotients, remainders) = unsafe {
                    let (q, r) = divided(
                        std::mem::transmute::<[u32; 8], __m256i>(states),
                        _mm256_set1_epi32(frequency as i32),
                    );
                    (
                        std::mem::transmute::<__m256i, [u32; 8]>(q),
                        std::mem::transmute::<__m256i, [u32; 8]>(r),
                    )
                };
                assert_eq!(quotients, states.map(|state| state / frequency));
                assert_eq!(remainders, states.map(|state| state % frequency));
            }
        }
    }
}
