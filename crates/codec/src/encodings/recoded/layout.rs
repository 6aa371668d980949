//! How an image is cut into units, and a unit into blocks.
//!
//! A unit is 64 x 64 pixels of luma, with its chroma. Its blocks are numbered by MCU row, then by component, then by
//! row of blocks. So a decoder that needs only the upper rows can stop early.

use super::error::RecodeError;
use super::model::{DC_CLASSES, ESCAPE, MASK_BYTES, MOST_PAIRS};
use crate::jpeg::coefficients::Blocks;

/// Luma pixels of a unit, across and down.
pub(super) const UNIT: usize = 64;
/// Blocks of a unit at most: 4:4:4.
pub(super) const MOST_BLOCKS: usize = 192;
/// Rows of blocks of a unit at most.
const MOST_ROWS: usize = 24;

/// Size and subsampling of an image. Its layout depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    /// One, or three: Y, Cb, Cr.
    pub(super) components: usize,
    /// Luma blocks per MCU, across (1, 2, 4) and down (1, 2).
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Frame {
    /// From the fields of a payload; `sampling` is 0 for gray, else `across << 4 | down`.
    pub(super) fn new(width: u16, height: u16, sampling: u8) -> Result<Self, RecodeError> {
        let (components, across, down) = match sampling {
            0 => (1, 1, 1),
            0x11 | 0x12 | 0x21 | 0x22 | 0x41 | 0x42 => {
                (3, usize::from(sampling >> 4), usize::from(sampling & 15))
            }
            _ => return Err(RecodeError::Corrupt("its sampling is unknown")),
        };
        if width == 0 || height == 0 {
            return Err(RecodeError::Corrupt("it has no pixels"));
        }
        Ok(Frame {
            width: usize::from(width),
            height: usize::from(height),
            components,
            across,
            down,
        })
    }

    pub(super) fn sampling(&self) -> u8 {
        match self.components {
            1 => 0,
            _ => (self.across << 4 | self.down) as u8,
        }
    }

    /// Blocks per MCU of a component, across and down.
    pub(super) fn factors(&self, component: usize) -> (usize, usize) {
        match component {
            0 => (self.across, self.down),
            _ => (1, 1),
        }
    }

    /// MCUs of the image, across and down.
    pub(super) fn mcus(&self) -> (usize, usize) {
        (
            self.width.div_ceil(8 * self.across),
            self.height.div_ceil(8 * self.down),
        )
    }

    /// MCUs of a whole unit, across and down.
    pub(super) fn unit_mcus(&self) -> (usize, usize) {
        (UNIT / (8 * self.across), UNIT / (8 * self.down))
    }

    /// Units of the image, across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        (self.width.div_ceil(UNIT), self.height.div_ceil(UNIT))
    }

    /// Makes `blocks` as long as a row of units is for each component. Their contents are unspecified.
    pub(super) fn fit(&self, blocks: &mut Vec<Blocks>, row: usize) {
        blocks.resize_with(self.components, Blocks::default);
        let (mcus, unit) = (self.mcus(), self.unit_mcus());
        let rows = (mcus.1 - row * unit.1).min(unit.1);
        for (component, blocks) in blocks.iter_mut().enumerate() {
            let (across, down) = self.factors(component);
            blocks.across = mcus.0 * across;
            blocks.blocks.resize(blocks.across * rows * down, [0; 64]);
        }
    }

    /// The upper left block of the unit in this column and row of units, for each component.
    pub(super) fn origins(&self, column: usize, row: usize) -> [(usize, usize); 3] {
        let (unit, columns) = (self.unit_mcus(), self.columns(column));
        std::array::from_fn(|component| {
            let down = unit.1 * self.factors(component).1;
            (columns[component], row * down)
        })
    }

    /// The column of blocks where this column of units begins, for each component.
    pub(super) fn columns(&self, column: usize) -> [usize; 3] {
        let unit = self.unit_mcus();
        std::array::from_fn(|component| column * unit.0 * self.factors(component).0)
    }

    /// The shape of the unit in this column and row of units.
    pub(super) fn shape(&self, column: usize, row: usize) -> Shape {
        let (mcus, unit) = (self.mcus(), self.unit_mcus());
        let across = (mcus.0 - column * unit.0).min(unit.0);
        let down = (mcus.1 - row * unit.1).min(unit.1);
        Shape::new(self, across, down)
    }
}

/// A row of blocks of one component.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub(super) component: usize,
    /// Which row of the component within the unit, in blocks.
    pub(super) line: usize,
    /// The number of its first block, and that of the first block in the component's row above.
    pub(super) first: usize,
    pub(super) above: Option<usize>,
    /// Blocks, up to 8.
    pub(super) blocks: usize,
}

/// The blocks of a unit. All units of an image have the same blocks, except at its edges.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) blocks: usize,
    /// Which blocks are chroma, one bit each.
    pub(super) chroma: [u64; 3],
    rows: [Row; MOST_ROWS],
    count: usize,
}

impl Shape {
    fn new(frame: &Frame, across: usize, down: usize) -> Self {
        let mut shape = Shape {
            blocks: 0,
            chroma: [0; 3],
            rows: [Row::default(); MOST_ROWS],
            count: 0,
        };
        let mut above = [None; 3];
        for mcu_row in 0..down {
            for (component, above) in above.iter_mut().enumerate().take(frame.components) {
                let factors = frame.factors(component);
                for v in 0..factors.1 {
                    let row = Row {
                        component,
                        line: mcu_row * factors.1 + v,
                        first: shape.blocks,
                        above: above.replace(shape.blocks),
                        blocks: across * factors.0,
                    };
                    shape.rows[shape.count] = row;
                    shape.count += 1;
                    for block in row.first..row.first + row.blocks {
                        shape.chroma[block / 64] |= u64::from(component > 0) << (block % 64);
                    }
                    shape.blocks += row.blocks;
                }
            }
        }
        shape
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows[..self.count]
    }

    pub(super) fn is_chroma(&self, block: usize) -> bool {
        self.chroma[block / 64] >> (block % 64) & 1 != 0
    }
}

/// The most lanes that a unit's symbols are spread over. There are 16, 32, 48 or 64.
pub(super) const MOST_LANES: usize = 64;

/// Symbols of each phase at most.
pub(super) const MOST_MASKS: usize = MOST_BLOCKS * MASK_BYTES;
pub(super) const MOST_SYMBOLS: usize = MOST_BLOCKS * MOST_PAIRS;
pub(super) const MOST_VALUES: usize = 2 * MOST_SYMBOLS;
/// Bytes that raw bits can take at most.
pub(super) const MOST_AC: usize = MOST_VALUES * (ESCAPE as usize - 1) / 8;
pub(super) const MOST_DC: usize = (MOST_BLOCKS * (DC_CLASSES - 1)).div_ceil(8);
