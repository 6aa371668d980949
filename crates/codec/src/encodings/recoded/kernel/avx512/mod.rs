//! The kernels with 512-bit vectors: 16 states, 64 bytes or a whole block in a register.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// Wider vectors do not make packing faster: the loop around it is limited by the bits.
pub(super) use super::avx2::{blocks, blocks_of, encode, mask_bytes, pairs, together};

use super::super::contexts::Contexts;
use super::super::layout::{MOST_BLOCKS, Shape};
use super::super::model::MASK_BYTES;
use super::scalar;
use super::{Blocks, Decoded, Masks, Symbols};
use crate::jpeg::group::{BLOCKS, Group, ZIGZAG};

/// Which byte of a block in zigzag order each row-major place takes.
static UNZIGZAG: Bytes = {
    let mut places = [0; 64];
    let mut k = 0;
    while k < 64 {
        places[ZIGZAG[k] as usize] = k as u8;
        k += 1;
    }
    Bytes(places)
};

#[repr(align(64))]
struct Bytes([u8; 64]);

/// Loads 64 bytes from `at` of an array. If they would reach beyond its end, loads the last 64 bytes instead.
macro_rules! load {
    ($array:expr, $at:expr) => {{
        let array: &[_] = &$array[..];
        let most = array.len() - 64 / size_of_val(&array[0]);
        // SAFETY: from `most` on, the array holds the 64 bytes of a register.
        unsafe { _mm512_loadu_si512(array.as_ptr().add(($at).min(most)).cast()) }
    }};
}

/// Stores 64 bytes to `at` of an array, or to its last 64 bytes.
macro_rules! store {
    ($array:expr, $at:expr, $value:expr) => {{
        let array: &mut [_] = &mut $array[..];
        let most = array.len() - 64 / size_of_val(&array[0]);
        // SAFETY: from `most` on, the array has room for the 64 bytes of a register.
        unsafe { _mm512_storeu_si512(array.as_mut_ptr().add(($at).min(most)).cast(), $value) }
    }};
}

mod symbols;
mod values;

