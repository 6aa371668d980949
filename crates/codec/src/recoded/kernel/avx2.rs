//! The kernels with 256-bit vectors and bit manipulation: eight states or 32 bytes in a register, and
//! `pdep`, which spreads raw bits over eight values at once.

use std::arch::x86_64::*;

use super::super::layout::Shape;
use super::super::model::{BITS, ESCAPE, TOTAL};
use super::scalar;
use super::{AcBits, Blocks, Coder, DcBits, Decoded, Escapes, Masks, States, Symbols, Values};
use crate::seek::group::Group;

/// For each mask of lanes: which of the next words each of those lanes takes.
static EXPAND: [[u8; 8]; 256] = {
    let mut expand = [[0; 8]; 256];
    let mut i = 0;
    while i < 256 * 8 {
        let (mask, lane) = (i / 8, i % 8);
        expand[mask][lane] = (mask & ((1 << lane) - 1)).count_ones() as u8;
        i += 1;
    }
    expand
};

/// See [`super::Coder::decode`].
///
/// # Safety
/// `contexts` and `symbols` must hold [`SLACK`](super::SLACK) more than `count`; the coder's words, from
/// where it is, two bytes for each and as many more.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) unsafe fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let whole = count - count % coder.lanes;
    // SAFETY: the caller vouches for the same.
    coder.at = unsafe {
        match coder.lanes / 16 {
            1 => rounds::<2>(coder, contexts, symbols, whole),
            2 => rounds::<4>(coder, contexts, symbols, whole),
            3 => rounds::<6>(coder, contexts, symbols, whole),
            _ => rounds::<8>(coder, contexts, symbols, whole),
        }
    };
    scalar::symbols(
        coder,
        &contexts[whole..],
        &mut symbols[whole..],
        count - whole,
    )
}

