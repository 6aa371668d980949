//! Detects blocks that no picture has and on which decoders disagree.
//!
//! libjpeg-turbo's vector DCT adds some inputs of a pass in 16 bits, which wrap (inputs 0 and 4, 3 and 7, 5 and 1). It
//! also takes a short cut if a block has nothing below its first row, in which 4 x 8192 wraps. Our DCT adds in 32 bits
//! and saturates. Both give the same result if nothing reaches 16 bits. Let F be the dequantised coefficients of a
//! column:
//!
//! * Every result of the first pass is at most 4 (w0 |F0| + ... + w7 |F7|) + 1/2, where w, the largest constant that
//!   multiplies an input anywhere in the pass, is 1 for inputs 0 and 4, 10704/8192 for 2 and 6, and 11363/8192 for the
//!   odd ones.
//! * If that is below 16384 in all columns, two results of the first pass add up to less than 32768, and so do two of
//!   its inputs; 4 |F0| is below 16384 too. 32-bit sums are far from their limit: the constants of a result add up to
//!   61213.
//!
//! So the weighted sum of each column must be at most 16382.5 / 4. Samples of eight bits are within that: a block of 64
//! of them has an energy of at most 64 x 128^2, so a column's F have a sum of squares of at most 1024^2. By Cauchy and
//! Schwarz their weighted sum is at most 1024 x sqrt(2 + 2 x 1.3067^2 + 4 x 1.3871^2) = 3708, where 4095 is allowed. A
//! file beyond it, made by accident or malice, is stored as it is.

use super::JpegError;
use super::baseline::Baseline;
use super::group::ZIGZAG;

/// The weights of a column's inputs, in 1/8192.
const WEIGHTS: [u32; 8] = [8192, 11_363, 10_704, 11_363, 8192, 11_363, 10_704, 11_363];

/// The largest allowed weighted sum of a column: 16382.5 / 4 x 8192.
const MOST: u32 = 33_551_360;

/// If a block's dequantised magnitudes add up to at most this, the block is within bounds whatever its columns.
const SURELY: u32 = MOST / 11_363;
/// Magnitudes and steps are capped at these before they are added up. Each of them is beyond [`SURELY`] by itself, and
/// 64 products of both fit in 32 bits.
const LARGE: (u16, u16) = (8191, 8192);

/// Watches the blocks of a scan.
pub(crate) struct Range<'h> {
    components: [Steps<'h>; 3],
    within: bool,
}

/// Quantisation steps in zigzag order.
#[derive(Clone, Copy)]
struct Steps<'h> {
    exact: &'h [u16; 64],
    /// The same steps, capped at [`LARGE`].
    limited: [i16; 64],
}

impl<'h> Range<'h> {
    /// # Errors
    /// [`JpegError::Corrupt`] if a quantisation table is missing.
    pub(crate) fn of(header: &'h Baseline) -> Result<Self, JpegError> {
        let none = Steps {
            exact: &[1; 64],
            limited: [1; 64],
        };
        let mut components = [none; 3];
        for (steps, component) in components.iter_mut().zip(header.components()) {
            let exact = header.quantiser(component)?;
            let limited = exact.map(|step| step.min(LARGE.1) as i16);
            *steps = Steps { exact, limited };
        }
        Ok(Range {
            components,
            within: true,
        })
    }

    /// A component's block in zigzag order, before dequantisation.
    #[inline(always)]
    pub(crate) fn see(&mut self, component: usize, block: &[i16; 64]) {
        let steps = &self.components[component % 3];
        let products = block.iter().zip(&steps.limited).map(|(value, &step)| {
            let magnitude = value.unsigned_abs().min(LARGE.0) as i16;
            (i32::from(magnitude) * i32::from(step)) as u32
        });
        self.within &= products.sum::<u32>() <= SURELY || is_within(block, steps.exact);
    }

    /// # Errors
    /// [`JpegError::Unsupported`] if a block was beyond what a picture can have.
    pub(crate) fn check(&self) -> Result<(), JpegError> {
        match self.within {
            true => Ok(()),
            false => Err(JpegError::Unsupported(
                "it has coefficients that no picture has",
            )),
        }
    }
}

/// Whether each column of a block is within bounds.
#[cold]
fn is_within(block: &[i16; 64], steps: &[u16; 64]) -> bool {
    let mut columns = [0u32; 8];
    for (k, (value, &step)) in block.iter().zip(steps).enumerate() {
        let (row, column) = (usize::from(ZIGZAG[k] / 8), usize::from(ZIGZAG[k] % 8));
        // A magnitude above this is beyond `MOST` by itself.
        let magnitude = (u32::from(value.unsigned_abs()) * u32::from(step)).min(1 << 13);
        columns[column] += magnitude * WEIGHTS[row];
    }
    columns.iter().all(|&sum| sum <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_cut_changes_no_answer(
            values in proptest::collection::vec((0usize..64, -2000i16..2000), 0..12),
            extreme in proptest::option::of((0usize..64, any::<i16>())),
            step in prop_oneof![Just(1u16), 1u16..40, any::<u16>()],
        ) {
            let mut block = [0i16; 64];
            for (k, value) in values.into_iter().chain(extreme) {
                block[k] = value;
            }
            let exact = [step; 64];
            let steps = Steps { exact: &exact, limited: exact.map(|step| step.min(LARGE.1) as i16) };
            let mut range = Range { components: [steps; 3], within: true };
            range.see(0, &block);
            prop_assert_eq!(range.check().is_ok(), is_within(&block, &exact));
        }
    }
}
