//! The kernels with 256-bit vectors. They work on half a line at a time, with its bytes in the order of the outputs.
//! Each 128-bit lane has its own windows, so the outputs go where packing will want them.

use std::arch::x86_64::*;

use super::axis::{Axis, Span};
use super::blend::{Blend, for_each_count};
use super::colour;
use super::line::{Line, Rows};
use super::picks::{Picks, Shape};
use super::scalar;
use crate::simd::avx2::{load, load_lane, store, store_lane};

const WINDOW: usize = 16;

/// Outputs of half a line.
const HALF: usize = Line::LEN / 2;

/// Outputs that share a window.
const GROUP: usize = 8;

const SHAPE: Shape = Shape {
    group: GROUP,
    order: &[0, 2, 1, 3],
    window: WINDOW,
    sliding: true,
};

/// For 16 pixels in three vectors of 16 bytes: where in each channel's 16 levels a byte comes from; a set
/// high bit gives 0. The first index is the vector, the second the channel.
const INTERLEAVE: [[[u8; 16]; 3]; 3] = {
    let mut places = [[[0x80; 16]; 3]; 3];
    let mut byte = 0;
    while byte < 48 {
        places[byte / 16][byte % 3][byte % 16] = (byte / 3) as u8;
        byte += 1;
    }
    places
};

/// [`Axis::fill`].
#[target_feature(enable = "avx2")]
pub(super) fn fill(axis: &mut Axis, span: &Span) {
    axis.fill(span);
}

/// [`Picks::build`].
#[target_feature(enable = "avx2")]
pub(super) fn build_picks(picks: &mut Picks, axis: &Axis) {
    picks.build(axis, &SHAPE);
}

/// See [`scalar::across`].
#[target_feature(enable = "avx2")]
pub(super) fn across(axis: &Axis, picks: &Picks, row: &[u8], out: &mut [Line]) {
    match (picks.windows(), picks.pairs()) {
        (1, 1) => across_pairs::<1, 1>(picks, row, out),
        (1, 2) => across_pairs::<1, 2>(picks, row, out),
        (1, _) => across_pairs::<1, 0>(picks, row, out),
        (2, _) => across_pairs::<2, 0>(picks, row, out),
        _ => scalar::across(axis, row, out),
    }
}

/// For `WINDOWS` windows per group and `PAIRS` pairs of taps; 0 means any number.
#[target_feature(enable = "avx2")]
#[inline]
fn across_pairs<const WINDOWS: usize, const PAIRS: usize>(
    picks: &Picks,
    row: &[u8],
    out: &mut [Line],
) {
    let (bases, _) = picks.bases().as_chunks::<8>();
    for (index, (line, bases)) in out.iter_mut().zip(bases).enumerate() {
        let (halves, _) = line.0.as_chunks_mut::<32>();
        for (part, half) in halves.iter_mut().enumerate() {
            let index = 2 * index + part;
            let bases = &bases[4 * part..4 * part + 4];
            let low = groups::<WINDOWS, PAIRS>(picks, index, 0, [bases[0], bases[2]], row);
            let high = groups::<WINDOWS, PAIRS>(picks, index, 1, [bases[1], bases[3]], row);
            store(_mm256_packs_epi16(low, high), half);
        }
    }
}

/// The outputs of two groups in 16 bits each, less 128: half of a vector of picks.
#[target_feature(enable = "avx2")]
#[inline]
fn groups<const WINDOWS: usize, const PAIRS: usize>(
    picks: &Picks,
    index: usize,
    half: usize,
    [low, high]: [u32; 2],
    row: &[u8],
) -> __m256i {
    let pairs = if PAIRS == 0 { picks.pairs() } else { PAIRS };
    let bytes = 2 * (pairs - 1) + WINDOWS * WINDOW;
    let low = &row[low as usize..low as usize + bytes];
    let high = &row[high as usize..high as usize + bytes];
    let mut sum = _mm256_set1_epi16(64 - (128 << 7));
    for pair in 0..pairs {
        let (places, weights) = picks.pair(pair);
        let places = load(&places[index].0.as_chunks::<16>().0[half]);
        let weights = load(&weights[index].0.as_chunks::<16>().0[half]);
        let begin = 2 * pair;
        let samples = if WINDOWS == 1 {
            _mm256_shuffle_epi8(lanes(low, high, begin), places)
        } else {
            // A place in the other window gets a set high bit, and so gives 0.
            let first = _mm256_adds_epu8(places, _mm256_set1_epi8(0x70));
            let second = _mm256_sub_epi8(places, _mm256_set1_epi8(16));
            _mm256_or_si256(
                _mm256_shuffle_epi8(lanes(low, high, begin), first),
                _mm256_shuffle_epi8(lanes(low, high, begin + WINDOW), second),
            )
        };
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(samples, weights));
    }
    _mm256_srai_epi16::<7>(sum)
}

/// See [`scalar::blend`].
#[target_feature(enable = "avx2")]
pub(super) fn blend(what: &Blend<'_>, out: &mut [u8]) {
    let lines = out.len().div_ceil(3 * Line::LEN);
    for_each_count!(what, lines, out, gray, ycc, rgb);
}

