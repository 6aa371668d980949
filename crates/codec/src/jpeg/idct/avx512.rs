//! The IDCT with 512-bit vectors: a row of all four blocks in one register.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::group::COEFFICIENTS;
use super::k;

/// See [`super::group`].
///
/// # Safety
/// `out` must hold eight rows of 32 bytes `stride` apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn group(
    coefficients: &[i16; COEFFICIENTS],
    steps: &[i16; COEFFICIENTS],
    out: &mut [u8],
    stride: usize,
) {
    let rows: [__m512i; 8] = std::array::from_fn(|row| {
        // SAFETY: row * 32 + 32 values lie within the 256 of each array.
        let (value, step) = unsafe {
            (
                _mm512_loadu_si512(coefficients.as_ptr().add(row * 32).cast()),
                _mm512_loadu_si512(steps.as_ptr().add(row * 32).cast()),
            )
        };
        _mm512_mullo_epi16(value, step)
    });
    let halfway = pass::<{ k::SHIFTS.0 }>(rows);
    // After this, register i holds column i of the result, its lanes the rows.
    let columns = pass::<{ k::SHIFTS.1 }>(transpose(halfway));
    let bytes = |i: usize| {
        let packed = _mm512_packs_epi16(columns[i], columns[i + 1]);
        let pairs = _mm512_broadcast_i32x4(_mm_setr_epi8(
            0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,
        ));
        _mm512_xor_si512(_mm512_shuffle_epi8(packed, pairs), _mm512_set1_epi8(-128))
    };
    let (c01, c23, c45, c67) = (bytes(0), bytes(2), bytes(4), bytes(6));
    let (low, high) = (
        _mm512_unpacklo_epi16(c01, c23),
        _mm512_unpackhi_epi16(c01, c23),
    );
    let (low2, high2) = (
        _mm512_unpacklo_epi16(c45, c67),
        _mm512_unpackhi_epi16(c45, c67),
    );
    let pairs_of_rows = [
        _mm512_unpacklo_epi32(low, low2),
        _mm512_unpackhi_epi32(low, low2),
        _mm512_unpacklo_epi32(high, high2),
        _mm512_unpackhi_epi32(high, high2),
    ];
    let gather = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for (i, rows) in pairs_of_rows.into_iter().enumerate() {
        let rows = _mm512_permutexvar_epi64(gather, rows);
        // SAFETY: the caller vouches for eight rows of 32 bytes; 2i + 1 <= 7.
        unsafe {
            let at = out.as_mut_ptr().add(2 * i * stride);
            _mm256_storeu_si256(at.cast(), _mm512_castsi512_si256(rows));
            _mm256_storeu_si256(at.add(stride).cast(), _mm512_extracti64x4_epi64::<1>(rows));
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn pair(weights: (i16, i16)) -> __m512i {
    _mm512_set1_epi32((i32::from(weights.0) & 0xffff) | (i32::from(weights.1) << 16))
}

/// One 8-point inverse DCT down the eight registers, in every 16-bit lane.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn pass<const SHIFT: u32>(x: [__m512i; 8]) -> [__m512i; 8] {
    let low = half::<SHIFT>(
        _mm512_unpacklo_epi16(x[0], x[4]),
        _mm512_unpacklo_epi16(x[2], x[6]),
        _mm512_unpacklo_epi16(x[1], x[3]),
        _mm512_unpacklo_epi16(x[5], x[7]),
    );
    let high = half::<SHIFT>(
        _mm512_unpackhi_epi16(x[0], x[4]),
        _mm512_unpackhi_epi16(x[2], x[6]),
        _mm512_unpackhi_epi16(x[1], x[3]),
        _mm512_unpackhi_epi16(x[5], x[7]),
    );
    std::array::from_fn(|i| _mm512_packs_epi32(low[i], high[i]))
}

/// The pass for the lanes whose input pairs were interleaved into 32-bit lanes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn half<const SHIFT: u32>(x04: __m512i, x26: __m512i, x13: __m512i, x57: __m512i) -> [__m512i; 8] {
    let rounding = _mm512_set1_epi32(1 << (SHIFT - 1));
    let sum = _mm512_dpwssd_epi32(rounding, x04, pair((k::ONE, k::ONE)));
    let difference = _mm512_dpwssd_epi32(rounding, x04, pair((k::ONE, -k::ONE)));
    let inner = _mm512_madd_epi16(x26, pair(k::EVEN_26_SUM));
    let outer = _mm512_madd_epi16(x26, pair(k::EVEN_26_DIFFERENCE));
    let even = [
        _mm512_add_epi32(sum, inner),
        _mm512_add_epi32(difference, outer),
        _mm512_sub_epi32(difference, outer),
        _mm512_sub_epi32(sum, inner),
    ];
    let odd = [k::ODD_3, k::ODD_2, k::ODD_1, k::ODD_0].map(|[first, second]| {
        _mm512_dpwssd_epi32(_mm512_madd_epi16(x13, pair(first)), x57, pair(second))
    });
    std::array::from_fn(|i| {
        let m = i.min(7 - i);
        let sum = if i < 4 {
            _mm512_add_epi32(even[m], odd[m])
        } else {
            _mm512_sub_epi32(even[m], odd[m])
        };
        _mm512_srai_epi32::<SHIFT>(sum)
    })
}

/// Transposes the 8 x 8 values in each 128-bit lane of the eight registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn transpose(r: [__m512i; 8]) -> [__m512i; 8] {
    let a: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpacklo_epi16(r[2 * i], r[2 * i + 1]));
    let b: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpackhi_epi16(r[2 * i], r[2 * i + 1]));
    let c = [
        _mm512_unpacklo_epi32(a[0], a[1]),
        _mm512_unpackhi_epi32(a[0], a[1]),
        _mm512_unpacklo_epi32(b[0], b[1]),
        _mm512_unpackhi_epi32(b[0], b[1]),
    ];
    let d = [
        _mm512_unpacklo_epi32(a[2], a[3]),
        _mm512_unpackhi_epi32(a[2], a[3]),
        _mm512_unpacklo_epi32(b[2], b[3]),
        _mm512_unpackhi_epi32(b[2], b[3]),
    ];
    std::array::from_fn(|i| {
        if i % 2 == 0 {
            _mm512_unpacklo_epi64(c[i / 2], d[i / 2])
        } else {
            _mm512_unpackhi_epi64(c[i / 2], d[i / 2])
        }
    })
}
