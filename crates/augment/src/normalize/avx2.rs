//! Normalisation of eight pixels at a time.

use std::arch::x86_64::*;

use super::Quotient;
use crate::rgb8::avx2::channel_of;
use crate::simd::avx2::store_floats;

/// Bytes of eight pixels.
const BLOCK: usize = 24;

/// One channel of `pixels`; `plane` has one value per pixel.
#[target_feature(enable = "avx2,fma")]
pub(super) fn plane(
    pixels: &[u8],
    channel: usize,
    quotient: Quotient,
    table: &[f32; 256],
    plane: &mut [f32],
) {
    let mean = _mm256_set1_ps(quotient.mean);
    let std = _mm256_set1_ps(quotient.std);
    let reciprocal = _mm256_set1_ps(quotient.reciprocal);
    let (blocks, last) = pixels.as_chunks::<BLOCK>();
    let (vectors, after) = plane.as_chunks_mut::<8>();
    for (block, vector) in blocks.iter().zip(vectors) {
        let x = _mm256_sub_ps(_mm256_cvtepi32_ps(channel_of(block, channel)), mean);
        let rough = _mm256_mul_ps(x, reciprocal);
        let remainder = _mm256_fnmadd_ps(rough, std, x);
        store_floats(_mm256_fmadd_ps(remainder, reciprocal, rough), vector);
    }
    for (pixel, value) in last.as_chunks::<3>().0.iter().zip(after) {
        *value = table[usize::from(pixel[channel])];
    }
}
