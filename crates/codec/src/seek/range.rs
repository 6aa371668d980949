//! Blocks that no picture has, and on which decoders disagree.
//!
//! libjpeg-turbo's vector DCT adds some inputs of a pass in 16 bits, which wrap (inputs 0 and 4, 3 and 7, 5 and 1), and
//! takes a short cut where a block has nothing below its first row, in which 4 x 8192 wraps; ours adds in 32 bits and
//! saturates. Both are the same where nothing reaches 16 bits. Let F be the dequantised coefficients of a column:
//!
//! * Whatever the first pass makes of them is at most 4 (w0 |F0| + ... + w7 |F7|) + 1/2, where w, the largest
//!   constant that multiplies an input anywhere in the pass, is 1 for inputs 0 and 4, 10704/8192 for 2 and 6, and 11363/8192
//!   for the odd ones.
//! * If that is below 16384 in all columns, two results of the first pass add up to less than 32768, and so do two
//!   inputs of it; 4 |F0| is below 16384 too. 32-bit sums are far away: the constants of a result add up to 61213.
//!
//! So the weighed sum of each column has to stay at or below 16382.5 / 4. Samples of eight bits lie within that: a block of
//! 64 of them has an energy of at most 64 x 128^2, so a column's F have a sum of squares of at most 1024^2, and by Cauchy
//! and Schwarz their weighed sum is at most 1024 x sqrt(2 + 2 x 1.3067^2 + 4 x 1.3871^2) = 3708, where 4095 are allowed. A file
//! beyond it, made by accident or malice, is stored as it is.

use super::SeekError;
use super::group::ZIGZAG;
use super::header::Header;

/// The weights of a column's inputs, in 1/8192.
const WEIGHTS: [u32; 8] = [8192, 11_363, 10_704, 11_363, 8192, 11_363, 10_704, 11_363];

/// The most that a column's weighed sum may be: 16382.5 / 4 x 8192.
const MOST: u32 = 33_551_360;

/// Watches the coefficients of a scan.
pub(super) struct Range<'h> {
    /// Quantisation steps of each component, in zigzag order.
    steps: [Option<&'h [u16; 64]>; 3],
    /// Weighed magnitudes of the block at hand, row by row.
    block: [[u32; 8]; 8],
    within: bool,
}

impl<'h> Range<'h> {
    /// # Errors
    /// [`SeekError::Corrupt`] if a quantisation table is missing.
    pub(super) fn of(header: &'h Header) -> Result<Self, SeekError> {
        let mut steps = [None; 3];
        for (steps, component) in steps.iter_mut().zip(header.components()) {
            *steps = Some(header.quantiser(component)?);
        }
        Ok(Range {
            steps,
            block: [[0; 8]; 8],
            within: true,
        })
    }

    /// A component's coefficient at zigzag position `k`, before dequantisation. Position 0 begins a block; what is
    /// seen at a position again stands for what was seen there before.
    pub(super) fn see(&mut self, component: usize, k: u32, value: i16) {
        if k == 0 {
            self.judge();
            self.block = [[0; 8]; 8];
        }
        let k = (k & 63) as usize;
        let steps = self.steps.get(component).copied().flatten();
        let step = steps.map_or(1, |steps| u32::from(steps[k]));
        let (row, column) = (usize::from(ZIGZAG[k] / 8), usize::from(ZIGZAG[k] % 8));
        // A magnitude above this is beyond `MOST` by itself.
        let magnitude = (u32::from(value.unsigned_abs()) * step).min(1 << 13);
        self.block[row][column] = magnitude * WEIGHTS[row];
    }

    /// Whether the block at hand is within bounds.
    fn judge(&mut self) {
        let sum = |column: usize| self.block.iter().map(|row| row[column]).sum::<u32>();
        self.within &= (0..8).all(|column| sum(column) <= MOST);
    }

    /// # Errors
    /// [`SeekError::Unsupported`] if a block was beyond what a picture can have.
    pub(super) fn check(&mut self) -> Result<(), SeekError> {
        self.judge();
        match self.within {
            true => Ok(()),
            false => Err(SeekError::Unsupported(
                "it has coefficients that no picture has",
            )),
        }
    }
}
