//! A unit's coefficients as symbols in their contexts, and the raw bits.

use super::bits::{self, BitWriter};
use super::contexts::{Contexts, MaskPlace, PairPlace};
use super::error::RecodeError;
use super::kernel::{self, Kernel, SLACK};

use super::layout::{MOST_AC, MOST_BLOCKS, MOST_MASKS, MOST_SYMBOLS, MOST_VALUES, Shape};
use super::model::{ESCAPE, MASK_BYTES};
use super::rans::Phase;
use super::tables::Tables;
use crate::Level;
use crate::jpeg::coefficients::Blocks;

/// The symbols and bits of a unit. Gathers one unit after another in buffers that it keeps. About 40 KiB.
pub(super) struct Symbols {
    pub(super) kernel: Kernel,
    room: Box<Room>,
    /// Symbols of each phase.
    counts: [usize; 3],
    pub(super) ac: BitWriter,
    pub(super) dc: BitWriter,
    /// Escaped values, and room for them.
    escapes: [Vec<i16>; 2],
    /// The same values as bits.
    pub(super) beside: BitWriter,
    /// Room for the encoded phases.
    pub(super) words: Vec<u16>,
}

/// What is known of a unit, as in the decoder's scratch. Kernels may read and overwrite [`SLACK`] elements more.
struct Room {
    contexts: [kernel::Symbols; 3],
    blocks: kernel::Blocks<u8>,
    mask_bytes: kernel::Masks,
    pairs: kernel::Symbols,
    reach: kernel::Blocks<u8>,
    masks: kernel::Blocks<u64>,
    first: kernel::Blocks<u16>,
    values: kernel::Values,
}

impl Symbols {
    pub(super) fn new(level: Level) -> Self {
        Symbols {
            kernel: Kernel::of(level),
            room: Box::new(Room {
                contexts: [[0; MOST_SYMBOLS + SLACK]; 3],
                blocks: [0; MOST_BLOCKS + SLACK],
                mask_bytes: [0; MOST_MASKS + SLACK],
                pairs: [0; MOST_SYMBOLS + SLACK],
                reach: [0; MOST_BLOCKS + SLACK],
                masks: [0; MOST_BLOCKS + SLACK],
                first: [0; MOST_BLOCKS + SLACK],
                values: [0; MOST_VALUES + SLACK],
            }),
            counts: [0; 3],
            ac: BitWriter::default(),
            dc: BitWriter::default(),
            escapes: [Vec::new(), Vec::new()],
            beside: BitWriter::default(),
            words: Vec::new(),
        }
    }

    /// Replaces the contents with the symbols of a unit of the row `strip` that begins at these columns of blocks.
    ///
    /// # Errors
    /// [`RecodeError::Unsupported`] for DC differences that 8-bit images do not have.
    pub(super) fn gather(
        &mut self,
        model: &Contexts,
        shape: &Shape,
        strip: &[Blocks],
        columns: [usize; 3],
    ) -> Result<(), RecodeError> {
        let (kernel, room) = (self.kernel, &mut *self.room);
        let [of_blocks, of_masks, of_pairs] = &mut room.contexts;
        self.dc.clear();
        self.escapes[0].clear();

        let units = units(shape, strip, columns);
        kernel::block_contexts(shape, of_blocks);
        let (masks, dc) = (&mut room.masks, &mut self.dc);
        kernel::blocks(kernel, shape, &units, masks, &mut room.blocks, dc)?;
        let masks = kernel::mask_contexts(
            kernel,
            model,
            shape,
            &room.blocks,
            &mut room.reach,
            of_masks,
        );
        kernel::mask_bytes(
            kernel,
            shape,
            &room.reach,
            &room.masks,
            &mut room.mask_bytes,
        );
        let pairs =
            kernel::pair_contexts(kernel, model, shape, &room.masks, &mut room.first, of_pairs);
        kernel::together(
            kernel,
            shape,
            &units,
            &room.masks,
            &room.first,
            &mut room.values,
            &mut self.escapes[0],
        );
        self.counts = [shape.blocks, masks, pairs];
        self.code_pairs();
        Ok(())
    }

