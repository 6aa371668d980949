//! A unit's coefficients as symbols in their contexts, and the raw bits beside them.

use super::RecodeError;
use super::bits::BitWriter;
use super::kernel;
use super::layout::{MOST_BLOCKS, Shape};
use super::model::{self, DC_CLASSES, ESCAPE, MASK_BYTES, MOST_PAIRS, PAIR_CONTEXTS};
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
    /// Replaces what is here by the symbols of the unit whose first blocks are at `origins`.
    ///
    /// # Errors
    /// [`RecodeError::Unsupported`] for DC differences that 8-bit images do not have.
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
        for position in 0..MASK_BYTES {
            for (block, mask) in masks.iter().enumerate() {
                let rest = mask >> (8 * position);
                if rest != 0 {
                    let chroma = shape.is_chroma(block);
                    let context = model::mask_context(chroma, position, rest < 256);
                    self.masks.push((context, rest as u8));
                }
            }
        }
        for (block, (values, &mask)) in units.iter().zip(masks).enumerate() {
            self.pairs(shape.is_chroma(block), values, mask);
        }
        Ok(())
    }

    fn pairs(&mut self, chroma: bool, values: &[i16; 64], mut mask: u64) {
        let contexts = &PAIR_CONTEXTS[usize::from(chroma)][mask.count_ones() as usize & 63].0;
        let mut coded = [(0, 0); MOST_PAIRS];
        let mut pairs = 0;
        let mut pending = self.ac.pending();
        while mask != 0 {
            let (mut symbol, mut bits, mut count) = (0, 0, 0);
            for half in 0..2 {
                if mask == 0 {
                    break;
                }
                let value = values[mask.trailing_zeros() as usize];
                mask &= mask - 1;
                let class = model::class(value.into());
                if class < u32::from(ESCAPE) {
                    bits |= model::extra_bits(value.into(), class) << count;
                    count += class;
                    symbol |= (class as u8) << (4 * half);
                } else {
                    self.escapes.push(value);
                    symbol |= ESCAPE << (4 * half);
                }
            }
            self.ac.put_after(&mut pending, bits, count);
            coded[pairs & (MOST_PAIRS - 1)] = (contexts[pairs & (MOST_PAIRS - 1)], symbol);
            pairs += 1;
        }
        self.ac.go_on_after(pending);
        self.pairs.extend_from_slice(&coded[..pairs]);
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
