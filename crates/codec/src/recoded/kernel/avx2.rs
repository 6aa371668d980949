//! The kernels with 256-bit vectors and bit manipulation.

use super::super::layout::Shape;
use super::scalar;
use super::{AcBits, Blocks, Coder, DcBits, Decoded, Escapes, Masks, Symbols, Values};
use crate::seek::group::Group;

/// See [`super::Coder::decode`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
pub(super) fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    scalar::symbols(coder, contexts, symbols, count)
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
pub(super) fn values(
    pairs: &Symbols,
    count: usize,
    bits: &AcBits,
    values: &mut Values,
    escapes: &mut Escapes,
) -> (usize, usize) {
    scalar::values(pairs, count, bits, values, escapes)
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
