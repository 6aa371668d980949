//! A unit's coefficients as symbols in their contexts, and the raw bits beside them.

use super::RecodeError;
use super::bits::BitWriter;
use super::kernel;
use super::layout::{MOST_BLOCKS, Shape};
use super::model::{self, DC_CLASSES, ESCAPE, MASK_BYTES, MOST_PAIRS, PAIR_CONTEXTS};
use super::unit::MOST_MASKS;
use crate::seek::whole::Blocks;

/// A symbol and its context.
pub(super) type Coded = (u8, u8);

/// What a unit is made of. The three phases of symbols are in the order in which a decoder needs
/// them.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    pub(super) blocks: Vec<Coded>,
    pub(super) masks: Vec<Coded>,
    pub(super) pairs: Vec<Coded>,
    pub(super) ac: BitWriter,
    pub(super) dc: BitWriter,
    pub(super) escapes: Vec<i16>,
    /// Room for what the phases are coded as.
    pub(super) words: Vec<u16>,
}

/// The upper left block of a unit in a component.
pub(super) type Origin = (usize, usize);

impl Symbols {
    /// Replaces what is here by the symbols of the unit whose first blocks are at `origins`. To be called through
    /// [`kernel::gather`].
    ///
    /// # Errors
    /// [`RecodeError::Unsupported`] for DC differences that 8-bit images do not have.
    #[inline(always)]
    pub(super) fn gather(
        &mut self,
        shape: &Shape,
        components: &[Blocks],
        origins: &[Origin; 3],
    ) -> Result<(), RecodeError> {
        self.clear();
        let mut units: [&[i16; 64]; MOST_BLOCKS] = [&[0; 64]; MOST_BLOCKS];
        let mut masks = [0u64; MOST_BLOCKS];
        for row in shape.rows() {
            let component = &components[row.component];
            let (x, y) = origins[row.component];
            let first = (y + row.line) * component.across + x;
            let blocks = &component.blocks[first..first + row.blocks];
            for (slot, block) in units[row.first..].iter_mut().zip(blocks) {
                *slot = block;
            }
            let mut predicted = row.above.map_or(0, |above| units[above][0]);
            for (block, into) in blocks.iter().zip(&mut masks[row.first..]) {
                *into = kernel::nonzero(block) & !1;
                let difference = i32::from(block[0]) - i32::from(predicted);
                predicted = block[0];
                let class = model::class(difference);
                if class as usize >= DC_CLASSES {
                    return Err(RecodeError::Unsupported("a DC difference is too large"));
                }
                let symbol = mask_bytes(*into) * DC_CLASSES + class as usize;
                let context = model::block_context(row.component > 0);
                self.blocks.push((context, symbol as u8));
                self.dc.put(model::extra_bits(difference, class), class);
            }
        }
        let units = &units[..shape.blocks];
        let masks = &masks[..shape.blocks];
        self.masks.resize(MOST_MASKS, (0, 0));
        let mut count = 0;
        for position in 0..MASK_BYTES {
            for (block, mask) in masks.iter().enumerate() {
                let rest = mask >> (8 * position);
                let context = model::mask_context(shape.is_chroma(block), position, rest < 256);
                // Written in any case, and kept if the block has such a byte: a branch would often be mispredicted.
                if let Some(next) = self.masks.get_mut(count) {
                    *next = (context, rest as u8);
                }
                count += usize::from(rest != 0);
            }
        }
        self.masks.truncate(count);
        for (block, (values, &mask)) in units.iter().zip(masks).enumerate() {
            self.pairs(shape.is_chroma(block), values, mask);
        }
        Ok(())
    }

    #[inline(always)]
    fn pairs(&mut self, chroma: bool, values: &[i16; 64], mut mask: u64) {
        let count = mask.count_ones() as usize & 63;
        let contexts = &PAIR_CONTEXTS[usize::from(chroma)][count].0;
        let coded = self.pairs.len();
        let pairs = count.div_ceil(2);
        self.pairs.resize(coded + pairs, (0, 0));
        let (room, mut end) = self.ac.open(MOST_PAIRS * 2);
        for (coded, &context) in self.pairs[coded..].iter_mut().zip(contexts) {
            let first = values[(mask.trailing_zeros() & 63) as usize];
            mask &= mask.wrapping_sub(1);
            // After the last of an odd number comes nothing, which is of class 0.
            let second = match mask {
                0 => 0,
                _ => values[(mask.trailing_zeros() & 63) as usize],
            };
            mask &= mask.wrapping_sub(1);
            let classes = [first, second].map(|value| model::class(value.into()));
            let mut stored = classes;
            if classes[0].max(classes[1]) >= u32::from(ESCAPE) {
                for (value, stored) in [first, second].into_iter().zip(&mut stored) {
                    if *stored >= u32::from(ESCAPE) {
                        self.escapes.push(value);
                        *stored = 0;
                    }
                }
            }
            let bits = model::extra_bits(first.into(), stored[0])
                | model::extra_bits(second.into(), stored[1]) << stored[0];
            end.put(room, bits, stored[0] + stored[1]);
            let [low, high] = classes.map(|class| (class as u8).min(ESCAPE));
            *coded = (context, low | high << 4);
        }
        self.ac.close(end);
    }

    fn clear(&mut self) {
        self.blocks.clear();
        self.masks.clear();
        self.pairs.clear();
        self.ac.clear();
        self.dc.clear();
        self.escapes.clear();
    }
}

/// Mask bytes up to the last that is not zero.
fn mask_bytes(mask: u64) -> usize {
    8 - mask.leading_zeros() as usize / 8
}
