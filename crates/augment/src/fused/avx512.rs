//! The kernels with 512-bit vectors. A line is one vector. Its bytes are stored in the order that packing two vectors
//! of sums gives. Unpacking undoes that order, and the last permutation puts the pixels in order.

use std::arch::x86_64::*;

use super::axis::{Axis, Span};
use super::blend::{Blend, for_each_count};
use super::colour;
use super::line::{Line, Rows};
use super::picks::{Picks, Shape, Vector};
use super::scalar;
use crate::simd::avx512::{load, store, store_some};

const WINDOW: usize = 64;

const SHAPE: Shape = Shape {
    group: Vector::LEN,
    order: &[0],
    window: WINDOW,
    sliding: false,
};

/// Where in a line the sample of each output lies.
const ORDER: [u8; Line::LEN] = {
    let mut order = [0; Line::LEN];
    let mut output = 0;
    while output < Line::LEN {
        let (half, within) = (output / 32, output % 32);
        order[output] = (within / 8 * 16 + half * 8 + within % 8) as u8;
        output += 1;
    }
    order
};

/// For the bytes of the three vectors that 64 pixels fill: where in a line their pixel is.
const PIXELS: [[u8; 64]; 3] = {
    let mut pixels = [[0; 64]; 3];
    let mut byte = 0;
    while byte < 192 {
        pixels[byte / 64][byte % 64] = ORDER[byte / 3];
        byte += 1;
    }
    pixels
};

/// Which bytes of those vectors belong to a channel.
const CHANNEL: [[u64; 3]; 3] = {
    let mut masks = [[0; 3]; 3];
    let mut byte = 0;
    while byte < 192 {
        masks[byte / 64][byte % 3] |= 1 << (byte % 64);
        byte += 1;
    }
    masks
};

/// [`Axis::fill`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn fill(axis: &mut Axis, span: &Span) {
    axis.fill(span);
}

/// [`Picks::build`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn build_picks(picks: &mut Picks, axis: &Axis) {
    picks.build(axis, &SHAPE);
}

/// See [`scalar::across`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn across(axis: &Axis, picks: &Picks, row: &[u8], out: &mut [Line]) {
    match (picks.windows(), picks.pairs()) {
        (1, 1) => across_pairs::<1, 1>(picks, row, out),
        (1, 2) => across_pairs::<1, 2>(picks, row, out),
        (1, _) => across_pairs::<1, 0>(picks, row, out),
        (2, 2) => across_pairs::<2, 2>(picks, row, out),
        (2, _) => across_pairs::<2, 0>(picks, row, out),
        _ => {
            scalar::across(axis, row, out);
            let order = load(&inverse(ORDER));
            for line in out {
                store(_mm512_permutexvar_epi8(order, load(&line.0)), &mut line.0);
            }
        }
    }
}

/// For `WINDOWS` windows per group and `PAIRS` pairs of taps; 0 means any number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn across_pairs<const WINDOWS: usize, const PAIRS: usize>(
    picks: &Picks,
    row: &[u8],
    out: &mut [Line],
) {
    let (bases, _) = picks.bases().as_chunks::<2>();
    for (index, (line, bases)) in out.iter_mut().zip(bases).enumerate() {
        let low = group::<WINDOWS, PAIRS>(picks, 2 * index, bases[0], row);
        let high = group::<WINDOWS, PAIRS>(picks, 2 * index + 1, bases[1], row);
        store(_mm512_packs_epi16(low, high), &mut line.0);
    }
}

/// The 32 outputs of a group in 16 bits each, less 128.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn group<const WINDOWS: usize, const PAIRS: usize>(
    picks: &Picks,
    index: usize,
    base: u32,
    row: &[u8],
) -> __m512i {
    let window = &row[base as usize..base as usize + WINDOWS * WINDOW];
    let (windows, _) = window.as_chunks::<WINDOW>();
    let (low, high) = (load(&windows[0]), load(&windows[WINDOWS - 1]));
    let pairs = if PAIRS == 0 { picks.pairs() } else { PAIRS };
    let mut sum = _mm512_set1_epi16(64 - (128 << 7));
    for pair in 0..pairs {
        let (places, weights) = picks.pair(pair);
        let place = load(&places[index].0);
        let samples = if WINDOWS == 1 {
            _mm512_permutexvar_epi8(place, low)
        } else {
            _mm512_permutex2var_epi8(low, place, high)
        };
        let products = _mm512_maddubs_epi16(samples, load(&weights[index].0));
        sum = _mm512_add_epi16(sum, products);
    }
    _mm512_srai_epi16::<7>(sum)
}