#[target_feature(enable = "avx2")]
#[inline]
fn gray(rows: impl Rows, out: &mut [u8]) {
    for (half, pixels) in out.chunks_mut(3 * HALF).enumerate() {
        store_pixels([levels(sums(rows, half)); 3], pixels);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn rgb([red, green, blue]: [impl Rows; 3], out: &mut [u8]) {
    for (half, pixels) in out.chunks_mut(3 * HALF).enumerate() {
        let red = levels(sums(red, half));
        let green = levels(sums(green, half));
        let blue = levels(sums(blue, half));
        store_pixels([red, green, blue], pixels);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn ycc(luma: impl Rows, [cb, cr]: [impl Rows; 2], out: &mut [u8]) {
    for (half, pixels) in out.chunks_mut(3 * HALF).enumerate() {
        let luma = sums(luma, half);
        let (cb, cr) = (sums(cb, half), sums(cr, half));
        let low = colours(luma[0], cb[0], cr[0]);
        let high = colours(luma[1], cb[1], cr[1]);
        let red = _mm256_packus_epi16(low[0], high[0]);
        let green = _mm256_packus_epi16(low[1], high[1]);
        let blue = _mm256_packus_epi16(low[2], high[2]);
        store_pixels([red, green, blue], pixels);
    }
}

/// [`colour::rgb`] of sums, before it clamps them to bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn colours(luma: __m256i, cb: __m256i, cr: __m256i) -> [__m256i; 3] {
    const BITS: i32 = colour::LUMA_BITS as i32;
    let bias = _mm256_set1_epi16(colour::LUMA_BIAS);
    let luma = _mm256_add_epi16(_mm256_srai_epi16::<1>(luma), bias);
    let red = _mm256_mulhrs_epi16(cr, _mm256_set1_epi16(colour::RED_CR));
    let green = _mm256_add_epi16(
        _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(colour::GREEN_CB)),
        _mm256_mulhrs_epi16(cr, _mm256_set1_epi16(colour::GREEN_CR)),
    );
    let blue = _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(colour::BLUE_CB));
    [
        _mm256_srai_epi16::<BITS>(_mm256_add_epi16(luma, red)),
        _mm256_srai_epi16::<BITS>(_mm256_add_epi16(luma, green)),
        _mm256_srai_epi16::<BITS>(_mm256_add_epi16(luma, blue)),
    ]
}

/// The sums of half a line, as unpacking leaves them.
#[target_feature(enable = "avx2")]
#[inline]
fn sums(rows: impl Rows, half: usize) -> [__m256i; 2] {
    let mut sums = [_mm256_setzero_si256(); 2];
    for pair in 0..rows.pairs() {
        let lines = rows.lines(pair, half / 2);
        let [a, b] = lines.map(|line| load(&line.0.as_chunks::<32>().0[half % 2]));
        let weights = _mm256_set1_epi16(rows.weights(pair) as i16);
        let low = _mm256_maddubs_epi16(weights, _mm256_unpacklo_epi8(a, b));
        let high = _mm256_maddubs_epi16(weights, _mm256_unpackhi_epi8(a, b));
        sums = [
            _mm256_add_epi16(sums[0], low),
            _mm256_add_epi16(sums[1], high),
        ];
    }
    sums
}

/// [`colour::level`] of sums.
#[target_feature(enable = "avx2")]
#[inline]
fn levels([low, high]: [__m256i; 2]) -> __m256i {
    let bias = _mm256_set1_epi16(colour::LEVEL_BIAS);
    let low = _mm256_srli_epi16::<7>(_mm256_add_epi16(low, bias));
    let high = _mm256_srli_epi16::<7>(_mm256_add_epi16(high, bias));
    _mm256_packus_epi16(low, high)
}

/// Interleaves the channels of half a line, and stores as many pixels as fit.
#[target_feature(enable = "avx2")]
#[inline]
fn store_pixels(channels: [__m256i; 3], out: &mut [u8]) {
    if let Some(bytes) = out.first_chunk_mut() {
        return interleave(channels, bytes);
    }
    let mut bytes = [0; 3 * HALF];
    interleave(channels, &mut bytes);
    out.copy_from_slice(&bytes[..out.len()]);
}

/// The lanes hold 16 pixels each, and fill 48 bytes each.
#[target_feature(enable = "avx2")]
#[inline]
fn interleave([red, green, blue]: [__m256i; 3], bytes: &mut [u8; 3 * HALF]) {
    let (parts, _) = bytes.as_chunks_mut::<16>();
    for (vector, [reds, greens, blues]) in INTERLEAVE.iter().enumerate() {
        let red = _mm256_shuffle_epi8(red, lanes(reds, reds, 0));
        let green = _mm256_shuffle_epi8(green, lanes(greens, greens, 0));
        let blue = _mm256_shuffle_epi8(blue, lanes(blues, blues, 0));
        let bytes = _mm256_or_si256(_mm256_or_si256(red, green), blue);
        store_lane(_mm256_castsi256_si128(bytes), &mut parts[vector]);
        let high = _mm256_extracti128_si256::<1>(bytes);
        store_lane(high, &mut parts[3 + vector]);
    }
}

/// 16 bytes of each of two slices, from `begin` on, side by side.
#[target_feature(enable = "avx2")]
#[inline]
fn lanes(low: &[u8], high: &[u8], begin: usize) -> __m256i {
    let low = &low[begin..begin + 16].as_chunks::<16>().0[0];
    let high = &high[begin..begin + 16].as_chunks::<16>().0[0];
    _mm256_set_m128i(load_lane(high), load_lane(low))
}
