//! Raw bits to values: AC with `pdep`, eight values an instruction, and DC with a gather.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::super::layout::MOST_AC;
use super::super::super::layout::{MOST_BLOCKS, Shape};
use super::super::super::model::{DC_CLASSES, ESCAPE};
use super::super::{AcBits, Blocks, DcBits, Escapes, Symbols, Values};

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn values(
    pairs: &Symbols,
    count: usize,
    bits: &AcBits,
    values: &mut Values,
    escapes: &mut Escapes,
) -> (usize, usize) {
    let by_class = |value: fn(u32) -> i32| {
        let of: [i8; 16] = std::array::from_fn(|class| match class {
            1..=7 => value(class as u32) as i8,
            _ => 0,
        });
        // SAFETY: the array is as large as the register.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(of.as_ptr().cast()) })
    };
    let widths = by_class(|class| (1 << class) - 1);
    let halves = by_class(|class| 1 << (class - 1));
    let offsets = by_class(|class| 1 - (1 << class));
    let nibble = _mm_set1_epi8(0x0f);
    let (mut used, mut escaped) = (0, 0);
    // `pairs` is zero beyond `count`, so rounding up only adds values without bits.
    let sixteen = pairs.chunks_exact(16).take(count.div_ceil(16));
    for (i, (pairs, values)) in sixteen.zip(values.chunks_exact_mut(32)).enumerate() {
        // SAFETY: there are 16 bytes.
        let pairs = unsafe { _mm_loadu_si128(pairs.as_ptr().cast()) };
        let first = _mm_and_si128(pairs, nibble);
        let second = _mm_and_si128(_mm_srli_epi16::<4>(pairs), nibble);
        let mut classes = _mm256_set_m128i(
            _mm_unpackhi_epi8(first, second),
            _mm_unpacklo_epi8(first, second),
        );
        let beside = _mm256_cmpgt_epi8(classes, _mm256_set1_epi8(ESCAPE as i8 - 1));
        let mut set = _mm256_movemask_epi8(beside) as u32;
        if set != 0 {
            classes = _mm256_andnot_si256(beside, classes);
            while set != 0 {
                escapes[escaped] = (32 * i) as u16 + set.trailing_zeros() as u16;
                escaped += 1;
                set &= set - 1;
            }
        }
        let width = _mm256_shuffle_epi8(widths, classes);
        let mut spread = |width: i64| {
            let width = width as u64;
            // SAFETY: no class has more than seven bits, so `used` is 8 * MOST_AC at most, and the array holds
            // `SLACK` more than that.
            let window = unsafe {
                bits.as_ptr()
                    .add((used / 8).min(MOST_AC))
                    .cast::<u64>()
                    .read_unaligned()
            };
            let raw = _pdep_u64(u64::from_le(window) >> (used % 8), width);
            used += width.count_ones() as usize;
            raw as i64
        };
        let [a, b, c, d] = [
            spread(_mm256_extract_epi64::<0>(width)),
            spread(_mm256_extract_epi64::<1>(width)),
            spread(_mm256_extract_epi64::<2>(width)),
            spread(_mm256_extract_epi64::<3>(width)),
        ];
        let raw = _mm256_set_epi64x(d, c, b, a);
        // All are nonnegative and at most 127, so a signed comparison works.
        let negative = _mm256_cmpgt_epi8(_mm256_shuffle_epi8(halves, classes), raw);
        let offset = _mm256_and_si256(negative, _mm256_shuffle_epi8(offsets, classes));
        // SAFETY: there are 32 bytes.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), _mm256_add_epi8(raw, offset)) };
    }
    (used, escaped)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(in super::super) fn dc(
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &Blocks<u8>,
    bits: &DcBits,
    dc: &mut Blocks<i16>,
) -> usize {
    let mut differences: Blocks<i16> = [0; _];
    let one = _mm256_set1_epi32(1);
    let mut used = 0;
    for i in (0..shape.blocks).step_by(8) {
        // SAFETY: the arrays hold `SLACK` more than any block.
        let (symbol, reach) = unsafe {
            (
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(blocks.as_ptr().add(i).cast())),
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(reach.as_ptr().add(i).cast())),
            )
        };
        let whole = _mm256_mullo_epi16(reach, _mm256_set1_epi32(DC_CLASSES as i32));
        let most = _mm256_set1_epi32(DC_CLASSES as i32 - 1);
        let class = _mm256_min_epu32(_mm256_sub_epi32(symbol, whole), most);
        let sum = _mm256_add_epi32(class, _mm256_slli_si256::<4>(class));
        let sum = _mm256_add_epi32(sum, _mm256_slli_si256::<8>(sum));
        let carry = _mm256_permutevar8x32_epi32(sum, _mm256_set1_epi32(3));
        let sum = _mm256_add_epi32(
            sum,
            _mm256_blend_epi32::<0xf0>(_mm256_setzero_si256(), carry),
        );
        let start = _mm256_sub_epi32(sum, class);
        let start = _mm256_add_epi32(start, _mm256_set1_epi32(used));
        // SAFETY: blocks have DC_CLASSES - 1 bits at most, so that many bits of all are MOST_DC bytes, and the
        // array holds `SLACK` more.
        let window = unsafe {
            _mm256_i32gather_epi32::<1>(bits.as_ptr().cast(), _mm256_srli_epi32::<3>(start))
        };
        let window = _mm256_srlv_epi32(window, _mm256_and_si256(start, _mm256_set1_epi32(7)));
        let power = _mm256_sllv_epi32(one, class);
        let widest = _mm256_sub_epi32(power, one);
        let value = _mm256_and_si256(window, widest);
        let negative = _mm256_cmpgt_epi32(_mm256_srli_epi32::<1>(power), value);
        let value = _mm256_sub_epi32(value, _mm256_and_si256(negative, widest));
        let value = _mm256_permute4x64_epi64::<0b10_00>(_mm256_packs_epi32(value, value));
        // SAFETY: as above.
        unsafe {
            let into = differences.as_mut_ptr().add(i);
            _mm_storeu_si128(into.cast(), _mm256_castsi256_si128(value));
        }
        used += _mm256_extract_epi32::<7>(sum);
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
    used as usize
}
