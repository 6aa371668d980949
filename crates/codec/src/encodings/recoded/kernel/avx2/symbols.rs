//! Interleaved rANS, eight lanes a register: a gather for the look-ups, a shuffle for the words.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::model::{BITS, TOTAL};
use super::super::{Coder, States};
use super::APART;

/// See [`Coder::decode`].
///
/// # Safety
/// `contexts` and `symbols` must hold [`SLACK`](super::super::SLACK) more than `count`; the coder's words, from
/// where it is, two bytes for each and as many more.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) unsafe fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    // SAFETY: the caller vouches for the same.
    unsafe {
        match coder.lanes / 16 {
            1 => rounds::<2>(coder, contexts, symbols, count),
            2 => rounds::<4>(coder, contexts, symbols, count),
            3 => rounds::<6>(coder, contexts, symbols, count),
            _ => rounds::<8>(coder, contexts, symbols, count),
        }
    }
}

/// Decodes in rounds of `VECTORS` x 8 lanes.
///
/// # Safety
/// That of [`symbols`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
unsafe fn rounds<const VECTORS: usize>(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let Coder {
        lookup,
        states: States(states),
        words,
        at,
        ..
    } = coder;
    let entries = lookup.entries().as_ptr();
    // SAFETY: there are 64 states, VECTORS is 8 at most.
    let mut x: [__m256i; VECTORS] =
        std::array::from_fn(|v| unsafe { _mm256_loadu_si256(states.as_ptr().add(v * 8).cast()) });
    let mut word = words.as_ptr().wrapping_add(*at);
    let step = |x: __m256i, i: usize, symbols: &mut [u8]| {
        // SAFETY: i is below `count`, and there are 8 more of each; a context is a byte, and there are entries
        // for all bytes.
        unsafe {
            let context = _mm256_cvtepu8_epi32(_mm_loadl_epi64(contexts.as_ptr().add(i).cast()));
            let low = _mm256_and_si256(x, _mm256_set1_epi32(TOTAL as i32 - 1));
            let index = _mm256_or_si256(_mm256_slli_epi32::<{ BITS as i32 }>(context), low);
            let entry = _mm256_i32gather_epi32::<4>(entries.cast(), index);
            let bytes = _mm256_shuffle_epi8(
                entry,
                _mm256_broadcastsi128_si256(_mm_setr_epi8(
                    0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                )),
            );
            let bytes = _mm_unpacklo_epi32(
                _mm256_castsi256_si128(bytes),
                _mm256_extracti128_si256::<1>(bytes),
            );
            _mm_storel_epi64(symbols.as_mut_ptr().add(i).cast(), bytes);
            let frequency =
                _mm256_and_si256(_mm256_srli_epi32::<8>(entry), _mm256_set1_epi32(0xfff));
            let high = _mm256_mullo_epi32(_mm256_srli_epi32::<{ BITS as i32 }>(x), frequency);
            _mm256_add_epi32(high, _mm256_srli_epi32::<20>(entry))
        }
    };
    // `idle` lanes, all ones, take no word.
    let refill = |x: __m256i, idle: __m256i, word: &mut *const u8| {
        let high = _mm256_or_si256(_mm256_srli_epi32::<16>(x), idle);
        let low = _mm256_cmpeq_epi32(high, _mm256_setzero_si256());
        let mask = _mm256_movemask_ps(_mm256_castsi256_ps(low)) as usize & 255;
        // SAFETY: each symbol so far took one word at most, and there are 16 bytes more; a row of the table has
        // eight bytes.
        let (next, order) = unsafe {
            (
                _mm256_cvtepu16_epi32(_mm_loadu_si128((*word).cast())),
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(APART[mask].as_ptr().cast())),
            )
        };
        *word = word.wrapping_add(2 * mask.count_ones() as usize);
        let refilled = _mm256_or_si256(
            _mm256_slli_epi32::<16>(x),
            _mm256_permutevar8x32_epi32(next, order),
        );
        _mm256_blendv_epi8(x, refilled, low)
    };
    let none = _mm256_setzero_si256();
    let mut i = 0;
    while i + VECTORS * 8 <= count {
        for (v, x) in x.iter_mut().enumerate() {
            *x = step(*x, i + v * 8, symbols);
        }
        for x in &mut x {
            *x = refill(*x, none, &mut word);
        }
        i += VECTORS * 8;
    }
    for x in &mut x {
        if i >= count {
            break;
        }
        let left = _mm256_set1_epi32((count - i).min(8) as i32);
        let active = _mm256_cmpgt_epi32(left, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        let next = _mm256_blendv_epi8(*x, step(*x, i, symbols), active);
        let idle = _mm256_xor_si256(active, _mm256_set1_epi32(-1));
        *x = refill(next, idle, &mut word);
        i += 8;
    }
    for (v, x) in x.into_iter().enumerate() {
        // SAFETY: as for the load.
        unsafe { _mm256_storeu_si256(states.as_mut_ptr().add(v * 8).cast(), x) };
    }
    word as usize - words.as_ptr() as usize
}
