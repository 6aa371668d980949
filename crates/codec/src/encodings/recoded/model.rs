//! Which symbols exist.
//!
//! A unit's blocks are coded in three phases. One symbol per block says how far its nonzero coefficients reach. Mask
//! bytes say where they are. Pairs of classes say how large they are. Nothing here depends on an image or a data set;
//! the context of each symbol does ([`super::contexts`]).

/// Bits of a probability: frequencies of a context add up to `1 << BITS`.
pub(super) const BITS: u32 = 10;
/// Sum of the frequencies of a context.
pub(super) const TOTAL: usize = 1 << BITS;

/// Classes of a DC difference: 0 for zero, else the number of bits of its magnitude.
pub(super) const DC_CLASSES: usize = 12;
/// Mask bytes of a block.
pub(super) const MASK_BYTES: usize = 8;
/// The class of a coefficient that does not fit in seven bits and is stored as an escape.
pub(super) const ESCAPE: u8 = 8;
/// The most pairs of nonzero AC coefficients in a block.
pub(super) const MOST_PAIRS: usize = 32;

/// Of a block's first symbol: `mask bytes * DC_CLASSES + class of the DC difference`.
pub(super) const fn block_context(chroma: bool) -> u8 {
    chroma as u8
}

/// The number of bits of a magnitude.
pub(super) const fn class(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// The extra bits of a value of `class`: its sign and the bits below the leading one. Branch-free, because a sign is as
/// good as random.
pub(super) const fn extra_bits(value: i32, class: u32) -> u32 {
    (value + (value >> 31)) as u32 & ((1 << class) - 1)
}

/// The value with these [`extra_bits`].
pub(super) const fn from_extra_bits(bits: u32, class: u32) -> i32 {
    if class == 0 || bits >> (class - 1) != 0 {
        bits as i32
    } else {
        bits as i32 - (1 << class) + 1
    }
}
