//! Moves 512-bit vectors from and to memory.

use std::arch::x86_64::*;

use super::avx2::Bytes32;

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
pub(crate) fn store_half<T: Bytes32>(vector: __m256i, to: &mut T) {
    // SAFETY: the reference is to 32 bytes that may be written; alignment is not required.
    unsafe { _mm256_storeu_si256(std::ptr::from_mut(to).cast(), vector) }
}

/// Stores the pixels of 16 words without the words' highest bytes.
#[target_feature(enable = "avx512f,avx512vbmi")]
#[inline]
pub(crate) fn store_pixels(words: __m512i, to: &mut [u8; 48]) {
    let bytes = _mm512_permutexvar_epi8(load(&PACK), words);
    let (parts, _) = to.as_chunks_mut::<16>();
    store_quarter(_mm512_castsi512_si128(bytes), &mut parts[0]);
    store_quarter(_mm512_extracti32x4_epi32::<1>(bytes), &mut parts[1]);
    store_quarter(_mm512_extracti32x4_epi32::<2>(bytes), &mut parts[2]);
}

/// Drops every fourth byte.
const PACK: [u8; 64] = {
    let mut places = [0; 64];
    let mut byte = 0;
    while byte < 48 {
        places[byte] = (byte / 3 * 4 + byte % 3) as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx512f")]
#[inline]
fn store_quarter(vector: __m128i, to: &mut [u8; 16]) {
    // SAFETY: the reference is to 16 bytes that may be written; alignment is not required.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
}

/// The words at 16 places. Places beyond the last word read the last one.
#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn gather(words: &[u32], places: __m512i) -> __m512i {
    let last = words.len().clamp(1, i32::MAX as usize) - 1;
    assert!(!words.is_empty());
    let places = _mm512_min_epu32(places, _mm512_set1_epi32(last as i32));
    // SAFETY: each place is that of a word of the slice: at most its last, and no negative `i32`.
    unsafe { _mm512_i32gather_epi32::<4>(places, words.as_ptr().cast()) }
}

/// The pairs of words at eight places. Places beyond the last pair read the last one.
#[target_feature(enable = "avx512f,avx512vl")]
#[inline]
pub(crate) fn gather_pairs(words: &[u32], places: __m256i) -> __m512i {
    assert!(words.len() > 1);
    let last = words.len().min(i32::MAX as usize) - 2;
    let places = _mm256_min_epu32(places, _mm256_set1_epi32(last as i32));
    // SAFETY: each place is that of a word of the slice that is not its last, and no negative `i32`.
    unsafe { _mm512_i32gather_epi64::<4>(places, words.as_ptr().cast()) }
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

/// Stores as much of the vector as fits in `to`.
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

/// Floats to be written past the caches, in whole aligned vectors.
pub(crate) struct Streamed<'a> {
    /// Up to the first aligned vector.
    pub(crate) before: &'a mut [f32],
    pub(crate) vectors: Stream<'a>,
    /// From the last aligned vector on.
    pub(crate) after: &'a mut [f32],
}

/// A place of 16 aligned floats.
#[repr(align(64))]
struct Aligned(#[allow(dead_code)] [f32; 16]);

/// Accepts vectors for as long as it lives. Other threads may read them once it is dropped.
pub(crate) struct Stream<'a>(&'a mut [Aligned]);

impl<'a> Streamed<'a> {
    /// Splits `floats`.
    pub(crate) fn new(floats: &'a mut [f32]) -> Self {
        // SAFETY: any 16 floats are an `Aligned` and the reverse; alignment is the split's affair.
        let (before, vectors, after) = unsafe { floats.align_to_mut::<Aligned>() };
        Streamed {
            before,
            vectors: Stream(vectors),
            after,
        }
    }
}

impl Stream<'_> {
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(crate) fn store(&mut self, index: usize, vector: __m512) {
        let place = std::ptr::from_mut(&mut self.0[index]);
        // SAFETY: the place has 64 bytes that may be written, and is aligned to as many.
        unsafe { _mm512_stream_ps(place.cast(), vector) }
    }
}

impl Drop for Stream<'_> {
    /// Such stores are weakly ordered: whatever publishes the memory must not overtake them.
    fn drop(&mut self) {
        // SAFETY: every x86-64 processor has SSE.
        unsafe { _mm_sfence() };
    }
}
