//! The loops of the encoder and of its check that are plain Rust, compiled once more for newer processors.

use super::super::layout::{Frame, Shape};
use super::super::symbols::Origin;
use super::super::unit::UnitDecoder;
use super::super::{RecodeError, payload, scan};
use crate::newer::compiled_twice;
use crate::seek::header::Header;
use crate::seek::whole::Blocks;

compiled_twice! {
    /// See [`scan::write`].
    pub(in super::super) write_scan = scan::write,
    (
        header: &Header,
        frame: &Frame,
        components: &[Blocks],
        padding: u8,
    ) -> Result<Vec<u8>, RecodeError>
}

compiled_twice! {
    /// See [`payload::lay_out`].
    pub(in super::super) lay_out = payload::lay_out,
    (
        decoder: &mut UnitDecoder,
        shape: &Shape,
        origins: &[Origin; 3],
        components: &mut [Blocks],
    ) -> ()
}
