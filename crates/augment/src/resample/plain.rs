//! The arithmetic of plain bilinear interpolation on rows, as OpenCV does it for 8-bit images: 11-bit
//! weights, wide sums between the passes, and one rounding at the end.

use super::axis::{Axis, PLAIN_BITS};

/// Bits that OpenCV drops from the wide sums before it multiplies them again.
const DROPPED_FIRST: u32 = 4;
/// Bits that it drops from each product.
const DROPPED_SECOND: u32 = 16;
/// Bits that are left to round away.
const REST: u32 = 2 * PLAIN_BITS - DROPPED_FIRST - DROPPED_SECOND;

/// Narrows one row into sums of levels times 2^11.
pub(super) fn across(row: &[u8], axis: &Axis, out: &mut [i32]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    for (pixel, (samples, weights)) in pixels.iter_mut().zip(axis.outputs()) {
        let (taps, _) = row[3 * samples.start..3 * samples.end].as_chunks::<3>();
        *pixel = [0; 3];
        for (tap, &weight) in taps.iter().zip(weights) {
            for c in 0..3 {
                pixel[c] += i32::from(tap[c]) * weight;
            }
        }
    }
}

/// Blends rows of such sums (one or two of `out.len()` values) into levels.
pub(super) fn down(rows: &[i32], weights: &[i32], out: &mut [u8]) {
    let share = |sum: i32, weight: i32| (weight * (sum >> DROPPED_FIRST)) >> DROPPED_SECOND;
    let level = |sum: i32| ((sum + (1 << (REST - 1))) >> REST).clamp(0, 255) as u8;
    let (upper, lower) = rows.split_at(out.len());
    match *weights {
        [a, b] => {
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
