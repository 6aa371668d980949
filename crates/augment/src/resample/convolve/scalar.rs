//! The portable kernels. Their shapes were chosen by timing them on x86-64 without extensions, where SSE2
//! multiplies 16 bits well and 32 bits badly.

use super::{HALF, LOWER_BITS, parts};
use crate::resample::axis::{Axis, CONVOLVE_BITS};

/// Narrows one row: each RGB pixel of `out` is the weighted sum of `axis.taps()` pixels of `row`.
pub(super) fn across(row: &[u8], axis: &Axis, out: &mut [u8]) {
    let (starts, weights) = (axis.starts(), axis.weights());
    match (axis.taps(), axis.overshoots()) {
        (1, false) => across_convex::<1>(row, starts, weights, out),
        (2, false) => across_convex::<2>(row, starts, weights, out),
        (3, false) => across_convex::<3>(row, starts, weights, out),
        (4, false) => across_convex::<4>(row, starts, weights, out),
        (5, false) => across_convex::<5>(row, starts, weights, out),
        (6, false) => across_convex::<6>(row, starts, weights, out),
        (4, true) => across_signed::<4>(row, starts, weights, out),
        (5, true) => across_signed::<5>(row, starts, weights, out),
        (6, true) => across_signed::<6>(row, starts, weights, out),
        (taps @ 7..=MOST_CONVEX_TAPS, false) => across_convex_any(row, starts, weights, taps, out),
        (taps, _) => across_signed_any(row, starts, weights, taps, out),
    }
}

/// Blends rows: each byte of `out` is the weighted sum of the bytes above one another in `rows`, which
/// holds `weights.len()` rows of `out.len()` bytes.
pub(super) fn down(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    match weights.len() {
        1 => down_few::<1>(rows, weights, out),
        2 => down_few::<2>(rows, weights, out),
        3..=4 => down_split::<4>(rows, weights, out),
        5..=6 => down_split::<6>(rows, weights, out),
        7..=8 => down_split::<8>(rows, weights, out),
        _ => down_any(rows, weights, out),
    }
}

/// For weights that are not negative and add up to 1. No sum overflows its 32 bits, so red and blue share one 64-bit
/// product, and no level needs saturating (see [`MOST_CONVEX_TAPS`]).
fn across_convex<const TAPS: usize>(row: &[u8], starts: &[u32], weights: &[i32], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let (weights, _) = weights.as_chunks::<TAPS>();
    for ((pixel, &start), weights) in pixels.iter_mut().zip(starts).zip(weights) {
        let taps = &row[3 * start as usize..][..3 * TAPS];
        *pixel = ConvexSum::new().add(taps, weights).levels();
    }
}

fn across_convex_any(row: &[u8], starts: &[u32], weights: &[i32], taps: usize, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let weights = weights.chunks_exact(taps);
    for ((pixel, &start), weights) in pixels.iter_mut().zip(starts).zip(weights) {
        let (taps, last_taps) = row[3 * start as usize..][..3 * taps].as_chunks::<{ 3 * GROUP }>();
        let (weights, last_weights) = weights.as_chunks::<GROUP>();
        let mut sum = ConvexSum::new();
        for (taps, weights) in taps.iter().zip(weights) {
            sum = sum.add(taps, weights);
        }
        for (tap, &weight) in last_taps.chunks_exact(3).zip(last_weights) {
            sum = sum.add(tap, &[weight]);
        }
        *pixel = sum.levels();
    }
}

/// How many taps are unrolled when their number is not known beforehand.
const GROUP: usize = 4;

/// Rounding adds at most half a unit to each weight. With this many weights, 255 times all of that is still less than
/// the half level that separates the largest sum from 256.
const MOST_CONVEX_TAPS: usize = 1 << 13;

#[derive(Clone, Copy)]
struct ConvexSum {
    red_blue: u64,
    green: u32,
}

impl ConvexSum {
    fn new() -> Self {
        ConvexSum {
            red_blue: (HALF as u64) << 32 | HALF as u64,
            green: HALF as u32,
        }
    }

    #[inline(always)]
    fn add<const TAPS: usize>(mut self, taps: &[u8], weights: &[i32; TAPS]) -> Self {
        for (tap, &weight) in taps.as_chunks::<3>().0.iter().zip(weights) {
            let red_blue = u64::from(tap[0]) | u64::from(tap[2]) << 32;
            self.red_blue += red_blue * weight as u64;
            self.green += u32::from(tap[1]) * weight as u32;
        }
        self
    }

