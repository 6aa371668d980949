//! Moves values to their places in a group: masks spread eight values at a time, shuffles undo the zigzag order.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::layout::MOST_BLOCKS;
use super::super::super::layout::MOST_VALUES;
use super::super::Decoded;
use super::{APART, NONE};
use crate::jpeg::group::{BLOCKS, Group, ZIGZAG};

/// For each two rows of a block, which bytes they take from each quarter of the zigzag order.
static UNZIGZAG: [[Quarter; 4]; 4] = {
    let mut shuffles = [[const { Quarter([NONE; 16]) }; 4]; 4];
    let mut k = 0;
    while k < 64 {
        let place = ZIGZAG[k] as usize;
        shuffles[place / 16][k / 16].0[place % 16] = (k % 16) as u8;
        k += 1;
    }
    shuffles
};

#[derive(Clone, Copy)]
#[repr(align(16))]
struct Quarter([u8; 16]);

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn place(unit: &Decoded<'_>, first: usize, count: usize, group: &mut Group) {
    for side in 0..2 {
        let two = first + 2 * side;
        let there = count.saturating_sub(2 * side).min(2);
        let rows = if there == 0 {
            [_mm256_setzero_si256(); 8]
        } else {
            blocks(unit, two, there)
        };
        for (row, values) in rows.into_iter().enumerate() {
            let at = (row * BLOCKS + 2 * side) * 8;
            // SAFETY: 7 * 32 + 16 + 16 values are those of the group.
            unsafe { _mm256_storeu_si256(group.0.as_mut_ptr().add(at).cast(), values) };
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn blocks_of(unit: &Decoded<'_>, first: usize, into: &mut [[i16; 64]]) {
    for (i, two) in into.chunks_mut(2).enumerate() {
        let at = (first + 2 * i).min(MOST_BLOCKS);
        let masks = [unit.masks[at], unit.masks[at + 1]];
        let starts = [unit.first[at], unit.first[at + 1]];
        let quarters = apart(
            unit,
            masks,
            starts.map(|start| usize::from(start).min(MOST_VALUES)),
        );
        for (block, into) in two.iter_mut().enumerate() {
            for (quarter, into) in quarters.iter().zip(into.as_chunks_mut::<16>().0) {
                let bytes = match block {
                    0 => _mm256_castsi256_si128(*quarter),
                    _ => _mm256_extracti128_si256::<1>(*quarter),
                };
                // SAFETY: sixteen values are those of the register.
                unsafe {
                    _mm256_storeu_si256(into.as_mut_ptr().cast(), _mm256_cvtepi8_epi16(bytes));
                }
            }
            into[0] = unit.dc[at + block];
        }
    }
}

/// The eight rows of two blocks side by side, or of one and zeros.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
fn blocks(unit: &Decoded<'_>, first: usize, count: usize) -> [__m256i; 8] {
    let first = first.min(MOST_BLOCKS);
    let masks = [
        unit.masks[first],
        if count > 1 { unit.masks[first + 1] } else { 0 },
    ];
    let starts = [unit.first[first], unit.first[first + 1]];
    let starts = starts.map(|start| usize::from(start).min(MOST_VALUES));
    let zigzag = apart(unit, masks, starts);
    let zero = _mm256_setzero_si256();
    let mut rows = [zero; 8];
    for (i, shuffles) in UNZIGZAG.iter().enumerate() {
        let mut bytes = zero;
        for (quarter, shuffle) in zigzag.iter().zip(shuffles) {
            // SAFETY: a shuffle has 16 bytes.
            let shuffle = unsafe { _mm_load_si128(shuffle.0.as_ptr().cast()) };
            let taken = _mm256_shuffle_epi8(*quarter, _mm256_broadcastsi128_si256(shuffle));
            bytes = _mm256_or_si256(bytes, taken);
        }
        rows[2 * i] = _mm256_srai_epi16::<8>(_mm256_unpacklo_epi8(zero, bytes));
        rows[2 * i + 1] = _mm256_srai_epi16::<8>(_mm256_unpackhi_epi8(zero, bytes));
    }
    let dc = _mm256_set_m128i(
        _mm_cvtsi32_si128(if count > 1 {
            unit.dc[first + 1].into()
        } else {
            0
        }),
        _mm_cvtsi32_si128(unit.dc[first].into()),
    );
    rows[0] = _mm256_blend_epi16::<1>(rows[0], dc);
    rows
}

/// Two blocks in zigzag order, a quarter a register, one block in each half: the values from each of `starts`
/// on, at the places of the ones of each mask. Values lie up to `MOST_VALUES + SLACK`.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
fn apart(unit: &Decoded<'_>, masks: [u64; 2], starts: [usize; 2]) -> [__m256i; 4] {
    let second = _mm256_set1_epi64x(0x0808_0808_0808_0808);
    let second = _mm256_unpackhi_epi64(_mm256_setzero_si256(), second);
    let mut at = starts;
    let mut quarter = |q: usize| {
        let of: [(__m128i, __m128i); 2] = std::array::from_fn(|block| {
            let mask = (masks[block] >> (16 * q)) as usize;
            let (low, high) = (mask & 255, mask >> 8 & 255);
            let middle = at[block] + low.count_ones() as usize;
            // SAFETY: this is at most seven masks of eight ones behind a start, which is MOST_VALUES at most,
            // and the array holds `SLACK`, 64, more than that. A row of the table has eight bytes.
            let loaded = unsafe {
                let values = unit.values.as_ptr();
                let load = |from: *const u8| _mm_loadl_epi64(from.cast());
                (
                    _mm_unpacklo_epi64(
                        load(values.add(at[block]).cast()),
                        load(values.add(middle).cast()),
                    ),
                    _mm_unpacklo_epi64(load(APART[low].as_ptr()), load(APART[high].as_ptr())),
                )
            };
            at[block] = middle + high.count_ones() as usize;
            loaded
        });
        let values = _mm256_set_m128i(of[1].0, of[0].0);
        let shuffle = _mm256_set_m128i(of[1].1, of[0].1);
        _mm256_shuffle_epi8(values, _mm256_or_si256(shuffle, second))
    };
    let (first, second) = (quarter(0), quarter(1));
    if (masks[0] | masks[1]) >> 32 == 0 {
        let none = _mm256_setzero_si256();
        return [first, second, none, none];
    }
    [first, second, quarter(2), quarter(3)]
}
