//! The kernels with 256-bit vectors: eight pixels at a time, one channel per vector, 32 bits per level.

use std::arch::x86_64::*;

use super::{Table, scalar};
use crate::simd::avx2::{load, load_lane, store, store_lane, store_pixels};

/// Bytes of eight pixels.
const BLOCK: usize = 24;

/// Where the levels of a channel are in the bytes of four pixels, for the low byte of 32 bits. The pixels of the high
/// lane begin four bytes later, because they are loaded so that they end with it.
const SPREAD: [[u8; 32]; 3] = {
    let mut places = [[0x80; 32]; 3];
    let mut byte = 0;
    while byte < BLOCK {
        let lane = byte / 12;
        places[byte % 3][lane * 16 + byte % 12 / 3 * 4] = (byte % 12 + 4 * lane) as u8;
        byte += 1;
    }
    places
};

/// Looking up 256 levels takes sixteen shuffles per vector and channel, which is no faster than loads.
#[target_feature(enable = "avx2")]
pub(super) fn map(pixels: &mut [u8], tables: &[Table; 3]) {
    scalar::map(pixels, tables);
}

#[target_feature(enable = "avx2")]
pub(super) fn luma_sum(pixels: &[u8]) -> u64 {
    /// This many blocks cannot overflow 32 bits.
    const STRETCH: usize = BLOCK << 16;
    let (blocks, rest) = pixels.as_chunks::<BLOCK>();
    let mut sum = scalar::luma_sum(rest);
    for stretch in blocks.chunks(STRETCH) {
        let mut sums = _mm256_setzero_si256();
        for block in stretch {
            sums = _mm256_add_epi32(sums, luma(channels(block)));
        }
        let low = _mm256_and_si256(sums, _mm256_set1_epi64x(0xffff_ffff));
        let sums = _mm256_add_epi64(low, _mm256_srli_epi64::<32>(sums));
        sum += _mm256_extract_epi64::<0>(sums) as u64;
        sum += _mm256_extract_epi64::<1>(sums) as u64;
        sum += _mm256_extract_epi64::<2>(sums) as u64;
        sum += _mm256_extract_epi64::<3>(sums) as u64;
    }
    sum
}

#[target_feature(enable = "avx2")]
pub(super) fn saturate(pixels: &mut [u8], factor: f32) {
    let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
    let factor_vector = _mm256_set1_ps(factor);
    for block in blocks {
        let [red, green, blue] = channels(block);
        let gray = luma([red, green, blue]);
        let red = blend(gray, red, factor_vector);
        let green = _mm256_slli_epi32::<8>(blend(gray, green, factor_vector));
        let blue = _mm256_slli_epi32::<16>(blend(gray, blue, factor_vector));
        let pixels = _mm256_or_si256(_mm256_or_si256(red, green), blue);
        store_pixels(pixels, block);
    }
    scalar::saturate(rest, factor);
}

/// The first four pixels begin the low lane, the last four end the high one.
#[target_feature(enable = "avx2")]
#[inline]
fn lanes(block: &[u8; BLOCK]) -> __m256i {
    let first = load_lane(&block[..16].as_chunks().0[0]);
    let last = load_lane(&block[8..].as_chunks().0[0]);
    _mm256_set_m128i(last, first)
}

/// The channels of eight pixels, 32 bits per level.
#[target_feature(enable = "avx2")]
#[inline]
fn channels(block: &[u8; BLOCK]) -> [__m256i; 3] {
    let pixels = lanes(block);
    let [red, green, blue] = &SPREAD;
    [
        _mm256_shuffle_epi8(pixels, load(red)),
        _mm256_shuffle_epi8(pixels, load(green)),
        _mm256_shuffle_epi8(pixels, load(blue)),
    ]
}

/// One channel of eight pixels, 32 bits per level.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn channel_of(block: &[u8; BLOCK], channel: usize) -> __m256i {
    _mm256_shuffle_epi8(lanes(block), load(&SPREAD[channel]))
}

/// [`scalar::luma`]. Green's weight does not fit in a signed 16-bit number, so it is split in two.
#[target_feature(enable = "avx2")]
#[inline]
fn luma([red, green, blue]: [__m256i; 3]) -> __m256i {
    const HALF: i32 = 19235;
    let red_green = _mm256_or_si256(red, _mm256_slli_epi32::<16>(green));
    let green_blue = _mm256_or_si256(green, _mm256_slli_epi32::<16>(blue));
    let first = _mm256_madd_epi16(red_green, _mm256_set1_epi32(HALF << 16 | 19595));
    let second = _mm256_madd_epi16(green_blue, _mm256_set1_epi32(7471 << 16 | HALF));
    let sum = _mm256_add_epi32(first, second);
    _mm256_srli_epi32::<16>(_mm256_add_epi32(sum, _mm256_set1_epi32(0x8000)))
}

