//! Undoes the filter with 256-bit vectors: running sums of 32 bytes in five steps. Only the last step waits for the 32
//! bytes before.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{Residuals, VECTOR};

/// See [`super::undo`].
///
/// # Safety
/// `residuals` must hold its rows and [`VECTOR`] bytes more; `out` must hold `rows` rows of `stride` bytes, a multiple
/// of [`VECTOR`] that is not less than `wanted`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn undo(residuals: Residuals<'_>, wanted: usize, out: &mut [u8], stride: usize) {
    let Residuals { bytes, width, rows } = residuals;
    for row in 0..rows {
        let mut carry = _mm256_setzero_si256();
        for x in (0..wanted).step_by(VECTOR) {
            // SAFETY: x < wanted <= width, so the load ends within `VECTOR` bytes behind the rows.
            let residual =
                unsafe { _mm256_loadu_si256(bytes.as_ptr().add(row * width + x).cast()) };
            let sums = running_sums(residual);
            let samples = _mm256_add_epi8(sums, carry);
            carry = _mm256_add_epi8(carry, last_everywhere(sums));
            // SAFETY: x is a multiple of `VECTOR` below `stride`, which is one as well: so 32 bytes at x lie
            // in the row, and those in the row before exist from the second row on.
            unsafe {
                let own = out.as_mut_ptr().add(row * stride + x);
                let samples = match row {
                    0 => samples,
                    _ => _mm256_add_epi8(samples, _mm256_loadu_si256(own.sub(stride).cast())),
                };
                _mm256_storeu_si256(own.cast(), samples);
            }
        }
    }
}

/// Each byte plus all before it.
#[target_feature(enable = "avx2")]
#[inline]
fn running_sums(bytes: __m256i) -> __m256i {
    let mut sums = bytes;
    sums = _mm256_add_epi8(sums, _mm256_slli_si256::<1>(sums));
    sums = _mm256_add_epi8(sums, _mm256_slli_si256::<2>(sums));
    sums = _mm256_add_epi8(sums, _mm256_slli_si256::<4>(sums));
    sums = _mm256_add_epi8(sums, _mm256_slli_si256::<8>(sums));
    // The lower half's sum is added to each byte of the upper half.
    let lasts = _mm256_shuffle_epi8(sums, _mm256_set1_epi8(15));
    _mm256_add_epi8(sums, _mm256_permute2x128_si256::<0x08>(lasts, lasts))
}

/// The last byte, copied to all places.
#[target_feature(enable = "avx2")]
#[inline]
fn last_everywhere(bytes: __m256i) -> __m256i {
    let lasts = _mm256_shuffle_epi8(bytes, _mm256_set1_epi8(15));
    _mm256_permute2x128_si256::<0x11>(lasts, lasts)
}
