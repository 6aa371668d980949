//! The inverse DCT of four blocks at once, equal bit for bit to libjpeg-turbo's `islow`.
//!
//! There are three kernels with one result: [`scalar`] defines it, `avx2` and `avx512` compute the same with vectors.
//! The arithmetic is that of libjpeg-turbo's SIMD (dequantisation in 16 bits, 13-bit constants, 32-bit sums, saturation
//! to 16 bits between the passes), after Loeffler, Ligtenberg and Moschytz 1989, as written in libjpeg's jidctint.c.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

#[cfg(target_arch = "x86_64")]
use pixels::Instructions;

use super::group::{BLOCKS, COEFFICIENTS, Quantiser};
use crate::Level;

/// Bytes that a kernel writes of each of its eight rows: four blocks side by side.
pub(crate) const ROW: usize = 32;

/// Dequantises and transforms a group into eight rows of [`ROW`] bytes. The first is at the start of `out`, each other
/// `stride` bytes after the one before. Does nothing if `out` is too short.
#[inline(always)]
pub(crate) fn group(
    level: Level,
    coefficients: &[i16; COEFFICIENTS],
    steps: &Quantiser,
    out: &mut [u8],
    stride: usize,
) {
    if out.len() < 7 * stride + ROW {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if level.has(Instructions::Avx512Vnni) {
        // SAFETY: the processor has the instructions, or the level would not; `out` holds the eight rows,
        // as was just checked.
        return unsafe { avx512::group(coefficients, &steps.0, out, stride) };
    }
    #[cfg(target_arch = "x86_64")]
    if level.has(Instructions::Avx2) {
        // SAFETY: as above.
        return unsafe { avx2::group(coefficients, &steps.0, out, stride) };
    }
    let _ = level;
    scalar::group(coefficients, &steps.0, out, stride);
}

/// Like [`group`], for blocks that only have DC: each becomes a single gray.
#[inline(always)]
pub(crate) fn flat(dc: [i16; BLOCKS], steps: &Quantiser, out: &mut [u8], stride: usize) {
    if out.len() < 7 * stride + ROW {
        return;
    }
    let mut row = [0; ROW];
    for (samples, dc) in row.chunks_exact_mut(8).zip(dc) {
        samples.fill(scalar::gray(dc.wrapping_mul(steps.0[0])));
    }
    for line in 0..8 {
        out[line * stride..][..ROW].copy_from_slice(&row);
    }
}

/// The 13-bit constants, paired for the dot products of the kernels. Each row holds the factors of the two inputs of
/// one `multiply and add pairs`.
mod k {
    pub(super) const EVEN_26_SUM: (i16, i16) = (10703, 4433);
    pub(super) const EVEN_26_DIFFERENCE: (i16, i16) = (4433, -10704);
    pub(super) const ODD_0: [(i16, i16); 2] = [(2260, -6436), (9633, -11363)];
    pub(super) const ODD_1: [(i16, i16); 2] = [(6437, -11362), (2261, 9633)];
    pub(super) const ODD_2: [(i16, i16); 2] = [(9633, -2259), (-11362, -6436)];
    pub(super) const ODD_3: [(i16, i16); 2] = [(11363, 9633), (6437, 2260)];
    /// 1.0, for the sum and the difference of inputs 0 and 4.
    pub(super) const ONE: i16 = 8192;
    /// Right shift after the column pass and after the row pass.
    pub(super) const SHIFTS: (u32, u32) = (11, 18);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_nothing_but_dc_are_flat() {
        for step in [1, 2, 7, 16, 255] {
            let steps = Quantiser::new(&[step; 64]);
            for dc in i16::MIN..=i16::MAX {
                let mut coefficients = [0; COEFFICIENTS];
                let four = [dc, dc.wrapping_add(77), dc.wrapping_mul(3), 0];
                for (lane, dc) in four.into_iter().enumerate() {
                    coefficients[lane * 8] = dc;
                }
                let (mut expected, mut got) = ([0; 8 * ROW], [1; 8 * ROW]);
                group(Level::best(), &coefficients, &steps, &mut expected, ROW);
                flat(four, &steps, &mut got, ROW);
                assert!(got == expected, "{four:?} x {step}");
            }
        }
    }
}