    /// Makes pairs and their raw bits from the values.
    fn code_pairs(&mut self) {
        let room = &mut *self.room;
        self.ac.clear();
        let (bits, mut end) = self.ac.open(MOST_AC);
        kernel::pairs(
            self.kernel,
            &room.values,
            self.counts[2],
            &mut room.pairs,
            bits,
            &mut end,
        );
        self.ac.close(end);
    }

    /// Also escapes the values of pairs for which the tables have no frequency.
    pub(super) fn put_rare_beside(&mut self, tables: &Tables) {
        let Phase { contexts, symbols } = self.phases()[2];
        let mut coded = contexts.iter().zip(symbols);
        if !coded.any(|(&context, &symbol)| tables.lacks(context, symbol)) {
            return;
        }
        let (room, count) = (&mut *self.room, self.counts[2]);
        let coded = room.contexts[2][..count].iter().zip(&room.pairs);
        let [before, after] = &mut self.escapes;
        after.clear();
        let mut before = before.drain(..);
        for ((&context, &symbol), values) in coded.zip(room.values.chunks_exact_mut(2)) {
            let coded_as = match tables.lacks(context, symbol) {
                true => tables.instead_of(context, symbol),
                false => symbol,
            };
            for (half, value) in values.iter_mut().enumerate() {
                if *value == kernel::BESIDE {
                    after.extend(before.next());
                } else if coded_as >> (4 * half) & 15 == ESCAPE {
                    after.push(i16::from(*value));
                    *value = kernel::BESIDE;
                }
            }
        }
        drop(before);
        self.escapes.swap(0, 1);
        self.code_pairs();
    }

    /// Writes the escaped values to their bits.
    pub(super) fn write_beside(&mut self) {
        self.beside.clear();
        for &value in &self.escapes[0] {
            bits::put_beside(&mut self.beside, value);
        }
    }

    /// Calls `each` with every mask byte and where it was found.
    pub(super) fn each_mask(&self, shape: &Shape, mut each: impl FnMut(MaskPlace, u8)) {
        let mut bytes = self.phases()[1].symbols.iter();
        for position in 0..MASK_BYTES {
            for (block, &reach) in self.room.reach[..shape.blocks].iter().enumerate() {
                if usize::from(reach) > position
                    && let Some(&byte) = bytes.next()
                {
                    let (chroma, reach) = (shape.is_chroma(block), reach.into());
                    each(
                        MaskPlace {
                            chroma,
                            position,
                            reach,
                        },
                        byte,
                    );
                }
            }
        }
    }

    /// Calls `each` with every pair and where it was found.
    pub(super) fn each_pair(&self, shape: &Shape, mut each: impl FnMut(PairPlace, u8)) {
        let mut symbols = self.phases()[2].symbols.iter();
        for (block, mask) in self.room.masks[..shape.blocks].iter().enumerate() {
            let (chroma, count) = (shape.is_chroma(block), mask.count_ones() as usize);
            for (pair, &symbol) in (0..count.div_ceil(2)).zip(&mut symbols) {
                each(
                    PairPlace {
                        chroma,
                        count,
                        pair,
                    },
                    symbol,
                );
            }
        }
    }

    /// The phases in the order in which a decoder needs them.
    pub(super) fn phases(&self) -> [Phase<'_>; 3] {
        let room = &*self.room;
        let symbols: [&[u8]; 3] = [&room.blocks, &room.mask_bytes, &room.pairs];
        std::array::from_fn(|phase| Phase {
            contexts: &room.contexts[phase][..self.counts[phase]],
            symbols: &symbols[phase][..self.counts[phase]],
        })
    }
}

/// The blocks of a unit in their order.
#[inline]
fn units<'a>(
    shape: &Shape,
    strip: &'a [Blocks],
    columns: [usize; 3],
) -> [&'a [i16; 64]; MOST_BLOCKS] {
    let mut units: [&[i16; 64]; MOST_BLOCKS] = [&[0; 64]; MOST_BLOCKS];
    for row in shape.rows() {
        let component = &strip[row.component];
        let first = row.line * component.across + columns[row.component];
        let blocks = &component.blocks[first..first + row.blocks];
        for (slot, block) in units[row.first..].iter_mut().zip(blocks) {
            *slot = block;
        }
    }
    units
}
