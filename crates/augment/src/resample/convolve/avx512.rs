//! The kernels with 512-bit vectors: 16 outputs at a time across, 64 bytes down.

use std::arch::x86_64::*;

use super::{HALF, LOWER_BITS, both, parts};
use crate::resample::axis::CONVOLVE_BITS;
use crate::resample::picks::{Picks, Shape};
use crate::resample::plain::DROPPED_FIRST;
use crate::simd::avx512::{load, load_some, store, store_half, store_pixels, store_some};

const WINDOW: usize = 128;

pub(super) const SHAPE: Shape = Shape {
    group: 16,
    outputs: 16,
    window: WINDOW,
};

/// Bytes, or sums, of 16 pixels.
const BLOCK: usize = 48;

/// Where in red and green, then blue, the sums of 16 pixels lie.
const INTERLEAVE: [u16; 64] = {
    let mut places = [0; 64];
    let mut value = 0;
    while value < BLOCK {
        places[value] = (value % 3 * 16 + value / 3) as u16;
        value += 1;
    }
    places
};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn across(picks: &Picks, planes: [&[u8]; 3], out: &mut [u8]) {
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let whole = blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        store_pixels(pixels(picks, index, planes), block);
    }
    if !rest.is_empty() {
        let mut last = [0; BLOCK];
        store_pixels(pixels(picks, whole, planes), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// 16 pixels as words.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
#[inline]
fn pixels(picks: &Picks, index: usize, planes: [&[u8]; 3]) -> __m512i {
    let [red, green, blue] = sums(picks, index, planes);
    let red = level(red);
    let green = _mm512_slli_epi32::<8>(level(green));
    let blue = _mm512_slli_epi32::<16>(level(blue));
    _mm512_or_si512(_mm512_or_si512(red, green), blue)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn level(sum: __m512i) -> __m512i {
    let sum = _mm512_add_epi32(sum, _mm512_set1_epi32(HALF));
    let level = _mm512_srai_epi32::<CONVOLVE_BITS>(sum);
    let level = _mm512_max_epi32(level, _mm512_setzero_si512());
    _mm512_min_epi32(level, _mm512_set1_epi32(255))
}

/// See [`crate::resample::plain::across`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn across_wide(picks: &Picks, planes: [&[u8]; 3], out: &mut [i16]) {
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let whole = blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        wide_block(picks, index, planes, block);
    }
    if !rest.is_empty() {
        let mut last = [0; BLOCK];
        wide_block(picks, whole, planes, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
#[inline]
fn wide_block(picks: &Picks, index: usize, planes: [&[u8]; 3], block: &mut [i16; BLOCK]) {
    let [red, green, blue] = sums(picks, index, planes);
    let [red, green, blue] = [
        _mm512_cvtepi32_epi16(_mm512_srai_epi32::<DROPPED_FIRST>(red)),
        _mm512_cvtepi32_epi16(_mm512_srai_epi32::<DROPPED_FIRST>(green)),
        _mm512_cvtepi32_epi16(_mm512_srai_epi32::<DROPPED_FIRST>(blue)),
    ];
    let red_green = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(red), green);
    let blue = _mm512_castsi256_si512(blue);
    let (places, _) = INTERLEAVE.as_chunks::<32>();
    let first = _mm512_permutex2var_epi16(red_green, load(&places[0]), blue);
    let last = _mm512_permutex2var_epi16(red_green, load(&places[1]), blue);
    let (head, tail) = block.split_at_mut(32);
    if let Some(head) = head.first_chunk_mut::<32>() {
        store(first, head);
    }
    if let Some(tail) = tail.first_chunk_mut::<16>() {
        store_half(_mm512_castsi512_si256(last), tail);
    }
}

/// The exact sums of 16 outputs of each plane.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
#[inline]
fn sums(picks: &Picks, index: usize, planes: [&[u8]; 3]) -> [__m512i; 3] {
    /// The lower bytes of 16 bits.
    const LOW_BYTES: u64 = 0x5555_5555_5555_5555;
    let base = picks.bases()[index] as usize;
    let window = |plane: &[u8]| {
        let (parts, _) = plane[base..base + WINDOW].as_chunks::<64>();
        [load(&parts[0]), load(&parts[1])]
    };
    let windows = [window(planes[0]), window(planes[1]), window(planes[2])];
    let mut lower = [_mm512_setzero_si512(); 3];
    let mut upper = [_mm512_setzero_si512(); 3];
    for pair in picks.pairs(index) {
        let places = load(&pair.places.as_chunks::<64>().0[0]);
        let lower_weights = load(&pair.lower.as_chunks::<32>().0[0]);
        let upper_weights = load(&pair.upper.as_chunks::<32>().0[0]);
        for (plane, [first, second]) in windows.into_iter().enumerate() {
            let samples = _mm512_maskz_permutex2var_epi8(LOW_BYTES, first, places, second);
            let products = _mm512_madd_epi16(samples, lower_weights);
            lower[plane] = _mm512_add_epi32(lower[plane], products);
            let products = _mm512_madd_epi16(samples, upper_weights);
            upper[plane] = _mm512_add_epi32(upper[plane], products);
        }
    }
    [
        _mm512_add_epi32(lower[0], _mm512_slli_epi32::<LOWER_BITS>(upper[0])),
        _mm512_add_epi32(lower[1], _mm512_slli_epi32::<LOWER_BITS>(upper[1])),
        _mm512_add_epi32(lower[2], _mm512_slli_epi32::<LOWER_BITS>(upper[2])),
    ]
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn down(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    let width = out.len();
    let (blocks, rest) = out.as_chunks_mut::<64>();
    let done = 64 * blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        let at = |row: usize| load(&rows[row * width + 64 * index..][..64].as_chunks().0[0]);
        store(blend(weights, at), block);
    }
    if !rest.is_empty() {
        let count = rest.len();
        let at = |row: usize| load_some(&rows[row * width + done..][..count]);
        store_some(blend(weights, at), rest);
    }
}

/// Blends 64 bytes of each row.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
#[inline]
fn blend(weights: &[i32], at: impl Fn(usize) -> __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let mut lower = [_mm512_setzero_si512(); 4];
    let mut upper = [_mm512_setzero_si512(); 4];
    for (pair, weights) in weights.chunks(2).enumerate() {
        let first = at(2 * pair);
        let (second, weight) = match *weights {
            [_, weight] => (at(2 * pair + 1), weight),
            _ => (zero, 0),
        };
        let [[a_lower, a_upper], [b_lower, b_upper]] = [weights[0], weight].map(parts);
        let lower_weights = _mm512_set1_epi32(both(a_lower, b_lower));
        let upper_weights = _mm512_set1_epi32(both(a_upper, b_upper));
        let (low, high) = (
            _mm512_unpacklo_epi8(first, second),
            _mm512_unpackhi_epi8(first, second),
        );
        let samples = [
            _mm512_unpacklo_epi8(low, zero),
            _mm512_unpackhi_epi8(low, zero),
            _mm512_unpacklo_epi8(high, zero),
            _mm512_unpackhi_epi8(high, zero),
        ];
        for (part, samples) in samples.into_iter().enumerate() {
            let products = _mm512_madd_epi16(samples, lower_weights);
            lower[part] = _mm512_add_epi32(lower[part], products);
            let products = _mm512_madd_epi16(samples, upper_weights);
            upper[part] = _mm512_add_epi32(upper[part], products);
        }
    }
    let level = |part: usize| {
        let sum = _mm512_add_epi32(lower[part], _mm512_slli_epi32::<LOWER_BITS>(upper[part]));
        _mm512_srai_epi32::<CONVOLVE_BITS>(_mm512_add_epi32(sum, _mm512_set1_epi32(HALF)))
    };
    let low = _mm512_packs_epi32(level(0), level(1));
    let high = _mm512_packs_epi32(level(2), level(3));
    _mm512_packus_epi16(low, high)
}