/// See [`scalar::blend`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn blend(what: &Blend<'_>, out: &mut [u8]) {
    let lines = out.len().div_ceil(3 * Line::LEN);
    for_each_count!(what, lines, out, gray, ycc, rgb);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn gray(rows: impl Rows, out: &mut [u8]) {
    for (index, pixels) in out.chunks_mut(3 * Line::LEN).enumerate() {
        store_pixels([levels(sums(rows, index)); 3], pixels);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn rgb([red, green, blue]: [impl Rows; 3], out: &mut [u8]) {
    for (index, pixels) in out.chunks_mut(3 * Line::LEN).enumerate() {
        let red = levels(sums(red, index));
        let green = levels(sums(green, index));
        let blue = levels(sums(blue, index));
        store_pixels([red, green, blue], pixels);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn ycc(luma: impl Rows, [cb, cr]: [impl Rows; 2], out: &mut [u8]) {
    for (index, pixels) in out.chunks_mut(3 * Line::LEN).enumerate() {
        let luma = sums(luma, index);
        let (cb, cr) = (sums(cb, index), sums(cr, index));
        let low = colours(luma[0], cb[0], cr[0]);
        let high = colours(luma[1], cb[1], cr[1]);
        let red = _mm512_packus_epi16(low[0], high[0]);
        let green = _mm512_packus_epi16(low[1], high[1]);
        let blue = _mm512_packus_epi16(low[2], high[2]);
        store_pixels([red, green, blue], pixels);
    }
}

/// [`colour::rgb`] of sums, before it clamps them to bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn colours(luma: __m512i, cb: __m512i, cr: __m512i) -> [__m512i; 3] {
    const BITS: u32 = colour::LUMA_BITS;
    let bias = _mm512_set1_epi16(colour::LUMA_BIAS);
    let luma = _mm512_add_epi16(_mm512_srai_epi16::<1>(luma), bias);
    let red = _mm512_mulhrs_epi16(cr, _mm512_set1_epi16(colour::RED_CR));
    let green = _mm512_add_epi16(
        _mm512_mulhrs_epi16(cb, _mm512_set1_epi16(colour::GREEN_CB)),
        _mm512_mulhrs_epi16(cr, _mm512_set1_epi16(colour::GREEN_CR)),
    );
    let blue = _mm512_mulhrs_epi16(cb, _mm512_set1_epi16(colour::BLUE_CB));
    [
        _mm512_srai_epi16::<BITS>(_mm512_add_epi16(luma, red)),
        _mm512_srai_epi16::<BITS>(_mm512_add_epi16(luma, green)),
        _mm512_srai_epi16::<BITS>(_mm512_add_epi16(luma, blue)),
    ]
}

/// The sums of a line: the first 32 outputs and the last 32.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn sums(rows: impl Rows, index: usize) -> [__m512i; 2] {
    let mut sums = [_mm512_setzero_si512(); 2];
    for pair in 0..rows.pairs() {
        let [a, b] = rows.lines(pair, index).map(|line| load(&line.0));
        let weights = _mm512_set1_epi16(rows.weights(pair) as i16);
        let low = _mm512_maddubs_epi16(weights, _mm512_unpacklo_epi8(a, b));
        let high = _mm512_maddubs_epi16(weights, _mm512_unpackhi_epi8(a, b));
        sums = [
            _mm512_add_epi16(sums[0], low),
            _mm512_add_epi16(sums[1], high),
        ];
    }
    sums
}

/// [`colour::level`] of sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn levels([low, high]: [__m512i; 2]) -> __m512i {
    let bias = _mm512_set1_epi16(colour::LEVEL_BIAS);
    let low = _mm512_srli_epi16::<7>(_mm512_add_epi16(low, bias));
    let high = _mm512_srli_epi16::<7>(_mm512_add_epi16(high, bias));
    _mm512_packus_epi16(low, high)
}

/// Interleaves the channels of a line, and stores as many pixels as fit.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn store_pixels([red, green, blue]: [__m512i; 3], out: &mut [u8]) {
    for (part, bytes) in out.chunks_mut(64).enumerate() {
        let pixels = load(&PIXELS[part]);
        let [_, greens, blues] = CHANNEL[part];
        let vector = _mm512_permutexvar_epi8(pixels, red);
        let vector = _mm512_mask_permutexvar_epi8(vector, greens, pixels, green);
        let vector = _mm512_mask_permutexvar_epi8(vector, blues, pixels, blue);
        store_some(vector, bytes);
    }
}

/// The permutation that undoes `order`.
const fn inverse(order: [u8; 64]) -> [u8; 64] {
    let mut inverse = [0; 64];
    let mut output = 0;
    while output < 64 {
        inverse[order[output] as usize] = output as u8;
        output += 1;
    }
    inverse
}
