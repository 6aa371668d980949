//! The kernels with 256-bit vectors and bit manipulation: eight states, 32 bytes or two blocks in a register.
//!
//! What AVX-512 has instructions for is done eight bytes at a time with a shuffle that a table chooses: taking
//! some of eight bytes together ([`TOGETHER`]), and taking eight apart ([`APART`]).

mod encode;
mod gather;
mod masks;
mod place;
mod symbols;
mod values;

use std::arch::x86_64::*;

pub(super) use encode::encode;
pub(super) use gather::{blocks, mask_bytes, pairs, together};
pub(super) use masks::{mask_contexts, masks, pair_contexts};
pub(super) use place::{blocks_of, place};
pub(super) use symbols::symbols;
pub(super) use values::{dc, values};

/// What a shuffle makes zero.
const NONE: u8 = 0x80;

/// For each set of eight places, by bits: which of the next bytes each of them takes, in order; the others are
/// [`NONE`].
static APART: [[u8; 8]; 256] = {
    let mut table = [[NONE; 8]; 256];
    let mut i = 0;
    while i < 256 * 8 {
        let (set, place) = (i / 8, i % 8);
        if set >> place & 1 != 0 {
            table[set][place] = (set & ((1 << place) - 1)).count_ones() as u8;
        }
        i += 1;
    }
    table
};

/// For each set of eight places, by bits: its places in order, then [`NONE`].
static TOGETHER: [[u8; 8]; 256] = {
    let mut table = [[NONE; 8]; 256];
    let mut i = 0;
    while i < 256 * 8 {
        let (set, place) = (i / 8, i % 8);
        if set >> place & 1 != 0 {
            table[set][(set & ((1 << place) - 1)).count_ones() as usize] = place as u8;
        }
        i += 1;
    }
    table
};

/// The shuffle of sixteen bytes that does with the first eight what `table` says for the low eight bits of
/// `set`, and with the others what it says for the bits above.
#[target_feature(enable = "avx2")]
#[inline]
fn both(table: &'static [[u8; 8]; 256], set: usize) -> __m128i {
    let rows = [&table[set & 255], &table[set >> 8 & 255]].map(|row| i64::from_le_bytes(*row));
    _mm_or_si128(
        _mm_set_epi64x(rows[1], rows[0]),
        _mm_set_epi64x(0x0808_0808_0808_0808, 0),
    )
}
