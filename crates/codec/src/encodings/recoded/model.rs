//! Which symbols there are.
//!
//! A unit's blocks are coded in three phases: one symbol a block says how far its nonzero
//! coefficients reach; mask bytes say where they are; pairs of classes say how large. Nothing here depends on an
//! image or a data set; in which context each is coded does ([`super::contexts`]).

/// Bits of a probability: frequencies of a context add up to `1 << BITS`.
pub(super) const BITS: u32 = 10;
/// Sum of the frequencies of a context.
pub(super) const TOTAL: usize = 1 << BITS;

/// Classes of a DC difference: 0 for zero, else the number of bits of its magnitude.
pub(super) const DC_CLASSES: usize = 12;
/// Mask bytes of a block.
pub(super) const MASK_BYTES: usize = 8;
/// The class that says: this coefficient is stored beside, as it does not fit in seven bits.
pub(super) const ESCAPE: u8 = 8;
/// Pairs of nonzero AC coefficients that a block has at most.
pub(super) const MOST_PAIRS: usize = 32;

/// Of a block's first symbol: `mask bytes * DC_CLASSES + class of the DC difference`.
pub(super) const fn block_context(chroma: bool) -> u8 {
    chroma as u8
}

/// The number of bits of a magnitude.
pub(super) const fn class(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// What stands for the sign and the bits below the leading one of a value of `class`. Without a branch: a sign is
/// as good as random.
pub(super) const fn extra_bits(value: i32, class: u32) -> u32 {
    (value + (value >> 31)) as u32 & ((1 << class) - 1)
}

/// The value whose [`extra_bits`] these are.
pub(super) const fn from_extra_bits(bits: u32, class: u32) -> i32 {
    if class == 0 || bits >> (class - 1) != 0 {
        bits as i32
    } else {
        bits as i32 - (1 << class) + 1
    }
}
