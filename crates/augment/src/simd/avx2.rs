//! 256-bit vectors, and halves of them, from and to memory.

use std::arch::x86_64::*;

/// 32 bytes of integers.
pub(crate) trait Bytes32 {}
impl Bytes32 for [u8; 32] {}
impl Bytes32 for [u16; 16] {}
impl Bytes32 for [i16; 16] {}
impl Bytes32 for [u32; 8] {}
impl Bytes32 for [i32; 8] {}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn load<T: Bytes32>(from: &T) -> __m256i {
    // SAFETY: the reference is to 32 bytes that may be read; alignment is not required.
    unsafe { _mm256_loadu_si256(std::ptr::from_ref(from).cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store<T: Bytes32>(vector: __m256i, to: &mut T) {
    // SAFETY: the reference is to 32 bytes that may be written; alignment is not required.
    unsafe { _mm256_storeu_si256(std::ptr::from_mut(to).cast(), vector) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn load_lane(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is to 16 bytes that may be read; alignment is not required.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store_lane(vector: __m128i, bytes: &mut [u8; 16]) {
    // SAFETY: the reference is to 16 bytes that may be written; alignment is not required.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
}

/// Stores the low eight bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store_low(vector: __m128i, bytes: &mut [u8; 8]) {
    // SAFETY: the reference is to 8 bytes that may be written; alignment is not required.
    unsafe { _mm_storel_epi64(bytes.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store_floats(vector: __m256, to: &mut [f32; 8]) {
    // SAFETY: the reference is to 32 bytes that may be written; alignment is not required.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) }
}
