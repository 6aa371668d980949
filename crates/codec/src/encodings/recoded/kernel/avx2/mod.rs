//! The kernels with 256-bit vectors and bit manipulation: eight states, 32 bytes or two blocks in a register.
//!
//! AVX-512 can pack and spread bytes in one instruction. Here a shuffle that a table chooses does it for eight bytes at
//! a time: it packs some of eight bytes together ([`TOGETHER`]), or spreads eight apart ([`APART`]).

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

/// A shuffle index that gives zero.
const NONE: u8 = 0x80;

/// For each set of eight places, by bits: which of the next bytes each of them takes, in order. The other places are
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

/// A shuffle of sixteen bytes. The first eight follow `table` for the low eight bits of `set`, the others for the bits
/// above.
#[target_feature(enable = "avx2")]
#[inline]
fn both(table: &'static [[u8; 8]; 256], set: usize) -> __m128i {
    let rows = [&table[set & 255], &table[set >> 8 & 255]].map(|row| i64::from_le_bytes(*row));
    _mm_or_si128(
        _mm_set_epi64x(rows[1], rows[0]),
        _mm_set_epi64x(0x0808_0808_0808_0808, 0),
    )
}