    fn levels(self) -> [u8; 3] {
        let red = self.red_blue as u32 >> CONVOLVE_BITS;
        let blue = self.red_blue >> (32 + CONVOLVE_BITS);
        [red as u8, (self.green >> CONVOLVE_BITS) as u8, blue as u8]
    }
}

fn across_signed<const TAPS: usize>(row: &[u8], starts: &[u32], weights: &[i32], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let (weights, _) = weights.as_chunks::<TAPS>();
    for ((pixel, &start), weights) in pixels.iter_mut().zip(starts).zip(weights) {
        let taps = &row[3 * start as usize..][..3 * TAPS];
        *pixel = add_signed([HALF; 3], taps, weights).map(level);
    }
}

fn across_signed_any(row: &[u8], starts: &[u32], weights: &[i32], taps: usize, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let weights = weights.chunks_exact(taps);
    for ((pixel, &start), weights) in pixels.iter_mut().zip(starts).zip(weights) {
        let (taps, last_taps) = row[3 * start as usize..][..3 * taps].as_chunks::<{ 3 * GROUP }>();
        let (weights, last_weights) = weights.as_chunks::<GROUP>();
        let mut sums = [HALF; 3];
        for (taps, weights) in taps.iter().zip(weights) {
            sums = add_signed(sums, taps, weights);
        }
        for (tap, &weight) in last_taps.chunks_exact(3).zip(last_weights) {
            sums = add_signed(sums, tap, &[weight]);
        }
        *pixel = sums.map(level);
    }
}

#[inline(always)]
fn add_signed<const TAPS: usize>(
    mut sums: [i32; 3],
    taps: &[u8],
    weights: &[i32; TAPS],
) -> [i32; 3] {
    for (tap, &weight) in taps.as_chunks::<3>().0.iter().zip(weights) {
        for c in 0..3 {
            sums[c] += i32::from(tap[c]) * weight;
        }
    }
    sums
}

fn down_few<const TAPS: usize>(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    let width = out.len();
    let rows: [&[u8]; TAPS] = std::array::from_fn(|k| &rows[k * width..][..width]);
    let weights: [i32; TAPS] = std::array::from_fn(|k| weights[k]);
    for (i, byte) in out.iter_mut().enumerate() {
        let mut sum = HALF;
        for k in 0..TAPS {
            sum += i32::from(rows[k][i]) * weights[k];
        }
        *byte = level(sum);
    }
}

/// Sums the lower and upper parts of the weights separately. Both fit 16 bits, and one instruction adds two such
/// products. Missing rows are the first row, with weight 0.
fn down_split<const TAPS: usize>(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    let width = out.len();
    let count = weights.len();
    let rows: [&[u8]; TAPS] = std::array::from_fn(|k| {
        let row = if k < count { k } else { 0 };
        &rows[row * width..][..width]
    });
    let weight = |k: usize| weights.get(k).copied().unwrap_or(0);
    let lower: [i16; TAPS] = std::array::from_fn(|k| parts(weight(k))[0]);
    let upper: [i16; TAPS] = std::array::from_fn(|k| parts(weight(k))[1]);
    for (i, byte) in out.iter_mut().enumerate() {
        let (mut low, mut high) = (HALF, 0);
        for k in 0..TAPS {
            let level = i32::from(rows[k][i]);
            low += level * i32::from(lower[k]);
            high += level * i32::from(upper[k]);
        }
        *byte = level(low + (high << LOWER_BITS));
    }
}

/// Bytes that are summed at a time when there are many rows. Their sums stay in registers.
const BLOCK: usize = 16;

fn down_any(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    let width = out.len();
    for (index, block) in out.chunks_mut(BLOCK).enumerate() {
        let mut sums = [HALF; BLOCK];
        for (row, &weight) in rows.chunks_exact(width).zip(weights) {
            for (sum, &byte) in sums.iter_mut().zip(&row[index * BLOCK..][..block.len()]) {
                *sum += i32::from(byte) * weight;
            }
        }
        for (byte, sum) in block.iter_mut().zip(sums) {
            *byte = level(sum);
        }
    }
}

/// Drops the fraction (which includes the half already) and saturates the overshoot of a cubic.
fn level(sum: i32) -> u8 {
    (sum >> CONVOLVE_BITS).clamp(0, 255) as u8
}
