//! Takes a JPEG file apart into what a record keeps, and puts it together again.

use super::error::RecodeError;
use super::layout::Frame;
use super::scan::{Writer, write_rows};
use super::tables::Steps;
use crate::Level;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::coefficients::{Blocks, Reader, read_rows};
use crate::jpeg::stuffing::{stuff, unstuff};

/// The parts of a file.
pub(super) struct Source<'a> {
    pub(super) parts: Parts<'a>,
    parsed: Baseline,
    /// Unstuffed.
    scan: Vec<u8>,
}

/// The parts of a file except its scan.
pub(super) struct Parts<'a> {
    pub(super) frame: Frame,
    /// The file up to the end of its SOS segment.
    pub(super) header: &'a [u8],
    pub(super) steps: Steps,
    /// The file from the first marker after the scan on.
    pub(super) tail: &'a [u8],
}

impl<'a> Source<'a> {
    /// Takes a baseline file apart.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, RecodeError> {
        Self::of(file, Baseline::parse(file)?)
    }

    /// Takes apart a baseline file whose header has been read.
    pub(super) fn of(file: &'a [u8], parsed: Baseline) -> Result<Self, RecodeError> {
        let (header, rest) = file
            .split_at_checked(parsed.scan)
            .ok_or(RecodeError::Corrupt("there is no scan"))?;
        let (scan, tail) = unstuff(rest);
        Ok(Source {
            parts: Parts {
                frame: frame(&parsed)?,
                header,
                steps: steps(&parsed)?,
                tail,
            },
            parsed,
            scan,
        })
    }

    /// Decodes the scan. Calls `each` with every row of units, from the top. Returns the bits that fill the scan's last
    /// byte.
    pub(super) fn each_strip(
        &self,
        mut each: impl FnMut(&[Blocks]) -> Result<(), RecodeError>,
    ) -> Result<u8, RecodeError> {
        let frame = &self.parts.frame;
        let mut reader = Reader::new(&self.parsed, &self.scan)?;
        let mut strip = Vec::new();
        for row in 0..frame.units().1 {
            frame.fit(&mut strip, row);
            strip.iter_mut().for_each(|of| of.blocks.fill([0; 64]));
            read_rows(Level::best(), &mut reader, &mut strip)?;
            each(&strip)?;
        }
        let spare = self.scan.len() * 8 - reader.finish()?;
        if spare >= 8 {
            return Err(RecodeError::Unsupported(
                "its entropy-coded data goes on after the last block",
            ));
        }
        let last = self.scan.last().copied().unwrap_or(0);
        Ok(last & ((1 << spare) - 1))
    }
}

impl Parts<'_> {
    /// The file, byte for byte. `strips` calls its argument with each row of units, from the top.
    pub(super) fn write(
        &self,
        padding: u8,
        strips: impl FnOnce(
            &mut dyn FnMut(&[Blocks]) -> Result<(), RecodeError>,
        ) -> Result<(), RecodeError>,
    ) -> Result<Vec<u8>, RecodeError> {
        let parsed = Baseline::parse(self.header)?;
        if frame(&parsed)? != self.frame || steps(&parsed)? != self.steps {
            return Err(RecodeError::Corrupt("its header is that of another image"));
        }
        let mut writer = Writer::new(&parsed, self.frame)?;
        strips(&mut |strip| write_rows(Level::best(), &mut writer, strip))?;
        let scan = writer.finish(padding);
        let mut file =
            Vec::with_capacity(self.header.len() + scan.len() * 65 / 64 + self.tail.len());
        file.extend(self.header);
        stuff(&scan, &mut file);
        file.extend(self.tail);
        Ok(file)
    }
}

fn frame(header: &Baseline) -> Result<Frame, RecodeError> {
    const LARGE: RecodeError = RecodeError::Unsupported("it is too large");
    let luma = header.components()[0];
    let sampling = match header.components().len() {
        1 => 0,
        _ => (luma.across << 4 | luma.down) as u8,
    };
    let side = |side: usize| u16::try_from(side).map_err(|_| LARGE);
    Frame::new(side(header.width)?, side(header.height)?, sampling)
}

fn steps(header: &Baseline) -> Result<Steps, RecodeError> {
    let mut all = [[0; 64]; 3];
    for (component, steps) in header.components().iter().zip(&mut all) {
        for (step, &wide) in steps.iter_mut().zip(header.quantiser(component)?) {
            *step = u8::try_from(wide)
                .map_err(|_| RecodeError::Unsupported("a quantisation step exceeds 255"))?;
        }
    }
    Ok(all)
}
