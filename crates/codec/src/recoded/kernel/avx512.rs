//! The kernels with 512-bit vectors: 16 states, 64 bytes or a whole block in a register.

use std::arch::x86_64::*;

/// Packing is no faster for wider vectors: the loop around it is the bits'.
pub(super) use super::avx2::{blocks, blocks_of, encode, mask_bytes, pairs, together};

use super::super::contexts::Contexts;
use super::super::layout::{MOST_BLOCKS, Shape};
use super::super::model::{BITS, DC_CLASSES, ESCAPE, MASK_BYTES, TOTAL};
use super::super::rans::LOWEST;
use super::scalar;
use super::{AcBits, Blocks, Coder, DcBits, Decoded, Escapes, Masks, Symbols, Values};
use crate::seek::group::{BLOCKS, Group, ZIGZAG};

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

/// Loads 64 bytes from `at` of an array; those that lie beyond its end are taken from before it.
macro_rules! load {
    ($array:expr, $at:expr) => {{
        let array: &[_] = &$array[..];
        let most = array.len() - 64 / size_of_val(&array[0]);
        // SAFETY: from `most` on, the array holds the 64 bytes of a register.
        unsafe { _mm512_loadu_si512(array.as_ptr().add(($at).min(most)).cast()) }
    }};
}

/// Stores 64 bytes to `at` of an array, or to its end.
macro_rules! store {
    ($array:expr, $at:expr, $value:expr) => {{
        let array: &mut [_] = &mut $array[..];
        let most = array.len() - 64 / size_of_val(&array[0]);
        // SAFETY: from `most` on, the array has room for the 64 bytes of a register.
        unsafe { _mm512_storeu_si512(array.as_mut_ptr().add(($at).min(most)).cast(), $value) }
    }};
}

/// See [`super::Coder::decode`].
///
/// # Safety
/// `contexts` and `symbols` must hold [`SLACK`](super::SLACK) more than `count`; the coder's words, from
/// where it is, two bytes for each and as many more.
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) unsafe fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    // SAFETY: the caller vouches for the same.
    unsafe {
        match coder.lanes / 16 {
            1 => rounds::<1>(coder, contexts, symbols, count),
            2 => rounds::<2>(coder, contexts, symbols, count),
            3 => rounds::<3>(coder, contexts, symbols, count),
            _ => rounds::<4>(coder, contexts, symbols, count),
        }
    }
}

/// Decodes in rounds of `VECTORS` x 16 lanes.
///
/// # Safety
/// That of [`symbols`].
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
#[inline]
unsafe fn rounds<const VECTORS: usize>(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let Coder {
        lookup,
        states,
        words,
        at,
        ..
    } = coder;
    let entries = lookup.entries().as_ptr();
    let mut x: [__m512i; VECTORS] = std::array::from_fn(|v| load!(states.0, v * 16));
    let mut word = words.as_ptr().wrapping_add(*at);
    let step = |x: __m512i, i: usize, symbols: &mut [u8]| {
        // SAFETY: i is below `count`, and there are 16 more of each; a context is a byte, and there are entries
        // for all bytes.
        unsafe {
            let context = _mm512_cvtepu8_epi32(_mm_loadu_si128(contexts.as_ptr().add(i).cast()));
            let low = _mm512_and_si512(x, _mm512_set1_epi32(TOTAL as i32 - 1));
            let index = _mm512_or_si512(_mm512_slli_epi32::<BITS>(context), low);
            let entry = _mm512_i32gather_epi32::<4>(index, entries.cast());
            let symbol = _mm512_cvtepi32_epi8(entry);
            _mm_storeu_si128(symbols.as_mut_ptr().add(i).cast(), symbol);
            let frequency =
                _mm512_and_si512(_mm512_srli_epi32::<8>(entry), _mm512_set1_epi32(0xfff));
            let high = _mm512_mullo_epi32(_mm512_srli_epi32::<BITS>(x), frequency);
            _mm512_add_epi32(high, _mm512_srli_epi32::<20>(entry))
        }
    };
    let refill = |x: __m512i, active: __mmask16, word: &mut *const u8| {
        let low = _mm512_mask_cmplt_epu32_mask(active, x, _mm512_set1_epi32(LOWEST as i32));
        // SAFETY: each symbol so far took one word at most, and there are 32 bytes more.
        let next = unsafe { _mm512_cvtepu16_epi32(_mm256_loadu_si256((*word).cast())) };
        *word = word.wrapping_add(2 * low.count_ones() as usize);
        let next = _mm512_maskz_expand_epi32(low, next);
        _mm512_mask_or_epi32(x, low, _mm512_slli_epi32::<16>(x), next)
    };
    let mut i = 0;
    while i + VECTORS * 16 <= count {
        for (v, x) in x.iter_mut().enumerate() {
            *x = step(*x, i + v * 16, symbols);
        }
        for x in &mut x {
            *x = refill(*x, 0xffff, &mut word);
        }
        i += VECTORS * 16;
    }
    for x in &mut x {
        if i >= count {
            break;
        }
        let active = ((1u32 << (count - i).min(16)) - 1) as __mmask16;
        let next = _mm512_mask_mov_epi32(*x, active, step(*x, i, symbols));
        *x = refill(next, active, &mut word);
        i += 16;
    }
    for (v, x) in x.into_iter().enumerate() {
        store!(states.0, v * 16, x);
    }
    word as usize - words.as_ptr() as usize
}

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
pub(super) fn values(
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
pub(super) fn dc(
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
        // A row has eight blocks at most; what is stored beyond a shorter one is overwritten by the next.
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

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn place(unit: &Decoded<'_>, first: usize, count: usize, group: &mut Group) {
    let unzigzag = load!(UNZIGZAG.0, 0);
    // Each block as bytes, row-major; those that are not there are zero.
    let block: [__m512i; BLOCKS] = std::array::from_fn(|lane| {
        if lane >= count {
            return _mm512_setzero_si512();
        }
        let values = load!(unit.values, usize::from(unit.first[first + lane]));
        let zigzag = _mm512_maskz_expand_epi8(unit.masks[first + lane], values);
        _mm512_permutexvar_epi8(unzigzag, zigzag)
    });
    // Even and odd rows of two blocks, then of four: 32 bytes a row of the group.
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
