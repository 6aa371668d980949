//! Normalisation of 16 pixels at a time.
//!
//! An image of floats is as large as the second-level cache, and other code reads it, so the stores bypass the caches.

use std::arch::x86_64::*;

use super::Quotient;
use crate::rgb8::avx512::channel_of;
use crate::simd::avx512::{Streamed, load_some};

/// Bytes of 16 pixels.
const BLOCK: usize = 48;

/// One channel of `pixels`; `plane` has one value per pixel.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
pub(super) fn plane(
    pixels: &[u8],
    channel: usize,
    quotient: Quotient,
    table: &[f32; 256],
    plane: &mut [f32],
) {
    let mean = _mm512_set1_ps(quotient.mean);
    let std = _mm512_set1_ps(quotient.std);
    let reciprocal = _mm512_set1_ps(quotient.reciprocal);
    let look_up = |pixels: &[u8], plane: &mut [f32]| {
        for (pixel, value) in pixels.as_chunks::<3>().0.iter().zip(plane) {
            *value = table[usize::from(pixel[channel])];
        }
    };
    let Streamed {
        before,
        mut vectors,
        after,
    } = Streamed::new(plane);
    let (first, rest) = pixels.split_at(3 * before.len());
    look_up(first, before);
    let (blocks, last) = rest.as_chunks::<BLOCK>();
    for (index, block) in blocks.iter().enumerate() {
        let levels = channel_of(load_some(block), channel);
        let x = _mm512_sub_ps(_mm512_cvtepi32_ps(levels), mean);
        let rough = _mm512_mul_ps(x, reciprocal);
        let remainder = _mm512_fnmadd_ps(rough, std, x);
        vectors.store(index, _mm512_fmadd_ps(remainder, reciprocal, rough));
    }
    look_up(last, after);
}
