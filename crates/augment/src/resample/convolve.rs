//! The arithmetic of the antialiased filters on rows of bytes, portable. It knows tables, not geometry.
//!
//! Sums are exact in 32 bits and rounded once per pass, so the order of additions is free and a vector
//! kernel gives the same bytes.

use super::axis::{Axis, CONVOLVE_BITS};

const HALF: i32 = 1 << (CONVOLVE_BITS - 1);

/// Narrows one row: each RGB pixel of `out` is the weighted sum of `axis.taps()` pixels of `row`.
pub(super) fn across(row: &[u8], axis: &Axis, out: &mut [u8]) {
    let (starts, weights) = (axis.starts(), axis.weights());
    match axis.taps() {
        1 => across_fixed::<1>(row, starts, weights, out),
        2 => across_fixed::<2>(row, starts, weights, out),
        3 => across_fixed::<3>(row, starts, weights, out),
        4 => across_fixed::<4>(row, starts, weights, out),
        5 => across_fixed::<5>(row, starts, weights, out),
        6 => across_fixed::<6>(row, starts, weights, out),
        taps => across_any(row, starts, weights, taps, out),
    }
}

/// Blends rows: each byte of `out` is the weighted sum of the bytes above one another in `rows`, which
/// holds `weights.len()` rows of `out.len()` bytes.
pub(super) fn down(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    match *weights {
        [a] => down_fixed(rows, [a], out),
        [a, b] => down_fixed(rows, [a, b], out),
        [a, b, c] => down_fixed(rows, [a, b, c], out),
        [a, b, c, d] => down_fixed(rows, [a, b, c, d], out),
        [a, b, c, d, e] => down_fixed(rows, [a, b, c, d, e], out),
        [a, b, c, d, e, f] => down_fixed(rows, [a, b, c, d, e, f], out),
        _ => down_any(rows, weights, out),
    }
}

fn across_fixed<const TAPS: usize>(row: &[u8], starts: &[u32], weights: &[i32], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let (weights, _) = weights.as_chunks::<TAPS>();
    for ((pixel, &start), weights) in pixels.iter_mut().zip(starts).zip(weights) {
        let taps = &row[3 * start as usize..][..3 * TAPS];
        let mut sum = [HALF; 3];
        for k in 0..TAPS {
            for c in 0..3 {
                sum[c] += i32::from(taps[3 * k + c]) * weights[k];
            }
        }
        *pixel = sum.map(level);
    }
}

fn across_any(row: &[u8], starts: &[u32], weights: &[i32], taps: usize, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    for ((pixel, &start), weights) in pixels
        .iter_mut()
        .zip(starts)
        .zip(weights.chunks_exact(taps))
    {
        let (taps, _) = row[3 * start as usize..][..3 * taps].as_chunks::<3>();
        let mut sum = [HALF; 3];
        for (tap, &weight) in taps.iter().zip(weights) {
            for c in 0..3 {
                sum[c] += i32::from(tap[c]) * weight;
            }
        }
        *pixel = sum.map(level);
    }
}

fn down_fixed<const TAPS: usize>(rows: &[u8], weights: [i32; TAPS], out: &mut [u8]) {
    let width = out.len();
    let rows: [&[u8]; TAPS] = std::array::from_fn(|k| &rows[k * width..(k + 1) * width]);
    for (i, byte) in out.iter_mut().enumerate() {
        let mut sum = HALF;
        for k in 0..TAPS {
            sum += i32::from(rows[k][i]) * weights[k];
        }
        *byte = level(sum);
    }
}

/// Bytes that are summed at a time when there are many rows: their sums stay in registers.
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

/// Drops the fraction (which holds the half already) and saturates what a cubic overshoots.
fn level(sum: i32) -> u8 {
    (sum >> CONVOLVE_BITS).clamp(0, 255) as u8
}
