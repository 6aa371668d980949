//! 512-bit vectors from and to memory.

use std::arch::x86_64::*;

/// 64 bytes of integers.
pub(crate) trait Bytes64 {}
impl Bytes64 for [u8; 64] {}
impl Bytes64 for [u16; 32] {}
impl Bytes64 for [i16; 32] {}
impl Bytes64 for [u32; 16] {}
impl Bytes64 for [i32; 16] {}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn load<T: Bytes64>(from: &T) -> __m512i {
    // SAFETY: the reference is to 64 bytes that may be read; alignment is not required.
    unsafe { _mm512_loadu_si512(std::ptr::from_ref(from).cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn store<T: Bytes64>(vector: __m512i, to: &mut T) {
    // SAFETY: the reference is to 64 bytes that may be written; alignment is not required.
    unsafe { _mm512_storeu_si512(std::ptr::from_mut(to).cast(), vector) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn load_half(from: &[u8; 32]) -> __m256i {
    // SAFETY: the reference is to 32 bytes that may be read; alignment is not required.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn store_half(vector: __m256i, to: &mut [u8; 32]) {
    // SAFETY: the reference is to 32 bytes that may be written; alignment is not required.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn store_quarter(vector: __m128i, to: &mut [u8; 16]) {
    // SAFETY: the reference is to 16 bytes that may be written; alignment is not required.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
}

/// Up to 64 bytes; zeros follow.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn load_some(from: &[u8]) -> __m512i {
    let mask = !0 >> (64 - from.len().clamp(1, 64));
    if from.is_empty() {
        return _mm512_setzero_si512();
    }
    // SAFETY: the mask has a bit for bytes of the slice only, and bytes without a bit are not read.
    unsafe { _mm512_maskz_loadu_epi8(mask, from.as_ptr().cast()) }
}

/// Stores as much of the vector as `to` takes.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn store_some(vector: __m512i, to: &mut [u8]) {
    if let Some(bytes) = to.first_chunk_mut::<64>() {
        return store(vector, bytes);
    }
    let mask = !(!0 << to.len());
    // SAFETY: the slice has fewer than 64 bytes, the mask a bit for each of them, and bytes without
    // a bit are not written.
    unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), mask, vector) }
}