/// Decodes whole rounds of `VECTORS` x 8 lanes.
///
/// # Safety
/// That of [`symbols`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
#[inline]
unsafe fn rounds<const VECTORS: usize>(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let Coder {
        lookup,
        states: States(states),
        words,
        at,
        ..
    } = coder;
    let entries = lookup.entries().as_ptr();
    // SAFETY: there are 64 states, VECTORS is 8 at most.
    let mut x: [__m256i; VECTORS] =
        std::array::from_fn(|v| unsafe { _mm256_loadu_si256(states.as_ptr().add(v * 8).cast()) });
    let mut word = words.as_ptr().wrapping_add(*at);
    let low_bytes = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    ));
    for i in (0..count).step_by(VECTORS * 8) {
        for (v, x) in x.iter_mut().enumerate() {
            let at = i + v * 8;
            // SAFETY: `at` is below `count`, and there are 8 more of each; a context is a byte, and there are
            // entries for all bytes.
            unsafe {
                let context =
                    _mm256_cvtepu8_epi32(_mm_loadl_epi64(contexts.as_ptr().add(at).cast()));
                let low = _mm256_and_si256(*x, _mm256_set1_epi32(TOTAL as i32 - 1));
                let index = _mm256_or_si256(_mm256_slli_epi32::<{ BITS as i32 }>(context), low);
                let entry = _mm256_i32gather_epi32::<4>(entries.cast(), index);
                let bytes = _mm256_shuffle_epi8(entry, low_bytes);
                let bytes = _mm_unpacklo_epi32(
                    _mm256_castsi256_si128(bytes),
                    _mm256_extracti128_si256::<1>(bytes),
                );
                _mm_storel_epi64(symbols.as_mut_ptr().add(at).cast(), bytes);
                let frequency =
                    _mm256_and_si256(_mm256_srli_epi32::<8>(entry), _mm256_set1_epi32(0xfff));
                let high = _mm256_mullo_epi32(_mm256_srli_epi32::<{ BITS as i32 }>(*x), frequency);
                *x = _mm256_add_epi32(high, _mm256_srli_epi32::<20>(entry));
            }
        }
        for x in &mut x {
            let low = _mm256_cmpeq_epi32(_mm256_srli_epi32::<16>(*x), _mm256_setzero_si256());
            let mask = _mm256_movemask_ps(_mm256_castsi256_ps(low)) as usize & 255;
            // SAFETY: each symbol so far took one word at most, and there are 16 bytes more.
            let next = unsafe { _mm256_cvtepu16_epi32(_mm_loadu_si128(word.cast())) };
            word = word.wrapping_add(2 * mask.count_ones() as usize);
            // SAFETY: a row of the table has eight bytes.
            let order =
                unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(EXPAND[mask].as_ptr().cast())) };
            let refilled = _mm256_or_si256(
                _mm256_slli_epi32::<16>(*x),
                _mm256_permutevar8x32_epi32(next, order),
            );
            *x = _mm256_blendv_epi8(*x, refilled, low);
        }
    }
    for (v, x) in x.into_iter().enumerate() {
        // SAFETY: as for the load.
        unsafe { _mm256_storeu_si256(states.as_mut_ptr().add(v * 8).cast(), x) };
    }
    word as usize - words.as_ptr() as usize
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn values(
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
        unsafe { _mm_loadu_si128(of.as_ptr().cast()) }
    };
    let widths = by_class(|class| (1 << class) - 1);
    let halves = by_class(|class| 1 << (class - 1));
    let offsets = by_class(|class| 1 - (1 << class));
    let (mut used, mut escaped) = (0, 0);
    // `pairs` is zero beyond `count`, so rounding up adds values of no bits.
    let four = pairs.chunks_exact(4).take(count.div_ceil(4));
    for (i, (four, values)) in four.zip(values.chunks_exact_mut(8)).enumerate() {
        let nibbles = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let mut classes = _pdep_u64(nibbles.into(), 0x0f0f_0f0f_0f0f_0f0f);
        let mut beside = classes & (0x0101_0101_0101_0101 * u64::from(ESCAPE));
        if beside != 0 {
            classes &= !((beside >> 3) * 0xff);
            while beside != 0 {
                escapes[escaped] = (8 * i) as u16 + beside.trailing_zeros() as u16 / 8;
                escaped += 1;
                beside &= beside - 1;
            }
        }
        let classes = _mm_cvtsi64_si128(classes as i64);
        let width = _mm_cvtsi128_si64(_mm_shuffle_epi8(widths, classes)) as u64;
        let window = match bits.get(used / 8..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => u64::from_le_bytes(*bytes) >> (used % 8),
            None => 0,
        };
        let value = _mm_cvtsi64_si128(_pdep_u64(window, width) as i64);
        // Not negative, all of them, and at most 127: so a signed comparison does.
        let negative = _mm_cmpgt_epi8(_mm_shuffle_epi8(halves, classes), value);
        let offset = _mm_and_si128(negative, _mm_shuffle_epi8(offsets, classes));
        let value = _mm_cvtsi128_si64(_mm_add_epi8(value, offset));
        for (into, byte) in values.iter_mut().zip(value.to_le_bytes()) {
            *into = byte as i8;
        }
        used += width.count_ones() as usize;
    }
    (used, escaped)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn mask_contexts(
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &mut Blocks<u8>,
    contexts: &mut Symbols,
) -> usize {
    scalar::mask_contexts(shape, blocks, reach, contexts)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn masks(shape: &Shape, reach: &Blocks<u8>, bytes: &Masks, masks: &mut Blocks<u64>) {
    scalar::masks(shape, reach, bytes, masks);
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn pair_contexts(
    shape: &Shape,
    masks: &Blocks<u64>,
    first: &mut Blocks<u16>,
    contexts: &mut Symbols,
) -> usize {
    scalar::pair_contexts(shape, masks, first, contexts)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn dc(
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &Blocks<u8>,
    bits: &DcBits,
    dc: &mut Blocks<i16>,
) -> usize {
    scalar::dc(shape, blocks, reach, bits, dc)
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn place(unit: &Decoded<'_>, first: usize, count: usize, group: &mut Group) {
    scalar::place(unit, first, count, group);
}
