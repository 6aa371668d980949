//! A JPEG file taken apart into what a record keeps, and put together again.

use super::RecodeError;
use super::kernel;
use super::layout::{Frame, Shape};
use super::symbols::Symbols;
use super::tables::Steps;
use crate::seek::header::Header;
use crate::seek::payload::{stuff, unstuff};
use crate::seek::whole::{self, Blocks};

/// The parts of a file.
pub(super) struct Source<'a> {
    pub(super) frame: Frame,
    /// The file up to the end of its SOS segment.
    pub(super) header: &'a [u8],
    pub(super) steps: Steps,
    pub(super) components: Vec<Blocks>,
    /// The bits that fill the last byte of the scan.
    pub(super) padding: u8,
    /// The file from the first marker after the scan on.
    pub(super) tail: &'a [u8],
}

impl<'a> Source<'a> {
    /// Takes a baseline file apart.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, RecodeError> {
        let parsed = Header::parse(file)?;
        let (header, rest) = file
            .split_at_checked(parsed.scan)
            .ok_or(RecodeError::Corrupt("there is no scan"))?;
        let (frame, steps) = (frame(&parsed)?, steps(&parsed)?);
        let (scan, tail) = unstuff(rest);
        let (components, end) = whole::coefficients(&parsed, &scan)?;
        let spare = scan.len() * 8 - end;
        if spare >= 8 {
            return Err(RecodeError::Unsupported(
                "its entropy-coded data goes on after the last block",
            ));
        }
        let last = scan.last().copied().unwrap_or(0);
        Ok(Source {
            frame,
            header,
            steps,
            components,
            padding: last & ((1 << spare) - 1),
            tail,
        })
    }

    /// Calls `each` with the symbols of every unit, row by row.
    pub(super) fn each_unit(
        &self,
        symbols: &mut Symbols,
        mut each: impl FnMut(&Frame, &Shape, &mut Symbols) -> Result<(), RecodeError>,
    ) -> Result<(), RecodeError> {
        let frame = &self.frame;
        let (across, down) = frame.units();
        for row in 0..down {
            for column in 0..across {
                let shape = frame.shape(column, row);
                symbols.gather(&shape, &self.components, &frame.origins(column, row))?;
                each(frame, &shape, symbols)?;
            }
        }
        Ok(())
    }

    /// The file, byte for byte.
    pub(super) fn write(&self) -> Result<Vec<u8>, RecodeError> {
        let parsed = Header::parse(self.header)?;
        if frame(&parsed)? != self.frame || steps(&parsed)? != self.steps {
            return Err(RecodeError::Corrupt("its header is that of another image"));
        }
        let scan = kernel::write_scan(&parsed, &self.frame, &self.components, self.padding)?;
        let mut file =
            Vec::with_capacity(self.header.len() + scan.len() * 65 / 64 + self.tail.len());
        file.extend(self.header);
        stuff(&scan, &mut file);
        file.extend(self.tail);
        Ok(file)
    }
}

fn frame(header: &Header) -> Result<Frame, RecodeError> {
    const LARGE: RecodeError = RecodeError::Unsupported("it is too large");
    let luma = header.components()[0];
    let sampling = match header.components().len() {
        1 => 0,
        _ => (luma.across << 4 | luma.down) as u8,
    };
    let side = |side: usize| u16::try_from(side).map_err(|_| LARGE);
    Frame::new(side(header.width)?, side(header.height)?, sampling)
}

fn steps(header: &Header) -> Result<Steps, RecodeError> {
    let mut all = [[0; 64]; 3];
    for (component, steps) in header.components().iter().zip(&mut all) {
        for (step, &wide) in steps.iter_mut().zip(header.quantiser(component)?) {
            *step = u8::try_from(wide)
                .map_err(|_| RecodeError::Unsupported("a quantisation step exceeds 255"))?;
        }
    }
    Ok(all)
}