/// [`scalar::blend`] of levels of 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn blend(base: __m256i, level: __m256i, factor: __m256) -> __m256i {
    let difference = _mm256_cvtepi32_ps(_mm256_sub_epi32(level, base));
    let value = _mm256_add_ps(_mm256_cvtepi32_ps(base), _mm256_mul_ps(factor, difference));
    // NaN becomes 0, as in a cast.
    let value = _mm256_max_ps(value, _mm256_setzero_ps());
    _mm256_cvttps_epi32(_mm256_min_ps(value, _mm256_set1_ps(255.0)))
}

#[target_feature(enable = "avx2")]
pub(super) fn sharpen_row(rows: [&[u8]; 3], factor: f32, sums: &mut [u16], out: &mut [u8]) {
    scalar::sum_columns(rows, sums);
    let inner = out.len() - 6;
    let here = rows[1];
    let [left, middle, right] = [0, 3, 6].map(|shift| sums[shift..shift + inner].as_chunks().0);
    let (levels, _) = here[3..3 + inner].as_chunks();
    let (blocks, _) = out[3..3 + inner].as_chunks_mut();
    let factor_vector = _mm256_set1_ps(factor);
    for (index, block) in blocks.iter_mut().enumerate() {
        let level = _mm256_cvtepu8_epi16(load_lane(&levels[index]));
        let sum = _mm256_add_epi16(
            load::<[u16; 16]>(&left[index]),
            load::<[u16; 16]>(&middle[index]),
        );
        let sum = _mm256_add_epi16(sum, load::<[u16; 16]>(&right[index]));
        let sum = _mm256_add_epi16(sum, _mm256_slli_epi16::<2>(level));
        let rounded = _mm256_add_epi16(sum, _mm256_set1_epi16(6));
        let product = _mm256_mulhi_epu16(rounded, _mm256_set1_epi16(scalar::THIRTEENTH as i16));
        let smooth = _mm256_srli_epi16::<2>(product);
        let half = |vector: __m256i| {
            let low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(vector));
            let high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(vector));
            [low, high]
        };
        let ([smooth_low, smooth_high], [low, high]) = (half(smooth), half(level));
        let low = blend(smooth_low, low, factor_vector);
        let high = blend(smooth_high, high, factor_vector);
        let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(low, high));
        let (low, high) = (
            _mm256_castsi256_si128(words),
            _mm256_extracti128_si256::<1>(words),
        );
        store_lane(_mm_packus_epi16(low, high), block);
    }
    let done = inner / 16 * 16;
    scalar::sharpen_from(done, inner, here, factor, sums, out);
}

/// Where the bytes of four pixels lie, in both lanes, as [`SPREAD`].
const WORDS: [u8; 32] = {
    let mut places = [0x80; 32];
    let mut byte = 0;
    while byte < BLOCK {
        let lane = byte / 12;
        places[lane * 16 + byte % 12 / 3 * 4 + byte % 3] = (byte % 12 + 4 * lane) as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx2")]
pub(super) fn spread(pixels: &[u8], words: &mut [u32]) {
    let (blocks, rest) = pixels.as_chunks::<BLOCK>();
    let (groups, last) = words.as_chunks_mut::<8>();
    for (block, group) in blocks.iter().zip(groups) {
        store(_mm256_shuffle_epi8(lanes(block), load(&WORDS)), group);
    }
    scalar::spread(rest, last);
}

/// For 16 pixels in three vectors of 16 bytes: where in each vector a channel's levels lie; a set high
/// bit gives 0. The first index is the channel, the second the vector.
const SPLIT: [[[u8; 16]; 3]; 3] = {
    let mut places = [[[0x80; 16]; 3]; 3];
    let mut byte = 0;
    while byte < 48 {
        places[byte % 3][byte / 16][byte / 3] = (byte % 16) as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx2")]
pub(super) fn split(pixels: &[u8], planes: [&mut [u8]; 3]) {
    let (blocks, rest) = pixels.as_chunks::<48>();
    let done = 16 * blocks.len();
    let mut planes = planes.map(|plane| plane.split_at_mut(done));
    for (index, block) in blocks.iter().enumerate() {
        let (parts, _) = block.as_chunks::<16>();
        for ((plane, _), places) in planes.iter_mut().zip(&SPLIT) {
            let mut levels = _mm_setzero_si128();
            for (part, places) in parts.iter().zip(places) {
                let picked = _mm_shuffle_epi8(load_lane(part), load_lane(places));
                levels = _mm_or_si128(levels, picked);
            }
            store_lane(levels, &mut plane.as_chunks_mut::<16>().0[index]);
        }
    }
    scalar::split(rest, planes.map(|(_, rest)| rest));
}
