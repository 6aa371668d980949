//! From how far blocks reach to their mask bytes, from mask bytes to masks, and from masks to contexts of pairs.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::contexts::Contexts;
use super::super::super::layout::Shape;
use super::super::super::model::MASK_BYTES;
use super::super::scalar;
use super::super::{Blocks, Masks, Symbols};
use super::{APART, TOGETHER, both};

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn mask_contexts(
    model: &Contexts,
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &mut Blocks<u8>,
    contexts: &mut Symbols,
) -> usize {
    for (reach, symbols) in reach.chunks_exact_mut(32).zip(blocks.chunks_exact(32)) {
        // SAFETY: both have 32 bytes.
        unsafe {
            let symbols = _mm256_loadu_si256(symbols.as_ptr().cast());
            _mm256_storeu_si256(reach.as_mut_ptr().cast(), twelfths(symbols));
        }
    }
    let mut count = 0;
    for position in 0..MASK_BYTES as u8 {
        let before = count;
        let [of_luma, of_chroma] = [false, true].map(|chroma| {
            let row = model.mask_row(chroma, position.into());
            // SAFETY: a row has sixteen bytes, and lies at a multiple of that.
            unsafe { _mm_load_si128(row.0.as_ptr().cast()) }
        });
        for i in (0..shape.blocks).step_by(16) {
            // Bits 0 to 15: the sixteen blocks' chroma.
            let chroma = (shape.chroma[i / 64] >> (i % 64)) as i16;
            let bits = _mm_set_epi64x(
                0x8040_2010_0804_0201_u64 as i64,
                0x8040_2010_0804_0201_u64 as i64,
            );
            let halves = _mm_set_epi64x(0x0101_0101_0101_0101, 0);
            let chroma = _mm_shuffle_epi8(_mm_set1_epi16(chroma), halves);
            let chroma = _mm_cmpeq_epi8(_mm_and_si128(chroma, bits), bits);
            // SAFETY: `i` is below MOST_BLOCKS, a multiple of 16; `count` is the number of mask bytes so far, of
            // which there are MOST_MASKS at most, and the array has room for `SLACK` more than MOST_SYMBOLS.
            unsafe {
                let reach = _mm_loadu_si128(reach.as_ptr().add(i).cast());
                let active = _mm_cmpgt_epi8(reach, _mm_set1_epi8(position as i8));
                let context = _mm_blendv_epi8(
                    _mm_shuffle_epi8(of_luma, reach),
                    _mm_shuffle_epi8(of_chroma, reach),
                    chroma,
                );
                let active = _mm_movemask_epi8(active) as usize;
                let context = _mm_shuffle_epi8(context, both(&TOGETHER, active));
                let into = contexts.as_mut_ptr();
                _mm_storel_epi64(into.add(count).cast(), context);
                let first = (active & 255).count_ones() as usize;
                _mm_storel_epi64(
                    into.add(count + first).cast(),
                    _mm_unpackhi_epi64(context, context),
                );
                count += active.count_ones() as usize;
            }
        }
        if count == before {
            break;
        }
    }
    count
}

/// A twelfth of each byte below 128, rounded down and at most [`MASK_BYTES`]; the tables have no larger symbols.
#[target_feature(enable = "avx2")]
#[inline]
fn twelfths(symbols: __m256i) -> __m256i {
    // x / 12 = x * 43 >> 9 for x < 128.
    let twelfth = |wide| _mm256_srli_epi16::<9>(_mm256_mullo_epi16(wide, _mm256_set1_epi16(43)));
    let zero = _mm256_setzero_si256();
    let low = twelfth(_mm256_unpacklo_epi8(symbols, zero));
    let high = twelfth(_mm256_unpackhi_epi8(symbols, zero));
    _mm256_min_epu8(
        _mm256_packus_epi16(low, high),
        _mm256_set1_epi8(MASK_BYTES as i8),
    )
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn masks(
    shape: &Shape,
    reach: &Blocks<u8>,
    bytes: &Masks,
    masks: &mut Blocks<u64>,
) {
    let mut at = starts(shape, reach);
    for i in (0..shape.blocks).step_by(16) {
        // SAFETY: `i` is below MOST_BLOCKS, a multiple of 16.
        let reach = unsafe { _mm_loadu_si128(reach.as_ptr().add(i).cast()) };
        let rows: [__m128i; MASK_BYTES] = std::array::from_fn(|position| {
            let active = _mm_cmpgt_epi8(reach, _mm_set1_epi8(position as i8));
            let active = _mm_movemask_epi8(active) as usize;
            let first = at[position];
            let second = first + (active & 255).count_ones() as usize;
            at[position] = first + active.count_ones() as usize;
            // SAFETY: no block has more than MASK_BYTES, so `second` is MOST_MASKS at most; the array holds
            // `SLACK` more.
            let next = unsafe {
                _mm_unpacklo_epi64(
                    _mm_loadl_epi64(bytes.as_ptr().add(first).cast()),
                    _mm_loadl_epi64(bytes.as_ptr().add(second).cast()),
                )
            };
            _mm_shuffle_epi8(next, both(&APART, active))
        });
        for (two, masks) in transposed(rows)
            .into_iter()
            .zip(masks[i..].chunks_exact_mut(2))
        {
            // SAFETY: two masks are 16 bytes.
            unsafe { _mm_storeu_si128(masks.as_mut_ptr().cast(), two) };
        }
    }
}

/// Where the mask bytes of each position start.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
fn starts(shape: &Shape, reach: &Blocks<u8>) -> [usize; MASK_BYTES] {
    let mut at = 0;
    std::array::from_fn(|position| {
        let start = at;
        for reach in reach.chunks_exact(32).take(shape.blocks.div_ceil(32)) {
            // SAFETY: there are 32 bytes.
            let reach = unsafe { _mm256_loadu_si256(reach.as_ptr().cast()) };
            let active = _mm256_cmpgt_epi8(reach, _mm256_set1_epi8(position as i8));
            at += _mm256_movemask_epi8(active).count_ones() as usize;
        }
        start
    })
}

/// From eight rows of sixteen bytes to sixteen columns of eight, two a register.
#[target_feature(enable = "avx2")]
#[inline]
fn transposed(rows: [__m128i; 8]) -> [__m128i; 8] {
    let bytes: [__m128i; 8] = std::array::from_fn(|i| match i % 2 {
        0 => _mm_unpacklo_epi8(rows[i], rows[i + 1]),
        _ => _mm_unpackhi_epi8(rows[i - 1], rows[i]),
    });
    // Of rows 0 to 3, then of rows 4 to 7: four columns a register.
    let pairs: [__m128i; 8] = std::array::from_fn(|i| {
        let (from, half) = (i / 4 * 4, i / 2 % 2);
        let (a, b) = (bytes[from + half], bytes[from + half + 2]);
        match i % 2 {
            0 => _mm_unpacklo_epi16(a, b),
            _ => _mm_unpackhi_epi16(a, b),
        }
    });
    std::array::from_fn(|i| match i % 2 {
        0 => _mm_unpacklo_epi32(pairs[i / 2], pairs[i / 2 + 4]),
        _ => _mm_unpackhi_epi32(pairs[i / 2], pairs[i / 2 + 4]),
    })
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn pair_contexts(
    model: &Contexts,
    shape: &Shape,
    masks: &Blocks<u64>,
    first: &mut Blocks<u16>,
    contexts: &mut Symbols,
) -> usize {
    scalar::pair_contexts(model, shape, masks, first, contexts)
}
