//! The filter of strips: a sample minus its left neighbour and the one above, plus the upper left one, modulo 256. In a
//! strip's first row, a sample minus its left neighbour.
//!
//! Undoing it takes a running sum along the row and a sum down the column, which suits vectors. PNG has filters that
//! compress better, but they predict from the samples just decoded, byte by byte.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;

#[cfg(target_arch = "x86_64")]
use pixels::Instructions;

use crate::Level;

/// Bytes that may be read behind the residuals. Rows of samples are a multiple of it.
pub(super) const VECTOR: usize = 32;

/// Appends the residuals of `rows`, which have `width` samples each.
pub(super) fn apply(samples: &[u8], width: usize, residuals: &mut Vec<u8>) {
    let start = residuals.len();
    let mut above: Option<&[u8]> = None;
    for row in samples.chunks_exact(width) {
        match above {
            None => residuals.extend(row),
            Some(above) => {
                let differences = row.iter().zip(above);
                residuals.extend(differences.map(|(own, above)| own.wrapping_sub(*above)));
            }
        }
        above = Some(row);
    }
    for row in residuals[start..].chunks_exact_mut(width) {
        for x in (1..row.len()).rev() {
            row[x] = row[x].wrapping_sub(row[x - 1]);
        }
    }
}

/// Rows of residuals, one after another.
#[derive(Clone, Copy)]
pub(super) struct Residuals<'a> {
    /// At least [`VECTOR`] bytes more than the rows have.
    pub(super) bytes: &'a [u8],
    /// Residuals in a row.
    pub(super) width: usize,
    pub(super) rows: usize,
}

/// Writes the first `wanted` samples of each row to `out`. Rows are `stride` bytes apart, a multiple of [`VECTOR`]. The
/// rest of each row is unspecified. Does nothing if the lengths do not fit.
pub(super) fn undo(
    level: Level,
    residuals: Residuals<'_>,
    wanted: usize,
    out: &mut [u8],
    stride: usize,
) {
    let Residuals { bytes, width, rows } = residuals;
    let fits = wanted <= width
        && wanted <= stride
        && stride.is_multiple_of(VECTOR)
        && width * rows + VECTOR <= bytes.len()
        && stride * rows <= out.len();
    if !fits {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if level.has(Instructions::Avx2) {
        // SAFETY: the processor has AVX2, or the level would not; the lengths were just checked.
        return unsafe { avx2::undo(residuals, wanted, out, stride) };
    }
    let _ = level;
    scalar(residuals, wanted, out, stride);
}

fn scalar(residuals: Residuals<'_>, wanted: usize, out: &mut [u8], stride: usize) {
    let Residuals { bytes, width, rows } = residuals;
    for (row, residuals) in bytes.chunks_exact(width).take(rows).enumerate() {
        let (above, own) = out.split_at_mut(row * stride);
        let above = row.checked_sub(1).map(|before| &above[before * stride..]);
        let mut sum = 0u8;
        for (x, (sample, residual)) in own[..wanted].iter_mut().zip(residuals).enumerate() {
            sum = sum.wrapping_add(*residual);
            *sample = sum.wrapping_add(above.map_or(0, |above| above[x]));
        }
    }
}
