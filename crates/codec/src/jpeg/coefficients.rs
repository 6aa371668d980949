//! The quantised coefficients of a scan, for encodings that store them in another way.
//!
//! Training never runs this: it runs once per file, when a data set is built.

use pixels::dispatch;

use super::JpegError;
use super::baseline::Baseline;
use super::bits::Bits;
use super::range::Range;
use super::tables::Tables;
use crate::Level;

/// The coefficients of one component, of all rows or of some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    /// Blocks in a row, whole MCUs.
    pub(crate) across: usize,
    /// Row by row, each block in zigzag order. DC is absolute, not a difference.
    pub(crate) blocks: Vec<[i16; 64]>,
}

/// Decodes a scan (unstuffed) from its start to its end, some rows of MCUs at a time.
pub(crate) struct Reader<'a> {
    header: &'a Baseline,
    tables: Tables,
    bits: Bits<'a>,
    /// DC of each component's last block.
    dc: [i16; 3],
    range: Range<'a>,
}

impl<'a> Reader<'a> {
    /// # Errors
    /// [`JpegError::Corrupt`] if the header lacks a table.
    pub(crate) fn new(header: &'a Baseline, scan: &'a [u8]) -> Result<Self, JpegError> {
        let mut tables = Tables::empty();
        tables.set(header)?;
        Ok(Reader {
            header,
            tables,
            bits: Bits::at(scan, 0),
            dc: [0; 3],
            range: Range::of(header)?,
        })
    }

    /// The position in bits after the last row.
    ///
    /// # Errors
    /// [`JpegError::Unsupported`] if there were coefficients that no picture can have.
    pub(crate) fn finish(self) -> Result<usize, JpegError> {
        self.range.check()?;
        Ok(self.bits.position())
    }
}

dispatch! {
    /// Decodes the next rows of MCUs: as many as fill `into`. `into` holds each component's blocks, all zero.
    ///
    /// # Errors
    /// [`JpegError::Corrupt`] if the scan has invalid codes or ends early.
    pub(crate) fn read_rows(
        level: Level,
        reader: &mut Reader<'_>,
        into: &mut [Blocks],
    ) -> Result<(), JpegError> {
        Avx2Bmi => read,
        _ => read,
    }
}

#[inline(always)]
fn read(reader: &mut Reader<'_>, into: &mut [Blocks]) -> Result<(), JpegError> {
    let components = reader.header.components();
    let luma = components[0];
    let across = into[0].across / luma.across;
    let rows = into[0].blocks.len() / (into[0].across * luma.down);
    let (mut bits, mut dc) = (reader.bits, reader.dc);
    for row in 0..rows {
        for mcu in 0..across {
            let all = components.iter().zip(&mut *into).zip(&mut dc);
            for (c, ((component, into), dc)) in all.enumerate() {
                for v in 0..component.down {
                    let first = (row * component.down + v) * into.across + mcu * component.across;
                    for block in &mut into.blocks[first..first + component.across] {
                        reader
                            .tables
                            .coefficients(component, &mut bits, dc, |k, value| {
                                block[(k & 63) as usize] = value;
                            })?;
                        reader.range.see(c, block);
                    }
                }
            }
        }
        if bits.position() > bits.data.len() * 8 {
            return Err(JpegError::Corrupt("the entropy-coded data is cut short"));
        }
    }
    (reader.bits, reader.dc) = (bits, dc);
    Ok(())
}
