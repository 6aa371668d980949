//! The kernels with 256-bit vectors: eight outputs at a time across, where each half of a vector has its own window; 32
//! bytes down.

use std::arch::x86_64::*;

use super::{HALF, LOWER_BITS, both, parts};
use crate::resample::axis::CONVOLVE_BITS;
use crate::resample::picks::{Picks, Shape};
use crate::resample::plain::DROPPED_FIRST;
use crate::simd::avx2::{load, load_lane, store, store_pixels};

const WINDOW: usize = 16;

pub(super) const SHAPE: Shape = Shape {
    group: 4,
    outputs: 8,
    window: WINDOW,
};

/// Bytes of eight pixels.
const BLOCK: usize = 24;

/// Shift counts are signed here.
const LOWER: i32 = LOWER_BITS as i32;
const BITS: i32 = CONVOLVE_BITS as i32;

#[target_feature(enable = "avx2")]
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

/// Eight pixels as words.
#[target_feature(enable = "avx2")]
#[inline]
fn pixels(picks: &Picks, index: usize, planes: [&[u8]; 3]) -> __m256i {
    let [red, green, blue] = sums(picks, index, planes);
    let byte = |sum: __m256i| {
        let level = _mm256_max_epi32(level(sum), _mm256_setzero_si256());
        _mm256_min_epi32(level, _mm256_set1_epi32(255))
    };
    let green = _mm256_slli_epi32::<8>(byte(green));
    let blue = _mm256_slli_epi32::<16>(byte(blue));
    _mm256_or_si256(_mm256_or_si256(byte(red), green), blue)
}

/// See [`crate::resample::plain::across`].
#[target_feature(enable = "avx2")]
pub(super) fn across_wide(picks: &Picks, planes: [&[u8]; 3], out: &mut [i16]) {
    for (index, block) in out.chunks_mut(BLOCK).enumerate() {
        let [mut reds, mut greens, mut blues] = [[0i32; 8]; 3];
        let [red, green, blue] = sums(picks, index, planes);
        store(red, &mut reds);
        store(green, &mut greens);
        store(blue, &mut blues);
        let sums = reds.iter().zip(&greens).zip(&blues);
        for (pixel, ((&r, &g), &b)) in block.as_chunks_mut::<3>().0.iter_mut().zip(sums) {
            *pixel = [r, g, b].map(|sum| (sum >> DROPPED_FIRST) as i16);
        }
    }
}

/// The exact sums of eight outputs of each plane.
#[target_feature(enable = "avx2")]
#[inline]
fn sums(picks: &Picks, index: usize, planes: [&[u8]; 3]) -> [__m256i; 3] {
    let bases = &picks.bases()[2 * index..2 * index + 2];
    let window = |plane: &[u8], base: u32| {
        let base = base as usize;
        load_lane(&plane[base..base + WINDOW].as_chunks().0[0])
    };
    let windows = |plane: &[u8]| {
        let (low, high) = (window(plane, bases[0]), window(plane, bases[1]));
        _mm256_set_m128i(high, low)
    };
    let windows = [windows(planes[0]), windows(planes[1]), windows(planes[2])];
    let mut lower = [_mm256_setzero_si256(); 3];
    let mut upper = [_mm256_setzero_si256(); 3];
    for pair in picks.pairs(index) {
        let places = load(&pair.places.as_chunks::<32>().0[0]);
        let lower_weights = load(&pair.lower.as_chunks::<16>().0[0]);
        let upper_weights = load(&pair.upper.as_chunks::<16>().0[0]);
        for (plane, window) in windows.into_iter().enumerate() {
            let samples = _mm256_shuffle_epi8(window, places);
            let products = _mm256_madd_epi16(samples, lower_weights);
            lower[plane] = _mm256_add_epi32(lower[plane], products);
            let products = _mm256_madd_epi16(samples, upper_weights);
            upper[plane] = _mm256_add_epi32(upper[plane], products);
        }
    }
    [
        whole(lower[0], upper[0]),
        whole(lower[1], upper[1]),
        whole(lower[2], upper[2]),
    ]
}

/// The sum of the products with whole weights.
#[target_feature(enable = "avx2")]
#[inline]
fn whole(lower: __m256i, upper: __m256i) -> __m256i {
    _mm256_add_epi32(lower, _mm256_slli_epi32::<LOWER>(upper))
}

/// Sums rounded to levels that may overshoot.
#[target_feature(enable = "avx2")]
#[inline]
fn level(sum: __m256i) -> __m256i {
    _mm256_srai_epi32::<BITS>(_mm256_add_epi32(sum, _mm256_set1_epi32(HALF)))
}

#[target_feature(enable = "avx2")]
pub(super) fn down(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    let width = out.len();
    let (blocks, rest) = out.as_chunks_mut::<32>();
    let done = 32 * blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        let at =
            |row: usize| load::<[u8; 32]>(&rows[row * width + 32 * index..][..32].as_chunks().0[0]);
        store(blend(weights, at), block);
    }
    if !rest.is_empty() {
        let count = rest.len();
        let at = |row: usize| {
            let mut bytes = [0; 32];
            bytes[..count].copy_from_slice(&rows[row * width + done..][..count]);
            load(&bytes)
        };
        let mut last = [0; 32];
        store(blend(weights, at), &mut last);
        rest.copy_from_slice(&last[..count]);
    }
}

/// Blends 32 bytes of each row.
#[target_feature(enable = "avx2")]
#[inline]
fn blend(weights: &[i32], at: impl Fn(usize) -> __m256i) -> __m256i {
    let zero = _mm256_setzero_si256();
    let mut lower = [_mm256_setzero_si256(); 4];
    let mut upper = [_mm256_setzero_si256(); 4];
    for (pair, weights) in weights.chunks(2).enumerate() {
        let first = at(2 * pair);
        let (second, weight) = match *weights {
            [_, weight] => (at(2 * pair + 1), weight),
            _ => (zero, 0),
        };
        let [[a_lower, a_upper], [b_lower, b_upper]] = [weights[0], weight].map(parts);
        let lower_weights = _mm256_set1_epi32(both(a_lower, b_lower));
        let upper_weights = _mm256_set1_epi32(both(a_upper, b_upper));
        let (low, high) = (
            _mm256_unpacklo_epi8(first, second),
            _mm256_unpackhi_epi8(first, second),
        );
        let samples = [
            _mm256_unpacklo_epi8(low, zero),
            _mm256_unpackhi_epi8(low, zero),
            _mm256_unpacklo_epi8(high, zero),
            _mm256_unpackhi_epi8(high, zero),
        ];
        for (part, samples) in samples.into_iter().enumerate() {
            let products = _mm256_madd_epi16(samples, lower_weights);
            lower[part] = _mm256_add_epi32(lower[part], products);
            let products = _mm256_madd_epi16(samples, upper_weights);
            upper[part] = _mm256_add_epi32(upper[part], products);
        }
    }
    let sum = |part: usize| level(whole(lower[part], upper[part]));
    let low = _mm256_packs_epi32(sum(0), sum(1));
    let high = _mm256_packs_epi32(sum(2), sum(3));
    _mm256_packus_epi16(low, high)
}
