//! The loops of the encoder and of its check that are plain Rust, compiled once more for newer processors.

use pixels::dispatch;

use super::super::layout::Shape;
use super::super::scan::{self, Writer};
use super::super::unit::UnitDecoder;
use super::super::{RecodeError, payload};
use crate::Level;
use crate::jpeg::coefficients::Blocks;

dispatch! {
    /// See [`scan::write_rows`].
    pub(in super::super) fn write_rows(
        level: Level,
        writer: &mut Writer,
        components: &[Blocks],
    ) -> Result<(), RecodeError> {
        Avx2Bmi => scan::write_rows,
        _ => scan::write_rows,
    }
}

dispatch! {
    /// See [`payload::lay_out`].
    pub(in super::super) fn lay_out(
        level: Level,
        decoder: &mut UnitDecoder,
        shape: &Shape,
        columns: [usize; 3],
        strip: &mut [Blocks],
    ) {
        Avx2Bmi => payload::lay_out,
        _ => payload::lay_out,
    }
}
