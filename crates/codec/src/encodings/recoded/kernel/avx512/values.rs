//! The values of AC pairs and of DC, from their raw bits.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::layout::{MOST_BLOCKS, Shape};
use super::super::super::model::{DC_CLASSES, ESCAPE};
use super::super::{AcBits, Blocks, DcBits, Escapes, Symbols, Values};

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(in super::super) fn values(
    pairs: &Symbols,
    count: usize,
    bits: &AcBits,
    values: &mut Values,
    escapes: &mut Escapes,
) -> (usize, usize) {
    let by_class = |value: fn(u32) -> i32| {
        let bytes: [i8; 16] = std::array::from_fn(|class| match class {
            1..=7 => value(class as u32) as i8,
            _ => 0,
        });
        // SAFETY: the array is as large as the register.
        _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    };
    let widths = by_class(|class| (1 << class) - 1);
    let halves = by_class(|class| 1 << (class - 1));
    let offsets = by_class(|class| 1 - (1 << class));
    let zero = _mm512_setzero_si512();
    let spread = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8,
    ));
    let following = _mm512_set1_epi64(0x0706_0504_0302_0100);
    let (mut used, mut escaped) = (0usize, 0);
    for i in (0..count).step_by(32) {
        // 32 pairs, 64 classes: the low half of a byte first.
        // SAFETY: `pairs` holds `SLACK` more than any count.
        let pairs =
            unsafe { _mm256_loadu_si256(pairs.as_ptr().add(i.min(pairs.len() - 32)).cast()) };
        let wide = _mm512_cvtepu8_epi16(pairs);
        let both = _mm512_or_si512(wide, _mm512_slli_epi16::<4>(wide));
        let mut classes = _mm512_and_si512(both, _mm512_set1_epi8(0x0f));
        let mut beside = _mm512_cmpge_epu8_mask(classes, _mm512_set1_epi8(ESCAPE as i8));
        if beside != 0 {
            classes = _mm512_mask_mov_epi8(classes, beside, zero);
            while beside != 0 {
                escapes[escaped] = (2 * i + beside.trailing_zeros() as usize) as u16;
                escaped += 1;
                beside &= beside - 1;
            }
        }
        // In each 64 bits: byte j of the product is the sum of the classes up to the j-th.
        let sums = _mm512_mullo_epi64(classes, _mm512_set1_epi64(0x0101_0101_0101_0101));
        let shifts = _mm512_slli_epi64::<8>(sums);
        let total = _mm512_srli_epi64::<56>(sums);
        let sum = _mm512_add_epi64(total, _mm512_alignr_epi64::<7>(total, zero));
        let sum = _mm512_add_epi64(sum, _mm512_alignr_epi64::<6>(sum, zero));
        let sum = _mm512_add_epi64(sum, _mm512_alignr_epi64::<4>(sum, zero));
        // Where the bits of each eight values start.
        let start = _mm512_add_epi64(
            _mm512_sub_epi64(sum, total),
            _mm512_set1_epi64((used % 8) as i64),
        );
        let window = load!(bits, used / 8);
        let bytes = _mm512_shuffle_epi8(_mm512_srli_epi64::<3>(start), spread);
        let window = _mm512_permutexvar_epi8(_mm512_add_epi8(bytes, following), window);
        let window = _mm512_srlv_epi64(window, _mm512_and_si512(start, _mm512_set1_epi64(7)));
        let value = _mm512_multishift_epi64_epi8(shifts, window);
        let value = _mm512_and_si512(value, _mm512_shuffle_epi8(widths, classes));
        let negative = _mm512_cmplt_epu8_mask(value, _mm512_shuffle_epi8(halves, classes));
        let value = _mm512_mask_add_epi8(
            value,
            negative,
            value,
            _mm512_shuffle_epi8(offsets, classes),
        );
        store!(values, 2 * i, value);
        used += _mm_extract_epi64::<1>(_mm512_extracti32x4_epi32::<3>(sum)) as usize;
    }
    (used, escaped)
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(in super::super) fn dc(
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &Blocks<u8>,
    bits: &DcBits,
    dc: &mut Blocks<i16>,
) -> usize {
    let mut differences: Blocks<i16> = [0; _];
    let zero = _mm512_setzero_si512();
    let one = _mm512_set1_epi32(1);
    let spread = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12,
    ));
    let following = _mm512_set1_epi32(0x0302_0100);
    let mut used = 0usize;
    for i in (0..shape.blocks).step_by(16) {
        // SAFETY: the arrays hold `SLACK` more than any block.
        let (symbol, reach) = unsafe {
            (
                _mm512_cvtepu8_epi32(_mm_loadu_si128(blocks.as_ptr().add(i).cast())),
                _mm512_cvtepu8_epi32(_mm_loadu_si128(reach.as_ptr().add(i).cast())),
            )
        };
        let whole = _mm512_mullo_epi32(reach, _mm512_set1_epi32(DC_CLASSES as i32));
        let most = _mm512_set1_epi32(DC_CLASSES as i32 - 1);
        let class = _mm512_min_epu32(_mm512_sub_epi32(symbol, whole), most);
        let sum = _mm512_add_epi32(class, _mm512_alignr_epi32::<15>(class, zero));
        let sum = _mm512_add_epi32(sum, _mm512_alignr_epi32::<14>(sum, zero));
        let sum = _mm512_add_epi32(sum, _mm512_alignr_epi32::<12>(sum, zero));
        let sum = _mm512_add_epi32(sum, _mm512_alignr_epi32::<8>(sum, zero));
        let start = _mm512_add_epi32(
            _mm512_sub_epi32(sum, class),
            _mm512_set1_epi32((used % 8) as i32),
        );
        let window = load!(bits, used / 8);
        let bytes = _mm512_shuffle_epi8(_mm512_srli_epi32::<3>(start), spread);
        let window = _mm512_permutexvar_epi8(_mm512_add_epi8(bytes, following), window);
        let window = _mm512_srlv_epi32(window, _mm512_and_si512(start, _mm512_set1_epi32(7)));
        let power = _mm512_sllv_epi32(one, class);
        let widest = _mm512_sub_epi32(power, one);
        let value = _mm512_and_si512(window, widest);
        let negative = _mm512_cmplt_epu32_mask(value, _mm512_srli_epi32::<1>(power));
        let value = _mm512_mask_sub_epi32(value, negative, value, widest);
        // SAFETY: as above.
        unsafe {
            let into = differences.as_mut_ptr().add(i);
            _mm256_storeu_si256(into.cast(), _mm512_cvtepi32_epi16(value));
        }
        used += _mm_extract_epi32::<3>(_mm512_extracti32x4_epi32::<3>(sum)) as usize;
    }
    for row in shape.rows() {
        // A row has eight blocks at most. Values stored beyond a shorter row are overwritten by the next.
        let first = row.first.min(MOST_BLOCKS);
        let above = row.above.map_or(0, |above| dc[above]);
        // SAFETY: the arrays hold `SLACK` more than any block.
        unsafe {
            let sum = _mm_loadu_si128(differences.as_ptr().add(first).cast());
            let sum = _mm_add_epi16(sum, _mm_slli_si128::<2>(sum));
            let sum = _mm_add_epi16(sum, _mm_slli_si128::<4>(sum));
            let sum = _mm_add_epi16(sum, _mm_slli_si128::<8>(sum));
            let sum = _mm_add_epi16(sum, _mm_set1_epi16(above));
            _mm_storeu_si128(dc.as_mut_ptr().add(first).cast(), sum);
        }
    }
    used
}
