//! Warps with 256-bit vectors, four pixels at a time. First it computes the places of a stretch, then it reads and
//! blends the pixels there. Done in one step, each chain of dependent instructions would be too long for the next one
//! to start alongside it.

use std::arch::x86_64::*;

use super::Padded;
use super::bilinear::{Line, read_portable};
use crate::simd::avx2::{load, store, store_pixels};

/// Bytes of four pixels twice.
const BLOCK: usize = 24;

/// Pixels whose places are computed in one pass.
const STRETCH: usize = 64;

/// Where the pixels of a stretch are read, four at a time.
#[derive(Clone, Copy)]
struct Places {
    /// Number of the word of the upper left neighbour.
    corners: [i32; 4],
    /// How far the place is to the right of and below that neighbour's centre, in pixels.
    shares: [[f64; 4]; 2],
    /// All bits of a number are set if the place is inside.
    inside: [f64; 4],
}

/// See [`super::bilinear`]. The arithmetic is that of its portable form.
#[target_feature(enable = "avx2")]
pub(super) fn bilinear(source: &Padded, line: &Line, out: &mut [u8]) {
    let nowhere = Places {
        corners: [0; 4],
        shares: [[0.0; 4]; 2],
        inside: [0.0; 4],
    };
    let mut places = [nowhere; STRETCH / 4];
    let whole = out.len() / BLOCK * BLOCK;
    let (blocks, rest) = out.split_at_mut(whole);
    for (index, stretch) in blocks.chunks_mut(3 * STRETCH).enumerate() {
        let groups = &mut places[..stretch.len() / 12];
        for (group, places) in groups.iter_mut().enumerate() {
            locate(
                source,
                line,
                (STRETCH * index + 4 * group) as f64 + 0.5,
                places,
            );
        }
        let (blocks, _) = stretch.as_chunks_mut::<BLOCK>();
        for (block, [low, high]) in blocks.iter_mut().zip(groups.as_chunks::<2>().0) {
            let low = read(source, line, low);
            let high = read(source, line, high);
            store_pixels(_mm256_set_m128i(high, low), block);
        }
    }
    read_portable(source, line, whole / 3, rest);
}

