//! Warps with 512-bit vectors, which gather pixels from a [`Padded`] image.

use std::arch::x86_64::*;

use super::Padded;
use super::bilinear::{Line, read_portable};
use super::nearest::Walk;
use crate::simd::avx512::{gather, gather_pairs, store_pixels};

/// Bytes of 16 pixels.
const BLOCK: usize = 48;

/// Reads the pixels that contain the places. All places that fill `out` are inside, so the lower 32 bits of their
/// coordinates are enough.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn nearest(source: &Padded, along_x: Walk, along_y: Walk, out: &mut [u8]) {
    let words = source.words();
    let stride = _mm512_set1_epi32(source.stride() as i32);
    let origin = _mm512_set1_epi32(source.stride() as i32 + 1);
    let mut at_x = walk(along_x);
    let mut at_y = walk(along_y);
    let [step_x, step_y] =
        [along_x, along_y].map(|along| _mm512_set1_epi32((along.step as i32).wrapping_mul(16)));
    let mut next = || {
        let row = _mm512_mullo_epi32(_mm512_srai_epi32::<16>(at_y), stride);
        let place = _mm512_add_epi32(_mm512_add_epi32(row, _mm512_srai_epi32::<16>(at_x)), origin);
        at_x = _mm512_add_epi32(at_x, step_x);
        at_y = _mm512_add_epi32(at_y, step_y);
        gather(words, place)
    };
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    for block in blocks {
        store_pixels(next(), block);
    }
    if !rest.is_empty() {
        let mut last = [0; BLOCK];
        store_pixels(next(), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// The first 16 coordinates.
#[target_feature(enable = "avx512f")]
#[inline]
fn walk(along: Walk) -> __m512i {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let steps = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(along.step as i32));
    _mm512_add_epi32(_mm512_set1_epi32(along.start as i32), steps)
}

/// See [`super::bilinear`]. The arithmetic is that of its portable form, eight pixels at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn bilinear(source: &Padded, line: &Line, out: &mut [u8]) {
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let done = 16 * blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        let first = 16.0 * index as f64 + 0.5;
        let low = eight(source, line, first);
        let high = eight(source, line, first + 8.0);
        let words = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        store_pixels(words, block);
    }
    read_portable(source, line, done, rest);
}

/// Eight pixels of a line as words. The first of them is read for column `first`, which is half a pixel in.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
#[inline]
fn eight(source: &Padded, line: &Line, first: f64) -> __m256i {
    let lanes = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
    let columns = _mm512_add_pd(_mm512_set1_pd(first), lanes);
    let (at_x, inside_x) = coordinate(line, 0, columns);
    let (at_y, inside_y) = coordinate(line, 1, columns);
    let inside = inside_x & inside_y;
    let half = _mm512_set1_pd(0.5);
    let x = _mm512_maskz_sub_pd(inside, at_x, half);
    let y = _mm512_maskz_sub_pd(inside, at_y, half);
    let (left, top) = (floor(x), floor(y));
    let (dx, dy) = (_mm512_sub_pd(x, left), _mm512_sub_pd(y, top));

    let stride = _mm256_set1_epi32(source.stride() as i32);
    let row = _mm256_mullo_epi32(_mm512_cvttpd_epi32(top), stride);
    let place = _mm256_add_epi32(_mm256_add_epi32(row, _mm512_cvttpd_epi32(left)), stride);
    let upper = _mm256_add_epi32(place, _mm256_set1_epi32(1));
    let lower = _mm256_add_epi32(upper, stride);
    let upper = gather_pairs(source.words(), upper);
    let lower = gather_pairs(source.words(), lower);

    let red = between::<0>(upper, lower, dx, dy);
    let green = _mm256_slli_epi32::<8>(between::<1>(upper, lower, dx, dy));
    let blue = _mm256_slli_epi32::<16>(between::<2>(upper, lower, dx, dy));
    let pixels = _mm256_or_si256(_mm256_or_si256(red, green), blue);
    let [r, g, b] = line.fill;
    let fill = _mm256_set1_epi32(i32::from_le_bytes([r, g, b, 0]));
    _mm256_mask_blend_epi32(inside, fill, pixels)
}

/// Coordinates on one axis, and which of them lie inside.
#[target_feature(enable = "avx512f")]
#[inline]
fn coordinate(line: &Line, axis: usize, columns: __m512d) -> (__m512d, __mmask8) {
    let along = _mm512_mul_pd(_mm512_set1_pd(line.steps[axis]), columns);
    let sum = _mm512_add_pd(along, _mm512_set1_pd(line.across[axis]));
    let at = _mm512_add_pd(sum, _mm512_set1_pd(line.offsets[axis]));
    let not_before = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(at, _mm512_setzero_pd());
    let end = _mm512_set1_pd(line.ends[axis]);
    let before_end = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(at, end);
    (at, not_before & before_end)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn floor(values: __m512d) -> __m512d {
    _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(values)
}

/// One channel between pairs of pixels of two rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
#[inline]
fn between<const CHANNEL: i64>(
    upper: __m512i,
    lower: __m512i,
    dx: __m512d,
    dy: __m512d,
) -> __m256i {
    const ZEROS: i64 = 0x8080_8080_8080_8000_u64 as i64;
    let left = _mm512_set1_epi64(ZEROS | CHANNEL);
    let right = _mm512_set1_epi64(ZEROS | (CHANNEL + 4));
    // Shuffles stay within lanes of two pairs; the second pair's bytes come eight later.
    let second = _mm512_set4_epi64(8, 0, 8, 0);
    let level = |pairs: __m512i, places: __m512i| {
        let places = _mm512_add_epi64(places, second);
        _mm512_cvtepi64_pd(_mm512_shuffle_epi8(pairs, places))
    };
    let blend = |from: __m512d, to: __m512d, share: __m512d| {
        _mm512_add_pd(from, _mm512_mul_pd(_mm512_sub_pd(to, from), share))
    };
    let upper = blend(level(upper, left), level(upper, right), dx);
    let lower = blend(level(lower, left), level(lower, right), dx);
    _mm512_cvttpd_epi32(blend(upper, lower, dy))
}
