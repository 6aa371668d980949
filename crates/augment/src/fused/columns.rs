//! The horizontal pass: rows of a plane become rows with one sample for each column of the output. Holds the tables and
//! chooses the kernels; other files hold the kernels themselves.

use pixels::dispatch;

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
        build_picks(level, &mut self.picks, &self.axis);
    }

    /// How many bytes [`Columns::run`] needs from the start of a row. Bytes beyond the samples of the row may have any
    /// value.
    pub(super) fn reach(&self) -> usize {
        self.picks.reach().max(self.axis.end())
    }

    /// Resamples `row` into `out`, which has exactly the lines that the outputs fill.
    pub(super) fn run(&self, level: Level, row: &[u8], out: &mut [Line]) {
        across(level, &self.axis, &self.picks, row, out);
    }
}

dispatch! {
    fn build_picks(level: Level, picks: &mut Picks, axis: &Axis) {
        Avx512Vbmi => avx512::build_picks,
        Avx2Fma => avx2::build_picks,
        _ => no_picks,
    }
}

fn no_picks(picks: &mut Picks, _: &Axis) {
    picks.clear();
}

dispatch! {
    fn across(level: Level, axis: &Axis, picks: &Picks, row: &[u8], out: &mut [Line]) {
        Avx512Vbmi => avx512::across,
        Avx2Fma => avx2::across,
        _ => across_without_picks,
    }
}

fn across_without_picks(axis: &Axis, _: &Picks, row: &[u8], out: &mut [Line]) {
    scalar::across(axis, row, out);
}

dispatch! {
    /// [`Axis::fill`], compiled for the vectors of `level`.
    pub(super) fn fill(level: Level, axis: &mut Axis, span: &Span) {
        Avx512Vbmi => avx512::fill,
        Avx2Fma => avx2::fill,
        _ => Axis::fill,
    }
}
