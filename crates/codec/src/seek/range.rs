//! Coefficients that no picture has, and on which decoders disagree.
//!
//! Samples of eight bits call for dequantised coefficients of up to about 1100. libjpeg-turbo's vector DCT takes a
//! short cut where a block has nothing below its first row: there a coefficient of 8192 or more wraps, elsewhere it
//! saturates. A file with such coefficients, made by accident or malice, is stored as it is.

use super::SeekError;
use super::header::Header;

/// The largest magnitude that comes out of either way alike.
const MOST: i32 = 8191;

/// Watches the coefficients of a scan.
pub(super) struct Range<'h> {
    /// Quantisation steps of each component, in zigzag order.
    steps: [Option<&'h [u16; 64]>; 3],
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
            within: true,
        })
    }

    /// A component's coefficient at zigzag position `k`, before dequantisation.
    pub(super) fn see(&mut self, component: usize, k: u32, value: i16) {
        let steps = self.steps.get(component).copied().flatten();
        let step = steps.map_or(1, |steps| steps[(k & 63) as usize]);
        self.within &= (i32::from(value) * i32::from(step)).abs() <= MOST;
    }

    /// # Errors
    /// [`SeekError::Unsupported`] if a coefficient was beyond what a picture can have.
    pub(super) fn check(&self) -> Result<(), SeekError> {
        match self.within {
            true => Ok(()),
            false => Err(SeekError::Unsupported(
                "it has coefficients that no picture has",
            )),
        }
    }
}
