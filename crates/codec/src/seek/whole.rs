//! All quantised coefficients of a scan, for an encoding that stores them another way.
//!
//! Not on the path of training: it runs once a file, when a data set is built.

use super::SeekError;
use super::bits::Bits;
use super::header::Header;
use super::range::Range;
use super::tables::Tables;
use crate::newer::compiled_twice;

/// The coefficients of one component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    /// Blocks in a row, whole MCUs.
    pub(crate) across: usize,
    /// Row by row, each block in zigzag order. DC is absolute, not a difference.
    pub(crate) blocks: Vec<[i16; 64]>,
}

compiled_twice! {
    /// Decodes a whole scan (unstuffed): each component's blocks, and the position in bits after the
    /// last of them.
    ///
    /// # Errors
    /// [`SeekError::Corrupt`] if the scan has invalid codes or ends early.
    pub(crate) coefficients = decode,
    (header: &Header, scan: &[u8]) -> Result<(Vec<Blocks>, usize), SeekError>
}

#[inline(always)]
fn decode(header: &Header, scan: &[u8]) -> Result<(Vec<Blocks>, usize), SeekError> {
    let mut tables = Tables::empty();
    tables.set(header)?;
    let luma = header.components()[0];
    let across = header.width.div_ceil(8 * luma.across);
    let down = header.height.div_ceil(8 * luma.down);
    let mut components: Vec<Blocks> = header
        .components()
        .iter()
        .map(|component| {
            let across = across * component.across;
            Blocks {
                across,
                blocks: vec![[0; 64]; across * down * component.down],
            }
        })
        .collect();
    let mut bits = Bits::at(scan, 0);
    let mut dc = [0i16; 3];
    let mut range = Range::of(header)?;
    for row in 0..down {
        for mcu in 0..across {
            for (c, ((component, into), dc)) in header
                .components()
                .iter()
                .zip(&mut components)
                .zip(&mut dc)
                .enumerate()
            {
                for v in 0..component.down {
                    let first = (row * component.down + v) * into.across + mcu * component.across;
                    for block in &mut into.blocks[first..first + component.across] {
                        tables.coefficients(component, &mut bits, dc, |k, value| {
                            block[(k & 63) as usize] = value;
                        })?;
                        range.see(c, block);
                    }
                }
            }
        }
        if bits.position() > scan.len() * 8 {
            return Err(SeekError::Corrupt("the entropy-coded data is cut short"));
        }
    }
    range.check()?;
    Ok((components, bits.position()))
}