/// Places of four pixels. The first is that of column `first`, which is half a pixel in.
#[target_feature(enable = "avx2")]
#[inline]
fn locate(source: &Padded, line: &Line, first: f64, places: &mut Places) {
    let columns = _mm256_add_pd(_mm256_set1_pd(first), _mm256_setr_pd(0.0, 1.0, 2.0, 3.0));
    let (at_x, inside_x) = coordinate(line, 0, columns);
    let (at_y, inside_y) = coordinate(line, 1, columns);
    let inside = _mm256_and_pd(inside_x, inside_y);
    let half = _mm256_set1_pd(0.5);
    // Places outside are read at the first pixel, and then replaced.
    let x = _mm256_and_pd(inside, _mm256_sub_pd(at_x, half));
    let y = _mm256_and_pd(inside, _mm256_sub_pd(at_y, half));
    let (left, top) = (_mm256_floor_pd(x), _mm256_floor_pd(y));
    let stride = _mm_set1_epi32(source.stride() as i32);
    let row = _mm_mullo_epi32(_mm256_cvttpd_epi32(top), stride);
    let place = _mm_add_epi32(_mm_add_epi32(row, _mm256_cvttpd_epi32(left)), stride);
    let corner = _mm_add_epi32(place, _mm_set1_epi32(1));
    places.corners = [
        _mm_extract_epi32::<0>(corner),
        _mm_extract_epi32::<1>(corner),
        _mm_extract_epi32::<2>(corner),
        _mm_extract_epi32::<3>(corner),
    ];
    let [dx, dy] = &mut places.shares;
    store_doubles(_mm256_sub_pd(x, left), dx);
    store_doubles(_mm256_sub_pd(y, top), dy);
    store_doubles(inside, &mut places.inside);
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_doubles(vector: __m256d, to: &mut [f64; 4]) {
    store(_mm256_castpd_si256(vector), to);
}

/// Four pixels as words.
#[target_feature(enable = "avx2")]
#[inline]
fn read(source: &Padded, line: &Line, places: &Places) -> __m128i {
    let [dx, dy] = places
        .shares
        .each_ref()
        .map(|share| _mm256_castsi256_pd(load(share)));
    let words = source.words();
    let upper = pairs(words, places.corners);
    let lower = pairs(&words[source.stride()..], places.corners);
    let red = between::<0>(upper, lower, dx, dy);
    let green = _mm_slli_epi32::<8>(between::<1>(upper, lower, dx, dy));
    let blue = _mm_slli_epi32::<16>(between::<2>(upper, lower, dx, dy));
    let pixels = _mm_or_si128(_mm_or_si128(red, green), blue);
    let [r, g, b] = line.fill;
    let fill = _mm_set1_epi32(i32::from_le_bytes([r, g, b, 0]));
    let inside = load(&places.inside);
    let (low, high) = (
        _mm256_castsi256_si128(inside),
        _mm256_extracti128_si256::<1>(inside),
    );
    _mm_blendv_epi8(fill, pixels, _mm_packs_epi32(low, high))
}

/// Two words each from four places.
#[target_feature(enable = "avx2")]
#[inline]
fn pairs(words: &[u32], places: [i32; 4]) -> __m256i {
    let [a, b, c, d] = places.map(|place| {
        let pair = &words[place as usize..][..2];
        (u64::from(pair[0]) | u64::from(pair[1]) << 32) as i64
    });
    _mm256_setr_epi64x(a, b, c, d)
}

/// Coordinates on one axis, and which of them lie inside.
#[target_feature(enable = "avx2")]
#[inline]
fn coordinate(line: &Line, axis: usize, columns: __m256d) -> (__m256d, __m256d) {
    let along = _mm256_mul_pd(_mm256_set1_pd(line.steps[axis]), columns);
    let sum = _mm256_add_pd(along, _mm256_set1_pd(line.across[axis]));
    let at = _mm256_add_pd(sum, _mm256_set1_pd(line.offsets[axis]));
    let not_before = _mm256_cmp_pd::<_CMP_GE_OQ>(at, _mm256_setzero_pd());
    let before_end = _mm256_cmp_pd::<_CMP_LT_OQ>(at, _mm256_set1_pd(line.ends[axis]));
    (at, _mm256_and_pd(not_before, before_end))
}

/// 2^52: as the high bits of a double, its low bits are an integer.
const MAGIC: f64 = (1u64 << 52) as f64;

/// Where a level lies in two pairs of pixels; the rest of each double's 64 bits is 0.
const fn places(byte: u8) -> [u8; 32] {
    let mut places = [0x80; 32];
    let mut pair = 0;
    while pair < 4 {
        places[8 * pair] = byte + (pair % 2 * 8) as u8;
        pair += 1;
    }
    places
}

/// One channel between pairs of pixels of two rows.
#[target_feature(enable = "avx2")]
#[inline]
fn between<const CHANNEL: u8>(upper: __m256i, lower: __m256i, dx: __m256d, dy: __m256d) -> __m128i {
    let magic = _mm256_set1_pd(MAGIC);
    // Levels, plus 2^52.
    let level = |pairs: __m256i, places: &[u8; 32]| {
        let level = _mm256_shuffle_epi8(pairs, load(places));
        _mm256_or_pd(_mm256_castsi256_pd(level), magic)
    };
    let along = |pairs: __m256i| {
        let left = level(pairs, const { &places(CHANNEL) });
        let right = level(pairs, const { &places(CHANNEL + 4) });
        let difference = _mm256_mul_pd(_mm256_sub_pd(right, left), dx);
        _mm256_add_pd(_mm256_sub_pd(left, magic), difference)
    };
    let (upper, lower) = (along(upper), along(lower));
    let difference = _mm256_mul_pd(_mm256_sub_pd(lower, upper), dy);
    _mm256_cvttpd_epi32(_mm256_add_pd(upper, difference))
}
