//! Walks a whole scan to index it. Runs once per file, when a data set is built.

use pixels::dispatch;

use crate::Level;
use crate::jpeg::JpegError;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::bits::Bits;
use crate::jpeg::grid::Grid;
use crate::jpeg::range::Range;
use crate::jpeg::rows::Entry;
use crate::jpeg::tables::Tables;

dispatch! {
    /// Returns an index entry for every `segment` MCUs of every row.
    ///
    /// # Errors
    /// [`JpegError::Corrupt`] if the scan has invalid codes, ends early or goes on after its last MCU.
    pub(super) fn walk(
        level: Level,
        header: &Baseline,
        tables: &Tables,
        scan: &[u8],
        segment: usize,
    ) -> Result<Vec<Entry>, JpegError> {
        Avx2Bmi => entries,
        _ => entries,
    }
}

#[inline(always)]
fn entries(
    header: &Baseline,
    tables: &Tables,
    scan: &[u8],
    segment: usize,
) -> Result<Vec<Entry>, JpegError> {
    let grid = Grid::of(header);
    let mut entries = Vec::with_capacity(grid.down * grid.across.div_ceil(segment));
    let mut bits = Bits::at(scan, 0);
    let mut dc = [0i16; 3];
    let mut range = Range::of(header)?;
    for _ in 0..grid.down {
        for mcu in 0..grid.across {
            if mcu % segment == 0 {
                let position = u32::try_from(bits.position())
                    .map_err(|_| JpegError::Unsupported("its scan is larger than 512 MiB"))?;
                entries.push(Entry { position, dc });
            }
            for (c, (component, dc)) in header.components().iter().zip(&mut dc).enumerate() {
                for _ in 0..component.across * component.down {
                    let mut block = [0i16; 64];
                    tables.coefficients(component, &mut bits, dc, |k, value| {
                        block[(k & 63) as usize] = value;
                    })?;
                    range.see(c, &block);
                }
            }
        }
        if bits.position() > scan.len() * 8 {
            return Err(JpegError::Corrupt("the entropy-coded data is cut short"));
        }
    }
    if scan.len() * 8 - bits.position() >= 8 {
        return Err(JpegError::Unsupported(
            "its entropy-coded data goes on after the last block",
        ));
    }
    range.check()?;
    Ok(entries)
}