pub(super) use symbols::symbols;
pub(super) use values::{dc, values};

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn mask_contexts(
    model: &Contexts,
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &mut Blocks<u8>,
    contexts: &mut Symbols,
) -> usize {
    // x / 12 = x * 43 >> 9 for x < 128; the tables have no larger symbols.
    let twelfth = |symbols: __m256i| {
        let wide = _mm512_mullo_epi16(_mm512_cvtepu8_epi16(symbols), _mm512_set1_epi16(43));
        _mm512_cvtepi16_epi8(_mm512_srli_epi16::<9>(wide))
    };
    let mut reaches = [_mm512_setzero_si512(); 3];
    for (q, value) in reaches.iter_mut().enumerate() {
        let symbols = load!(blocks, q * 64);
        let low = twelfth(_mm512_castsi512_si256(symbols));
        let high = twelfth(_mm512_extracti64x4_epi64::<1>(symbols));
        let all = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        *value = _mm512_min_epu8(all, _mm512_set1_epi8(MASK_BYTES as i8));
        store!(reach, q * 64, *value);
    }
    let chunks = shape.blocks.div_ceil(64);
    let mut count = 0;
    for position in 0..MASK_BYTES {
        let [of_luma, of_chroma] = [false, true].map(|chroma| {
            let row = model.mask_row(chroma, position);
            // SAFETY: a row has sixteen bytes, and lies at a multiple of that.
            _mm512_broadcast_i32x4(unsafe { _mm_load_si128(row.0.as_ptr().cast()) })
        });
        for (&reach, &is_chroma) in reaches.iter().zip(&shape.chroma).take(chunks) {
            let active = _mm512_cmpgt_epu8_mask(reach, _mm512_set1_epi8(position as i8));
            let context = _mm512_mask_shuffle_epi8(
                _mm512_shuffle_epi8(of_luma, reach),
                is_chroma,
                of_chroma,
                reach,
            );
            store!(contexts, count, _mm512_maskz_compress_epi8(active, context));
            count += active.count_ones() as usize;
        }
    }
    count
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn masks(shape: &Shape, reach: &Blocks<u8>, bytes: &Masks, masks: &mut Blocks<u64>) {
    const CHUNKS: usize = MOST_BLOCKS / 64;
    let mut planes = [[_mm512_setzero_si512(); MASK_BYTES]; CHUNKS];
    let chunks = shape.blocks.div_ceil(64);
    let reaches: [__m512i; CHUNKS] = std::array::from_fn(|q| load!(reach, q * 64));
    let mut at = 0;
    for position in 0..MASK_BYTES {
        for (planes, reach) in planes.iter_mut().zip(reaches).take(chunks) {
            let active = _mm512_cmpgt_epu8_mask(reach, _mm512_set1_epi8(position as i8));
            planes[position] = _mm512_maskz_expand_epi8(active, load!(bytes, at));
            at += active.count_ones() as usize;
        }
    }
    for (q, p) in planes.into_iter().enumerate().take(chunks) {
        let bytes: [__m512i; 8] = std::array::from_fn(|i| match i % 2 {
            0 => _mm512_unpacklo_epi8(p[i], p[i + 1]),
            _ => _mm512_unpackhi_epi8(p[i - 1], p[i]),
        });
        // bytes[0] and [2]: low halves of positions 0, 1 and 2, 3; [1] and [3] the high halves.
        let pairs: [__m512i; 8] = std::array::from_fn(|i| {
            let (from, half) = (i / 4 * 4, i / 2 % 2);
            let (a, b) = (bytes[from + half], bytes[from + half + 2]);
            if i % 2 == 0 {
                _mm512_unpacklo_epi16(a, b)
            } else {
                _mm512_unpackhi_epi16(a, b)
            }
        });
        for i in 0..4 {
            for (half, masks_of_two) in [
                _mm512_unpacklo_epi32(pairs[i], pairs[i + 4]),
                _mm512_unpackhi_epi32(pairs[i], pairs[i + 4]),
            ]
            .into_iter()
            .enumerate()
            {
                // Each 128 bits hold two masks, those of four times sixteen blocks.
                let mut quarters = [0u64; 8];
                // SAFETY: the array is as large as a register.
                unsafe { _mm512_storeu_si512(quarters.as_mut_ptr().cast(), masks_of_two) };
                for (quarter, two) in quarters.chunks_exact(2).enumerate() {
                    let block = q * 64 + quarter * 16 + 4 * i + 2 * half;
                    masks[block..block + 2].copy_from_slice(two);
                }
            }
        }
    }
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn pair_contexts(
    model: &Contexts,
    shape: &Shape,
    masks: &Blocks<u64>,
    first: &mut Blocks<u16>,
    contexts: &mut Symbols,
) -> usize {
    scalar::pair_contexts(model, shape, masks, first, contexts)
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn place(unit: &Decoded<'_>, first: usize, count: usize, group: &mut Group) {
    let unzigzag = load!(UNZIGZAG.0, 0);
    // Each block as bytes, row-major; missing blocks are zero.
    let block: [__m512i; BLOCKS] = std::array::from_fn(|lane| {
        if lane >= count {
            return _mm512_setzero_si512();
        }
        let values = load!(unit.values, usize::from(unit.first[first + lane]));
        let zigzag = _mm512_maskz_expand_epi8(unit.masks[first + lane], values);
        _mm512_permutexvar_epi8(unzigzag, zigzag)
    });
    // Even and odd rows of two blocks, then of four: 32 bytes per row of the group.
    let even = (
        _mm512_unpacklo_epi64(block[0], block[1]),
        _mm512_unpacklo_epi64(block[2], block[3]),
    );
    let odd = (
        _mm512_unpackhi_epi64(block[0], block[1]),
        _mm512_unpackhi_epi64(block[2], block[3]),
    );
    let low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    let rows = [
        _mm512_permutex2var_epi64(even.0, low, even.1),
        _mm512_permutex2var_epi64(odd.0, low, odd.1),
        _mm512_permutex2var_epi64(even.0, high, even.1),
        _mm512_permutex2var_epi64(odd.0, high, odd.1),
    ];
    for (i, rows) in rows.into_iter().enumerate() {
        let upper = i / 2 * 4 + i % 2;
        let mut wide = _mm512_cvtepi8_epi16(_mm512_castsi512_si256(rows));
        if upper == 0 {
            // SAFETY: `dc` holds `SLACK` more than any block.
            let dc =
                unsafe { _mm_loadl_epi64(unit.dc.as_ptr().add(first.min(MOST_BLOCKS)).cast()) };
            let lanes = 0x0101_0101 & ((1u64 << (8 * count)) - 1) as __mmask32;
            wide = _mm512_mask_expand_epi16(wide, lanes, _mm512_castsi128_si512(dc));
        }
        store!(group.0, upper * 32, wide);
        store!(
            group.0,
            (upper + 2) * 32,
            _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64::<1>(rows))
        );
    }
}
