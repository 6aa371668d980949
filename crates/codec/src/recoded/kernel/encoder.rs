//! The loops of the encoder and of its check that are plain Rust, compiled once more for newer processors.

use super::super::layout::Shape;
use super::super::scan::{self, Writer};
use super::super::unit::UnitDecoder;
use super::super::{RecodeError, payload};
use crate::newer::compiled_twice;
use crate::seek::whole::Blocks;

compiled_twice! {
    /// See [`scan::write_rows`].
    pub(in super::super) write_rows = scan::write_rows,
    (writer: &mut Writer, components: &[Blocks]) -> Result<(), RecodeError>
}

compiled_twice! {
    /// See [`payload::lay_out`].
    pub(in super::super) lay_out = payload::lay_out,
    (decoder: &mut UnitDecoder, shape: &Shape, columns: [usize; 3], strip: &mut [Blocks]) -> ()
}
