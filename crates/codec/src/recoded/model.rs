//! Which symbols there are, and in which context each is coded.
//!
//! A unit's blocks are coded in three phases: one symbol a block says how far its nonzero
//! coefficients reach; mask bytes say where they are; pairs of classes say how large. Contexts are
//! numbered through over the phases. Nothing here depends on an image.

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

const MASKS: usize = 2;
const PAIRS: usize = MASKS + 2 * 2 * MASK_BYTES;
/// Bounds between buckets of how many coefficients of a block are nonzero.
const COUNT_BOUNDS: [usize; 3] = [6, 13, 24];
/// Bounds between buckets of which pair of the block it is.
const PAIR_BOUNDS: [usize; 4] = [1, 2, 4, 8];
const PAIR_BUCKETS: usize = PAIR_BOUNDS.len() + 1;
const COUNT_BUCKETS: usize = COUNT_BOUNDS.len() + 1;
/// How many contexts there are.
pub(super) const CONTEXTS: usize = PAIRS + 2 * COUNT_BUCKETS * PAIR_BUCKETS;
const _: () = assert!(CONTEXTS <= 256, "a context is a byte");

/// Of a block's first symbol: `mask bytes * DC_CLASSES + class of the DC difference`.
pub(super) const fn block_context(chroma: bool) -> u8 {
    chroma as u8
}

/// Of the mask byte at `position` (below 8); `last`: no further one of the block follows.
pub(super) const fn mask_context(chroma: bool, position: usize, last: bool) -> u8 {
    (MASKS + (chroma as usize * MASK_BYTES + position) * 2) as u8 + last as u8
}

/// Of each pair of a block, by chroma and by how many AC coefficients are nonzero (up to 63).
pub(super) static PAIR_CONTEXTS: [[PairContexts; 64]; 2] = {
    let mut contexts = [[PairContexts([0; MOST_PAIRS]); 64]; 2];
    let mut i = 0;
    while i < 2 * 64 * MOST_PAIRS {
        let (chroma, count, pair) = (i / (64 * MOST_PAIRS), i / MOST_PAIRS % 64, i % MOST_PAIRS);
        let bucket = (chroma * COUNT_BUCKETS + bucket(&COUNT_BOUNDS, count)) * PAIR_BUCKETS
            + bucket(&PAIR_BOUNDS, pair);
        contexts[chroma][count].0[pair] = (PAIRS + bucket) as u8;
        i += 1;
    }
    contexts
};

/// A row of [`PAIR_CONTEXTS`], which one load of 32 bytes copies.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct PairContexts(pub(super) [u8; MOST_PAIRS]);

const fn bucket(bounds: &[usize], value: usize) -> usize {
    let mut bucket = 0;
    while bucket < bounds.len() && value >= bounds[bucket] {
        bucket += 1;
    }
    bucket
}

/// Whether `symbol` can occur in `context`: all that can have a frequency of at least one.
pub(super) fn occurs(context: usize, symbol: usize) -> bool {
    match context {
        0..MASKS => symbol < (MASK_BYTES + 1) * DC_CLASSES,
        MASKS..PAIRS => {
            let (position, last) = (
                (context - MASKS) / 2 % MASK_BYTES,
                (context - MASKS) % 2 == 1,
            );
            // Bit 0 of the first byte would be DC, which is always coded; a last byte is not empty.
            (position > 0 || symbol & 1 == 0) && !(last && symbol == 0)
        }
        _ => {
            let (first, second) = (symbol & 15, symbol >> 4);
            (1..=usize::from(ESCAPE)).contains(&first) && second <= usize::from(ESCAPE)
        }
    }
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
