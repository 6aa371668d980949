//! The arithmetic of plain bilinear interpolation on rows, as in OpenCV for 8-bit images: 11-bit weights, sums of 15
//! bits between the passes, and one rounding at the end.

use pixels::dispatch;

use super::axis::{Axis, PLAIN_BITS};
use crate::Level;

/// Bits that OpenCV drops from the wide sums before it multiplies them again.
pub(super) const DROPPED_FIRST: u32 = 4;
/// Bits that it drops from each product.
const DROPPED_SECOND: u32 = 16;
/// Bits left to round away.
const REST: u32 = 2 * PLAIN_BITS - DROPPED_FIRST - DROPPED_SECOND;

/// Narrows one row into sums of levels times 2^11, less their lowest bits: at most 255 x 2^7.
pub(super) fn across(row: &[u8], axis: &Axis, out: &mut [i16]) {
    match axis.taps() {
        2 => across_taps::<2>(row, axis, out),
        _ => across_taps::<1>(row, axis, out),
    }
}

fn across_taps<const TAPS: usize>(row: &[u8], axis: &Axis, out: &mut [i16]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    let (weights, _) = axis.weights().as_chunks::<TAPS>();
    for ((pixel, &start), weights) in pixels.iter_mut().zip(axis.starts()).zip(weights) {
        let (taps, _) = row[3 * start as usize..][..3 * TAPS].as_chunks::<3>();
        *pixel = std::array::from_fn(|c| {
            let mut sum = 0;
            for (tap, &weight) in taps.iter().zip(weights) {
                sum += i32::from(tap[c]) * weight;
            }
            (sum >> DROPPED_FIRST) as i16
        });
    }
}

dispatch! {
    /// Blends rows of such sums (one or two of `out.len()` values) into levels.
    pub(super) fn down(level: Level, rows: &[i16], weights: &[i32], out: &mut [u8]) {
        Avx512Vbmi => down_portable,
        Avx2Fma => down_portable,
        _ => down_portable,
    }
}

#[inline(always)]
fn down_portable(rows: &[i16], weights: &[i32], out: &mut [u8]) {
    // The upper half of a product of 16 bits.
    let share =
        |sum: i16, weight: i16| ((i32::from(sum) * i32::from(weight)) >> DROPPED_SECOND) as i16;
    let level = |sum: i16| ((sum + (1 << (REST - 1))) >> REST).clamp(0, 255) as u8;
    let (upper, lower) = rows.split_at(out.len());
    match *weights {
        [a, b] => {
            let (a, b) = (a as i16, b as i16);
            for ((byte, &up), &low) in out.iter_mut().zip(upper).zip(lower) {
                *byte = level(share(up, a) + share(low, b));
            }
        }
        _ => {
            for (byte, &up) in out.iter_mut().zip(upper) {
                *byte = level(share(up, 1 << PLAIN_BITS));
            }
        }
    }
}
