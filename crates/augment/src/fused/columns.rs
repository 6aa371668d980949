//! The horizontal pass: rows of a plane become rows of as many samples as the output has columns.
//! Holds the tables and chooses the kernels; the kernels themselves are elsewhere.
#![cfg_attr(target_arch = "x86_64", allow(unsafe_code))]

use super::axis::{Axis, Span};
use super::line::Line;
use super::picks::Picks;
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Level;

/// The tables of the horizontal pass.
#[derive(Debug, Default)]
pub(super) struct Columns {
    axis: Axis,
    picks: Picks,
}

impl Columns {
    /// Computes the tables of `span`.
    pub(super) fn build(&mut self, level: Level, span: &Span) {
        fill(level, &mut self.axis, span);
        match level {
            // SAFETY: `FusedResampler::with_level` takes no level that the processor lacks.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::build_picks(&mut self.picks, &self.axis) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::build_picks(&mut self.picks, &self.axis) },
            _ => self.picks.clear(),
        }
    }

    /// Bytes that [`Columns::run`] wants to find from the start of a row on. Those beyond the samples
    /// of the row may have any value.
    pub(super) fn reach(&self) -> usize {
        self.picks.reach().max(self.axis.end())
    }

    /// Resamples `row` into `out`, which has as many lines as the outputs fill.
    pub(super) fn run(&self, level: Level, row: &[u8], out: &mut [Line]) {
        match level {
            // SAFETY: `FusedResampler::with_level` takes no level that the processor lacks.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::across(&self.axis, &self.picks, row, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::across(&self.axis, &self.picks, row, out) },
            _ => scalar::across(&self.axis, row, out),
        }
    }
}

/// [`Axis::fill`], compiled for the vectors of `level`.
pub(super) fn fill(level: Level, axis: &mut Axis, span: &Span) {
    match level {
        // SAFETY: `FusedResampler::with_level` takes no level that the processor lacks.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::fill(axis, span) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::fill(axis, span) },
        _ => axis.fill(span),
    }
}
