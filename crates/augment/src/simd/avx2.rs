//! Moves 256-bit vectors, and halves of them, from and to memory.

use std::arch::x86_64::*;

/// 32 bytes of integers.
pub(crate) trait Bytes32 {}
impl Bytes32 for [u8; 32] {}
impl Bytes32 for [u16; 16] {}
impl Bytes32 for [i16; 16] {}
impl Bytes32 for [u32; 8] {}
impl Bytes32 for [i32; 8] {}
impl Bytes32 for [f64; 4] {}

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
fn store_low(vector: __m128i, bytes: &mut [u8; 8]) {
    // SAFETY: the reference is to 8 bytes that may be written; alignment is not required.
    unsafe { _mm_storel_epi64(bytes.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store_floats(vector: __m256, to: &mut [f32; 8]) {
    // SAFETY: the reference is to 32 bytes that may be written; alignment is not required.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) }
}

/// Stores the pixels of eight words without the words' highest bytes.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn store_pixels(words: __m256i, to: &mut [u8; 24]) {
    let packed = _mm256_shuffle_epi8(words, load(&PACK));
    // Three words of each lane.
    let order = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    let bytes = _mm256_permutevar8x32_epi32(packed, order);
    let low = _mm256_castsi256_si128(bytes);
    let high = _mm256_extracti128_si256::<1>(bytes);
    if let [first, second, third] = to.as_chunks_mut::<8>().0 {
        store_low(low, first);
        store_low(_mm_srli_si128::<8>(low), second);
        store_low(high, third);
    }
}

/// Drops every fourth byte in both lanes.
const PACK: [u8; 32] = {
    let mut places = [0x80; 32];
    let mut byte = 0;
    while byte < 24 {
        places[byte / 12 * 16 + byte % 12] = (byte % 12 / 3 * 4 + byte % 3) as u8;
        byte += 1;
    }
    places
};
