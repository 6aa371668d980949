//! The IDCT with 256-bit vectors: a row of two blocks in one register, the group in two halves.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::group::COEFFICIENTS;
use super::k;

/// See [`super::group`].
///
/// # Safety
/// `out` must hold eight rows of 32 bytes `stride` apart.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn group(
    coefficients: &[i16; COEFFICIENTS],
    steps: &[i16; COEFFICIENTS],
    out: &mut [u8],
    stride: usize,
) {
    for side in 0..2 {
        let rows: [__m256i; 8] = std::array::from_fn(|row| {
            // SAFETY: row * 32 + side * 16 + 16 values lie within the 256 of each array.
            let (value, step) = unsafe {
                let at = row * 32 + side * 16;
                (
                    _mm256_loadu_si256(coefficients.as_ptr().add(at).cast()),
                    _mm256_loadu_si256(steps.as_ptr().add(at).cast()),
                )
            };
            _mm256_mullo_epi16(value, step)
        });
        let halfway = pass::<{ k::SHIFTS.0 as i32 }>(rows);
        let rows = transpose(pass::<{ k::SHIFTS.1 as i32 }>(transpose(halfway)));
        for i in 0..4 {
            // Per block (128-bit lane): row 2i in the low, row 2i + 1 in the high eight bytes.
            let packed = _mm256_xor_si256(
                _mm256_packs_epi16(rows[2 * i], rows[2 * i + 1]),
                _mm256_set1_epi8(-128),
            );
            let by_row = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
            // SAFETY: the caller vouches for eight rows of 32 bytes; 2i + 1 <= 7, 16 * side + 16 <= 32.
            unsafe {
                let at = out.as_mut_ptr().add(2 * i * stride + 16 * side);
                _mm_storeu_si128(at.cast(), _mm256_castsi256_si128(by_row));
                _mm_storeu_si128(at.add(stride).cast(), _mm256_extracti128_si256::<1>(by_row));
            }
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn pair(weights: (i16, i16)) -> __m256i {
    _mm256_set1_epi32((i32::from(weights.0) & 0xffff) | (i32::from(weights.1) << 16))
}

/// One 8-point inverse DCT down the eight registers, in every 16-bit lane.
#[target_feature(enable = "avx2")]
#[inline]
fn pass<const SHIFT: i32>(x: [__m256i; 8]) -> [__m256i; 8] {
    let low = half::<SHIFT>(
        _mm256_unpacklo_epi16(x[0], x[4]),
        _mm256_unpacklo_epi16(x[2], x[6]),
        _mm256_unpacklo_epi16(x[1], x[3]),
        _mm256_unpacklo_epi16(x[5], x[7]),
    );
    let high = half::<SHIFT>(
        _mm256_unpackhi_epi16(x[0], x[4]),
        _mm256_unpackhi_epi16(x[2], x[6]),
        _mm256_unpackhi_epi16(x[1], x[3]),
        _mm256_unpackhi_epi16(x[5], x[7]),
    );
    std::array::from_fn(|i| _mm256_packs_epi32(low[i], high[i]))
}

/// The pass for the lanes whose input pairs were interleaved into 32-bit lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn half<const SHIFT: i32>(x04: __m256i, x26: __m256i, x13: __m256i, x57: __m256i) -> [__m256i; 8] {
    let rounding = _mm256_set1_epi32(1 << (SHIFT - 1));
    let sum = _mm256_add_epi32(rounding, _mm256_madd_epi16(x04, pair((k::ONE, k::ONE))));
    let difference = _mm256_add_epi32(rounding, _mm256_madd_epi16(x04, pair((k::ONE, -k::ONE))));
    let inner = _mm256_madd_epi16(x26, pair(k::EVEN_26_SUM));
    let outer = _mm256_madd_epi16(x26, pair(k::EVEN_26_DIFFERENCE));
    let even = [
        _mm256_add_epi32(sum, inner),
        _mm256_add_epi32(difference, outer),
        _mm256_sub_epi32(difference, outer),
        _mm256_sub_epi32(sum, inner),
    ];
    let odd = [k::ODD_3, k::ODD_2, k::ODD_1, k::ODD_0].map(|[first, second]| {
        _mm256_add_epi32(
            _mm256_madd_epi16(x13, pair(first)),
            _mm256_madd_epi16(x57, pair(second)),
        )
    });
    std::array::from_fn(|i| {
        let m = i.min(7 - i);
        let sum = if i < 4 {
            _mm256_add_epi32(even[m], odd[m])
        } else {
            _mm256_sub_epi32(even[m], odd[m])
        };
        _mm256_srai_epi32::<SHIFT>(sum)
    })
}

/// Transposes the 8 x 8 values in each 128-bit lane of the eight registers.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose(r: [__m256i; 8]) -> [__m256i; 8] {
    let a: [__m256i; 4] = std::array::from_fn(|i| _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]));
    let b: [__m256i; 4] = std::array::from_fn(|i| _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]));
    let c = [
        _mm256_unpacklo_epi32(a[0], a[1]),
        _mm256_unpackhi_epi32(a[0], a[1]),
        _mm256_unpacklo_epi32(b[0], b[1]),
        _mm256_unpackhi_epi32(b[0], b[1]),
    ];
    let d = [
        _mm256_unpacklo_epi32(a[2], a[3]),
        _mm256_unpackhi_epi32(a[2], a[3]),
        _mm256_unpacklo_epi32(b[2], b[3]),
        _mm256_unpackhi_epi32(b[2], b[3]),
    ];
    std::array::from_fn(|i| {
        if i % 2 == 0 {
            _mm256_unpacklo_epi64(c[i / 2], d[i / 2])
        } else {
            _mm256_unpackhi_epi64(c[i / 2], d[i / 2])
        }
    })
}
