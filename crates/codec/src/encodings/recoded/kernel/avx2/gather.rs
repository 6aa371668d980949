//! The encoder's half: turns coefficients into symbols, the inverse of `masks` and `values`.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::bits::{BitWriter, End};
use super::super::super::error::RecodeError;
use super::super::super::layout::{MOST_BLOCKS, Shape};
use super::super::super::layout::{MOST_MASKS, MOST_VALUES};
use super::super::super::model::{self, ESCAPE, MASK_BYTES};
use super::super::{BESIDE, Blocks, Masks, SLACK, Symbols, Values, scalar};
use super::{TOGETHER, both};

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn blocks(
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &mut Blocks<u64>,
    symbols: &mut Blocks<u8>,
    bits: &mut BitWriter,
) -> Result<(), RecodeError> {
    scalar::blocks(shape, units, masks, symbols, bits)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn mask_bytes(
    shape: &Shape,
    reach: &Blocks<u8>,
    masks: &Blocks<u64>,
    bytes: &mut Masks,
) {
    let mut rows = [[_mm_setzero_si128(); MASK_BYTES]; MOST_BLOCKS / 16];
    for (masks, rows) in masks.chunks_exact(16).zip(&mut rows) {
        *rows = transposed(masks);
    }
    let mut count = 0;
    for position in 0..MASK_BYTES {
        let before = count;
        let sixteen = reach.chunks_exact(16).take(shape.blocks.div_ceil(16));
        for (reach, rows) in sixteen.zip(&rows) {
            // SAFETY: there are sixteen bytes.
            let reach = unsafe { _mm_loadu_si128(reach.as_ptr().cast()) };
            let active = _mm_cmpgt_epi8(reach, _mm_set1_epi8(position as i8));
            let active = _mm_movemask_epi8(active) as usize;
            let row = _mm_shuffle_epi8(rows[position], both(&TOGETHER, active));
            let first = count.min(MOST_MASKS);
            let second = first + (active & 255).count_ones() as usize;
            // SAFETY: `first` is MOST_MASKS at most, and the array has room for `SLACK`, 64, more.
            unsafe {
                let into = bytes.as_mut_ptr();
                _mm_storel_epi64(into.add(first).cast(), row);
                _mm_storel_epi64(into.add(second).cast(), _mm_unpackhi_epi64(row, row));
            }
            count += active.count_ones() as usize;
        }
        if count == before {
            break;
        }
    }
}

/// Byte 0 of sixteen masks, byte 1, and so on.
#[target_feature(enable = "avx2")]
#[inline]
fn transposed(masks: &[u64]) -> [__m128i; MASK_BYTES] {
    let mut rows: [__m128i; MASK_BYTES] = std::array::from_fn(|i| {
        let [first, second] = [masks[2 * i], masks[2 * i + 1]];
        _mm_set_epi64x(second as i64, first as i64)
    });
    // Each round is a perfect shuffle of all 128 bytes: the highest bit of a byte's place becomes the lowest. A mask's
    // number has as many bits as there are rounds; afterwards that number stands where the place in the mask did.
    for _ in 0..4 {
        rows = std::array::from_fn(|i| match i % 2 {
            0 => _mm_unpacklo_epi8(rows[i / 2], rows[i / 2 + 4]),
            _ => _mm_unpackhi_epi8(rows[i / 2], rows[i / 2 + 4]),
        });
    }
    rows
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn together(
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &Blocks<u64>,
    first: &Blocks<u16>,
    values: &mut Values,
    escapes: &mut Vec<i16>,
) {
    let zero = _mm_setzero_si128();
    for ((block, &mask), &first) in units[..shape.blocks].iter().zip(masks).zip(first) {
        let start = usize::from(first).min(MOST_VALUES - 64);
        let (mut at, mut largest) = (start, zero);
        let mut sixteen = |q: usize| {
            let from = block[16 * q..].as_chunks::<8>().0;
            // SAFETY: each of both has eight values.
            let [low, high] =
                [&from[0], &from[1]].map(|eight| unsafe { _mm_loadu_si128(eight.as_ptr().cast()) });
            // The very first one is DC.
            let low = if q == 0 {
                _mm_blend_epi16::<1>(low, zero)
            } else {
                low
            };
            largest = _mm_max_epu16(
                largest,
                _mm_max_epu16(_mm_abs_epi16(low), _mm_abs_epi16(high)),
            );
            let set = (mask >> (16 * q)) as usize & 0xffff;
            let taken = _mm_shuffle_epi8(_mm_packs_epi16(low, high), both(&TOGETHER, set));
            let middle = at + (set & 255).count_ones() as usize;
            // SAFETY: both are at most 64 behind the start, which is that much before MOST_VALUES, and the array has
            // room for `SLACK`, 64, more.
            unsafe {
                let into = values.as_mut_ptr();
                _mm_storel_epi64(into.add(at).cast(), taken);
                _mm_storel_epi64(into.add(middle).cast(), _mm_unpackhi_epi64(taken, taken));
            }
            at = middle + (set >> 8).count_ones() as usize;
        };
        sixteen(0);
        sixteen(1);
        if mask >> 32 != 0 {
            sixteen(2);
            sixteen(3);
        }
        values[at] = 0;
        let beyond = _mm_subs_epu16(largest, _mm_set1_epi16(i8::MAX.into()));
        if _mm_testz_si128(beyond, beyond) == 0 {
            set_beside(block, mask, &mut values[start..], escapes);
        }
    }
    values[usize::from(first[shape.blocks])..][..SLACK].fill(0);
}

/// Marks the escaped ones among the values of a block. `values` are its nonzero coefficients.
#[cold]
fn set_beside(block: &[i16; 64], mut mask: u64, values: &mut [i8], escapes: &mut Vec<i16>) {
    for into in values {
        if mask == 0 {
            break;
        }
        let value = block[(mask.trailing_zeros() & 63) as usize];
        mask &= mask - 1;
        if model::class(value.into()) >= ESCAPE.into() {
            *into = BESIDE;
            escapes.push(value);
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn pairs(
    values: &Values,
    count: usize,
    pairs: &mut Symbols,
    room: &mut [u8],
    end: &mut End,
) {
    let table = |of: fn(u32) -> u8| {
        let of: [u8; 16] = std::array::from_fn(|i| of(i as u32));
        // SAFETY: the array is as large as the register.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(of.as_ptr().cast()) })
    };
    // Classes of magnitudes by their low and by their high half. If the high half is zero, the low one decides.
    let low_classes = table(|low| model::class(low as i32) as u8);
    let high_classes = table(|high| match high {
        0 => 0,
        _ => model::class((high << 4) as i32) as u8,
    });
    let widths = table(|class| match class {
        1..=7 => (1 << class) - 1,
        _ => 0,
    });
    let (nibble, zero) = (_mm256_set1_epi8(0x0f), _mm256_setzero_si256());
    let mut bits = *end;
    let sixteen = pairs.chunks_exact_mut(16).take(count.div_ceil(16));
    // Values are zero beyond `count` pairs and take no bits.
    for (pairs, values) in sixteen.zip(values.chunks_exact(32)) {
        // SAFETY: there are 32 bytes.
        let values = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
        let magnitudes = _mm256_abs_epi8(values);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(magnitudes), nibble);
        let classes = _mm256_max_epu8(
            _mm256_shuffle_epi8(low_classes, _mm256_and_si256(magnitudes, nibble)),
            _mm256_shuffle_epi8(high_classes, high),
        );
        let symbols = _mm256_maddubs_epi16(classes, _mm256_set1_epi16(0x1001));
        let symbols = _mm_packus_epi16(
            _mm256_castsi256_si128(symbols),
            _mm256_extracti128_si256::<1>(symbols),
        );
        // SAFETY: there are 16 bytes.
        unsafe { _mm_storeu_si128(pairs.as_mut_ptr().cast(), symbols) };
        let widths = _mm256_shuffle_epi8(widths, classes);
        // One less for a negative value; its low bits count.
        let raw = _mm256_add_epi8(values, _mm256_cmpgt_epi8(zero, values));
        let mut eight = |raw: i64, widths: i64| {
            let (raw, widths) = (raw as u64, widths as u64);
            bits.put(room, _pext_u64(raw, widths), widths.count_ones());
        };
        eight(
            _mm256_extract_epi64::<0>(raw),
            _mm256_extract_epi64::<0>(widths),
        );
        eight(
            _mm256_extract_epi64::<1>(raw),
            _mm256_extract_epi64::<1>(widths),
        );
        eight(
            _mm256_extract_epi64::<2>(raw),
            _mm256_extract_epi64::<2>(widths),
        );
        eight(
            _mm256_extract_epi64::<3>(raw),
            _mm256_extract_epi64::<3>(widths),
        );
    }
    *end = bits;
}
