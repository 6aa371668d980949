//! The kernels with 512-bit vectors. Tables are in registers and looked up by permutations. Arithmetic works on 16
//! pixels at a time, one channel per vector, 32 bits per level.

use std::arch::x86_64::*;

use super::{Table, scalar};
use crate::simd::avx512::{
    load, load_half, load_some, store, store_half, store_pixels, store_some,
};

/// Which bytes of three consecutive vectors belong to a channel.
const CHANNEL: [[u64; 3]; 3] = {
    let mut masks = [[0; 3]; 3];
    let mut byte = 0;
    while byte < 192 {
        masks[byte / 64][byte % 3] |= 1 << (byte % 64);
        byte += 1;
    }
    masks
};

/// Bytes of 16 pixels.
const BLOCK: usize = 48;

/// Where the levels of 16 pixels lie, for each channel, in the low byte of 32 bits.
const SPREAD: [[u8; 64]; 3] = {
    let mut places = [[0; 64]; 3];
    let mut byte = 0;
    while byte < BLOCK {
        places[byte % 3][byte / 3 * 4] = byte as u8;
        byte += 1;
    }
    places
};

/// The low bytes of 32 bits.
const LOW_BYTES: u64 = 0x1111_1111_1111_1111;

/// Where the bytes of 16 pixels lie, one word per pixel.
const WORDS: [u8; 64] = {
    let mut places = [0; 64];
    let mut byte = 0;
    while byte < BLOCK {
        places[byte / 3 * 4 + byte % 3] = byte as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn map(pixels: &mut [u8], tables: &[Table; 3]) {
    let [red, green, blue] = tables;
    let tables = [registers_of(red), registers_of(green), registers_of(blue)];
    let (blocks, rest) = pixels.as_chunks_mut::<192>();
    for block in blocks {
        for (part, bytes) in block.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            store(map_part(load(bytes), part, &tables), bytes);
        }
    }
    for (part, bytes) in rest.chunks_mut(64).enumerate() {
        store_some(map_part(load_some(bytes), part, &tables), bytes);
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn registers_of(table: &Table) -> [__m512i; 4] {
    let (parts, _) = table.as_chunks::<64>();
    [
        load(&parts[0]),
        load(&parts[1]),
        load(&parts[2]),
        load(&parts[3]),
    ]
}

/// The levels of one of three consecutive vectors, sent through their tables. One of six permutations replaces each
/// byte, and the others pass it on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn map_part(levels: __m512i, part: usize, tables: &[[__m512i; 4]; 3]) -> __m512i {
    let upper = _mm512_movepi8_mask(levels);
    let mut mapped = levels;
    for (table, lanes) in tables.iter().zip(CHANNEL[part]) {
        let [a, b, c, d] = *table;
        mapped = _mm512_mask2_permutex2var_epi8(a, mapped, lanes & !upper, b);
        mapped = _mm512_mask2_permutex2var_epi8(c, mapped, lanes & upper, d);
    }
    mapped
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn luma_sum(pixels: &[u8]) -> u64 {
    /// This many blocks cannot overflow 32 bits.
    const STRETCH: usize = BLOCK << 16;
    let mut sum = 0;
    for stretch in pixels.chunks(STRETCH) {
        let mut sums = _mm512_setzero_si512();
        for block in stretch.chunks(BLOCK) {
            sums = _mm512_add_epi32(sums, luma(channels(load_some(block))));
        }
        let low = _mm512_and_si512(sums, _mm512_set1_epi64(0xffff_ffff));
        let sums = _mm512_add_epi64(low, _mm512_srli_epi64::<32>(sums));
        sum += _mm512_reduce_add_epi64(sums) as u64;
    }
    sum
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn saturate(pixels: &mut [u8], factor: f32) {
    let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
    for block in blocks {
        saturate_block(block, factor);
    }
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    saturate_block(&mut last, factor);
    rest.copy_from_slice(&last[..rest.len()]);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn saturate_block(block: &mut [u8; BLOCK], factor: f32) {
    let [red, green, blue] = channels(load_some(block));
    let gray = luma([red, green, blue]);
    let factor = _mm512_set1_ps(factor);
    let red = blend(gray, red, factor);
    let green = _mm512_slli_epi32::<8>(blend(gray, green, factor));
    let blue = _mm512_slli_epi32::<16>(blend(gray, blue, factor));
    let pixels = _mm512_or_si512(_mm512_or_si512(red, green), blue);
    store_pixels(pixels, block);
}

/// The channels of 16 pixels, 32 bits per level.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
fn channels(pixels: __m512i) -> [__m512i; 3] {
    let [red, green, blue] = &SPREAD;
    [
        _mm512_maskz_permutexvar_epi8(LOW_BYTES, load(red), pixels),
        _mm512_maskz_permutexvar_epi8(LOW_BYTES, load(green), pixels),
        _mm512_maskz_permutexvar_epi8(LOW_BYTES, load(blue), pixels),
    ]
}

/// One channel of 16 pixels, 32 bits per level.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[inline]
pub(crate) fn channel_of(pixels: __m512i, channel: usize) -> __m512i {
    _mm512_maskz_permutexvar_epi8(LOW_BYTES, load(&SPREAD[channel]), pixels)
}

/// [`scalar::luma`]. Green's weight does not fit in a signed 16-bit number, so it is split in two.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn luma([red, green, blue]: [__m512i; 3]) -> __m512i {
    const HALF: i32 = 19235;
    let red_green = _mm512_or_si512(red, _mm512_slli_epi32::<16>(green));
    let green_blue = _mm512_or_si512(green, _mm512_slli_epi32::<16>(blue));
    let first = _mm512_madd_epi16(red_green, _mm512_set1_epi32(HALF << 16 | 19595));
    let second = _mm512_madd_epi16(green_blue, _mm512_set1_epi32(7471 << 16 | HALF));
    let sum = _mm512_add_epi32(first, second);
    _mm512_srli_epi32::<16>(_mm512_add_epi32(sum, _mm512_set1_epi32(0x8000)))
}

/// [`scalar::blend`] of levels of 32 bits.
#[target_feature(enable = "avx512f")]
#[inline]
fn blend(base: __m512i, level: __m512i, factor: __m512) -> __m512i {
    let difference = _mm512_cvtepi32_ps(_mm512_sub_epi32(level, base));
    let value = _mm512_add_ps(_mm512_cvtepi32_ps(base), _mm512_mul_ps(factor, difference));
    // NaN becomes 0, as in a cast.
    let value = _mm512_max_ps(value, _mm512_setzero_ps());
    _mm512_cvttps_epi32(_mm512_min_ps(value, _mm512_set1_ps(255.0)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn sharpen_row(rows: [&[u8]; 3], factor: f32, sums: &mut [u16], out: &mut [u8]) {
    scalar::sum_columns(rows, sums);
    let inner = out.len() - 6;
    let here = rows[1];
    let [left, middle, right] = [0, 3, 6].map(|shift| sums[shift..shift + inner].as_chunks().0);
    let (levels, _) = here[3..3 + inner].as_chunks();
    let (blocks, _) = out[3..3 + inner].as_chunks_mut();
    let factor_vector = _mm512_set1_ps(factor);
    for (index, block) in blocks.iter_mut().enumerate() {
        let level = _mm512_cvtepu8_epi16(load_half(&levels[index]));
        let sum = _mm512_add_epi16(
            load::<[u16; 32]>(&left[index]),
            load::<[u16; 32]>(&middle[index]),
        );
        let sum = _mm512_add_epi16(sum, load::<[u16; 32]>(&right[index]));
        let sum = _mm512_add_epi16(sum, _mm512_slli_epi16::<2>(level));
        let rounded = _mm512_add_epi16(sum, _mm512_set1_epi16(6));
        let product = _mm512_mulhi_epu16(rounded, _mm512_set1_epi16(scalar::THIRTEENTH as i16));
        let smooth = _mm512_srli_epi16::<2>(product);
        let half = |vector: __m512i| {
            let low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(vector));
            let high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(vector));
            [low, high]
        };
        let ([smooth_low, smooth_high], [low, high]) = (half(smooth), half(level));
        let low = _mm512_cvtepi32_epi8(blend(smooth_low, low, factor_vector));
        let high = _mm512_cvtepi32_epi8(blend(smooth_high, high, factor_vector));
        store_half(_mm256_set_m128i(high, low), block);
    }
    let done = inner / 32 * 32;
    scalar::sharpen_from(done, inner, here, factor, sums, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn spread(pixels: &[u8], words: &mut [u32]) {
    const THREE_OF_FOUR: u64 = 0x7777_7777_7777_7777;
    let (blocks, rest) = pixels.as_chunks::<BLOCK>();
    let (groups, last) = words.as_chunks_mut::<16>();
    for (block, group) in blocks.iter().zip(groups) {
        let words = _mm512_maskz_permutexvar_epi8(THREE_OF_FOUR, load(&WORDS), load_some(block));
        store(words, group);
    }
    scalar::spread(rest, last);
}

/// Where the levels of each channel are for 64 pixels: in their first 128 bytes, and for the rest in the last 64 bytes.
const PLANE: [[u8; 64]; 3] = {
    let mut places = [[0; 64]; 3];
    let mut byte = 0;
    while byte < 192 {
        places[byte % 3][byte / 3] = (byte % 128) as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn split(pixels: &[u8], planes: [&mut [u8]; 3]) {
    let (blocks, rest) = pixels.as_chunks::<192>();
    let mut tail = [0; 192];
    tail[..rest.len()].copy_from_slice(rest);
    for (channel, plane) in planes.into_iter().enumerate() {
        let places = load(&PLANE[channel]);
        // The levels of the last pixels lie in the third vector.
        let third = !0 << (128 - channel).div_ceil(3);
        let (lines, _) = plane.as_chunks_mut::<64>();
        for (index, line) in lines.iter_mut().enumerate() {
            let (parts, _) = blocks.get(index).unwrap_or(&tail).as_chunks::<64>();
            let both = _mm512_permutex2var_epi8(load(&parts[0]), places, load(&parts[1]));
            let levels = _mm512_mask_permutexvar_epi8(both, third, places, load(&parts[2]));
            store(levels, line);
        }
    }
}
