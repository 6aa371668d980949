//! Decoding the symbols of a unit: sixteen states of rANS in a register.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::model::{BITS, TOTAL};
use super::super::super::rans::LOWEST;
use super::super::Coder;

/// See [`super::super::Coder::decode`].
///
/// # Safety
/// `contexts` and `symbols` must hold [`SLACK`](super::super::SLACK) more than `count`; the coder's words, from
/// where it is, two bytes for each and as many more.
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(in super::super) unsafe fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    // SAFETY: the caller vouches for the same.
    unsafe {
        match coder.lanes / 16 {
            1 => rounds::<1>(coder, contexts, symbols, count),
            2 => rounds::<2>(coder, contexts, symbols, count),
            3 => rounds::<3>(coder, contexts, symbols, count),
            _ => rounds::<4>(coder, contexts, symbols, count),
        }
    }
}

/// Decodes in rounds of `VECTORS` x 16 lanes.
///
/// # Safety
/// That of [`symbols`].
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
#[inline]
unsafe fn rounds<const VECTORS: usize>(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let Coder {
        lookup,
        states,
        words,
        at,
        ..
    } = coder;
    let entries = lookup.entries().as_ptr();
    let mut x: [__m512i; VECTORS] = std::array::from_fn(|v| load!(states.0, v * 16));
    let mut word = words.as_ptr().wrapping_add(*at);
    let step = |x: __m512i, i: usize, symbols: &mut [u8]| {
        // SAFETY: i is below `count`, and there are 16 more of each; a context is a byte, and there are entries
        // for all bytes.
        unsafe {
            let context = _mm512_cvtepu8_epi32(_mm_loadu_si128(contexts.as_ptr().add(i).cast()));
            let low = _mm512_and_si512(x, _mm512_set1_epi32(TOTAL as i32 - 1));
            let index = _mm512_or_si512(_mm512_slli_epi32::<BITS>(context), low);
            let entry = _mm512_i32gather_epi32::<4>(index, entries.cast());
            let symbol = _mm512_cvtepi32_epi8(entry);
            _mm_storeu_si128(symbols.as_mut_ptr().add(i).cast(), symbol);
            let frequency =
                _mm512_and_si512(_mm512_srli_epi32::<8>(entry), _mm512_set1_epi32(0xfff));
            let high = _mm512_mullo_epi32(_mm512_srli_epi32::<BITS>(x), frequency);
            _mm512_add_epi32(high, _mm512_srli_epi32::<20>(entry))
        }
    };
    let refill = |x: __m512i, active: __mmask16, word: &mut *const u8| {
        let low = _mm512_mask_cmplt_epu32_mask(active, x, _mm512_set1_epi32(LOWEST as i32));
        // SAFETY: each symbol so far took one word at most, and there are 32 bytes more.
        let next = unsafe { _mm512_cvtepu16_epi32(_mm256_loadu_si256((*word).cast())) };
        *word = word.wrapping_add(2 * low.count_ones() as usize);
        let next = _mm512_maskz_expand_epi32(low, next);
        _mm512_mask_or_epi32(x, low, _mm512_slli_epi32::<16>(x), next)
    };
    let mut i = 0;
    while i + VECTORS * 16 <= count {
        for (v, x) in x.iter_mut().enumerate() {
            *x = step(*x, i + v * 16, symbols);
        }
        for x in &mut x {
            *x = refill(*x, 0xffff, &mut word);
        }
        i += VECTORS * 16;
    }
    for x in &mut x {
        if i >= count {
            break;
        }
        let active = ((1u32 << (count - i).min(16)) - 1) as __mmask16;
        let next = _mm512_mask_mov_epi32(*x, active, step(*x, i, symbols));
        *x = refill(next, active, &mut word);
        i += 16;
    }
    for (v, x) in x.into_iter().enumerate() {
        store!(states.0, v * 16, x);
    }
    word as usize - words.as_ptr() as usize
}
