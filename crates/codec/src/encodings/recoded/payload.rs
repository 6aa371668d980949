//! The bytes of a re-coded record.
//!
//! ```text
//! u32 tables | u16 width | u16 height | u8 sampling | u8 steps | u8 padding | u8 zero     little-endian
//! u32 header length | u32 packed header length | u32 tail length
//! [64 bytes per component: quantisation steps, if `steps` is 255]
//! u16 length of each unit | units | packed header | tail
//! ```

use pixels::dispatch;

use super::error::RecodeError;
use super::kernel;
use super::layout::{Frame, MOST_LANES, Shape};
use super::source::{Parts, Source};
use super::symbols::Symbols;
use super::tables::{Steps, Tables};
use super::unit;
use super::unit::UnitDecoder;
use crate::Level;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::coefficients::Blocks;

const HEAD: usize = 24;
/// Stands in place of the number of shared quantisation tables if the record has its own.
const OWN_STEPS: u8 = 255;

/// The parts of a stored record. The lengths of its units add up to the length of `units`.
pub(super) struct Payload<'a> {
    pub(super) frame: Frame,
    pub(super) steps: Steps,
    padding: u8,
    header_length: usize,
    lengths: &'a [u8],
    /// The units, and where the rest of the record starts.
    pub(super) units: &'a [u8],
    end: usize,
    header: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Payload<'a> {
    pub(super) fn parse(tables: &Tables, bytes: &'a [u8]) -> Result<Self, RecodeError> {
        const SHORT: RecodeError = RecodeError::Corrupt("its parts do not add up to its length");
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(SHORT)?;
        let short = |i: usize| u16::from_le_bytes([head[i], head[i + 1]]);
        let word = |i: usize| u32::from(short(i)) | u32::from(short(i + 2)) << 16;
        if word(0) != tables.id() {
            return Err(RecodeError::OtherTables(word(0)));
        }
        let frame = Frame::new(short(4), short(6), head[8])?;
        let (steps, rest) = match head[9] {
            OWN_STEPS => own_steps(&frame, rest).ok_or(SHORT)?,
            shared => (
                *tables
                    .palette
                    .get(usize::from(shared))
                    .ok_or(RecodeError::Corrupt("its quantisation tables are unknown"))?,
                rest,
            ),
        };
        let (across, down) = frame.units();
        let (lengths, units) = rest.split_at_checked(across * down * 2).ok_or(SHORT)?;
        let behind = u64::from(word(16)) + u64::from(word(20));
        let end = usize::try_from(behind)
            .ok()
            .and_then(|behind| units.len().checked_sub(behind))
            .ok_or(SHORT)?;
        let (header, tail) = units[end..]
            .split_at_checked(word(16) as usize)
            .ok_or(SHORT)?;
        let payload = Payload {
            frame,
            steps,
            padding: head[10],
            header_length: word(12) as usize,
            lengths,
            units,
            end,
            header,
            tail,
        };
        match payload.lengths(0..across * down) {
            sum if sum == end => Ok(payload),
            _ => Err(SHORT),
        }
    }

    /// How many bytes these units have.
    pub(super) fn lengths(&self, units: std::ops::Range<usize>) -> usize {
        let lengths = &self.lengths[units.start * 2..units.end * 2];
        let lengths = lengths.chunks_exact(2);
        lengths
            .map(|length| usize::from(u16::from_le_bytes([length[0], length[1]])))
            .sum()
    }

    /// Decodes all units. Calls `each` with every row of them, from the top.
    pub(super) fn each_strip(
        &self,
        tables: &Tables,
        level: Level,
        each: &mut dyn FnMut(&[Blocks]) -> Result<(), RecodeError>,
    ) -> Result<(), RecodeError> {
        let (frame, (across, down)) = (&self.frame, self.frame.units());
        // The smallest unit has a state for each of its lanes. So the length checks have already refused a size that
        // the bytes cannot hold, before any memory is allocated for it.
        if self.end < across * down * unit::SHORTEST {
            return Err(RecodeError::Corrupt("its units are too short"));
        }
        let (mut decoder, mut strip) = (UnitDecoder::new(level), Vec::new());
        let mut at = 0;
        for row in 0..down {
            frame.fit(&mut strip, row);
            for column in 0..across {
                let number = row * across + column;
                let length = self.lengths(number..number + 1);
                let shape = frame.shape(column, row);
                decoder.decode(tables, &shape, &self.units[at..], length, shape.blocks)?;
                at += length;
                lay_out(
                    Level::best(),
                    &mut decoder,
                    &shape,
                    frame.columns(column),
                    &mut strip,
                );
            }
            each(&strip)?;
        }
        Ok(())
    }
}

dispatch! {
    /// Copies the blocks of a decoded unit, which begins at these columns of blocks, into its row of units.
    fn lay_out(
        level: Level,
        decoder: &mut UnitDecoder,
        shape: &Shape,
        columns: [usize; 3],
        strip: &mut [Blocks],
    ) {
        Avx2Bmi => place,
        _ => place,
    }
}

#[inline(always)]
fn place(decoder: &mut UnitDecoder, shape: &Shape, columns: [usize; 3], strip: &mut [Blocks]) {
    for row in shape.rows() {
        let into = &mut strip[row.component];
        let first = row.line * into.across + columns[row.component];
        decoder.blocks(row.first, &mut into.blocks[first..first + row.blocks]);
    }
}

fn own_steps<'a>(frame: &Frame, rest: &'a [u8]) -> Option<(Steps, &'a [u8])> {
    let (own, rest) = rest.split_at_checked(64 * frame.components)?;
    let mut steps = [[0; 64]; 3];
    for (steps, own) in steps.iter_mut().zip(own.chunks_exact(64)) {
        steps.copy_from_slice(own);
    }
    Some((steps, rest))
}

/// [`pack_read`] of a file whose header has not been read.
#[cfg(test)]
pub(crate) fn pack(tables: &Tables, file: &[u8]) -> Result<Vec<u8>, RecodeError> {
    pack_read(tables, file, &Baseline::parse(file)?)
}

/// Makes a record of a JPEG file whose header has been read.
///
/// # Errors
/// [`RecodeError::Unsupported`] for a file of another kind, one that could not be restored byte for byte, or one that
/// would grow; [`RecodeError::Corrupt`] for one whose entropy-coded data is damaged or cut short.
pub(super) fn pack_read(
    tables: &Tables,
    file: &[u8],
    header: &Baseline,
) -> Result<Vec<u8>, RecodeError> {
    let record = pack_source(tables, &Source::of(file, header.clone())?)?;
    if record.len() > file.len() {
        return Err(RecodeError::Unsupported("it would grow"));
    }
    match restore(tables, &record) {
        Ok(restored) if restored == file => Ok(record),
        _ => Err(RecodeError::Unsupported(
            "it would not come back byte for byte",
        )),
    }
}

/// Makes a record of a file that has been taken apart, whatever its size.
pub(super) fn pack_source(tables: &Tables, source: &Source<'_>) -> Result<Vec<u8>, RecodeError> {
    let mut packer = Packer::new(tables, source.parts.frame, Level::best());
    let padding = source.each_strip(|strip| packer.strip(strip))?;
    packer.finish(&source.parts, padding)
}

/// Makes a record, a row of units at a time.
pub(super) struct Packer<'t> {
    tables: &'t Tables,
    frame: Frame,
    symbols: Symbols,
    /// How many rows of units there are so far.
    rows: usize,
    lengths: Vec<u8>,
    units: Vec<u8>,
}

const LARGE: RecodeError = RecodeError::Unsupported("it is too large");

impl<'t> Packer<'t> {
    pub(super) fn new(tables: &'t Tables, frame: Frame, level: Level) -> Self {
        Packer {
            tables,
            frame,
            symbols: Symbols::new(level),
            rows: 0,
            lengths: Vec::new(),
            units: Vec::new(),
        }
    }

    /// Appends the next row of units.
    pub(super) fn strip(&mut self, strip: &[Blocks]) -> Result<(), RecodeError> {
        for column in 0..self.frame.units().0 {
            let shape = self.frame.shape(column, self.rows);
            let columns = self.frame.columns(column);
            self.symbols
                .gather(self.tables.contexts(), &shape, strip, columns)?;
            self.symbols.put_rare_beside(self.tables);
            let start = self.units.len();
            pack_unit(self.tables, &mut self.symbols, &mut self.units).ok_or(LARGE)?;
            let length = u16::try_from(self.units.len() - start).map_err(|_| LARGE)?;
            self.lengths.extend(length.to_le_bytes());
        }
        self.rows += 1;
        Ok(())
    }

    /// The record, whatever its size.
    pub(super) fn finish(self, parts: &Parts<'_>, padding: u8) -> Result<Vec<u8>, RecodeError> {
        let Packer {
            tables,
            frame,
            lengths,
            units,
            ..
        } = self;
        let shared = tables
            .palette
            .iter()
            .position(|steps| *steps == parts.steps);
        let header = tables.pack_header(parts.header).ok_or(LARGE)?;
        let own = if shared.is_none() {
            64 * frame.components
        } else {
            0
        };
        let sizes = [lengths.len(), units.len(), header.len(), parts.tail.len()];
        let mut record = Vec::with_capacity(HEAD + own + sizes.iter().sum::<usize>());
        record.extend(tables.id().to_le_bytes());
        record.extend((frame.width as u16).to_le_bytes());
        record.extend((frame.height as u16).to_le_bytes());
        let steps = shared.map_or(OWN_STEPS, |at| at as u8);
        record.extend([frame.sampling(), steps, padding, 0]);
        for length in [parts.header.len(), header.len(), parts.tail.len()] {
            record.extend(u32::try_from(length).map_err(|_| LARGE)?.to_le_bytes());
        }
        if shared.is_none() {
            record.extend(parts.steps[..frame.components].iter().flatten());
        }
        for part in [&lengths, &units, &header, parts.tail] {
            record.extend(part);
        }
        Ok(record)
    }
}

/// Appends a unit. `None` if a part of it has more bytes than a unit can have.
fn pack_unit(tables: &Tables, symbols: &mut Symbols, into: &mut Vec<u8>) -> Option<()> {
    let mut words = std::mem::take(&mut symbols.words);
    symbols.write_beside();
    let (phases, ac, dc) = (symbols.phases(), symbols.ac.bytes(), symbols.dc.bytes());
    let lanes = unit::lanes(phases.iter().map(|phase| phase.symbols.len()).sum());
    // The states start with the last two bytes per lane.
    let (ac, last) = ac.split_at(ac.len().saturating_sub(2 * lanes));
    let mut seeds = [0; 2 * MOST_LANES];
    seeds[..last.len()].copy_from_slice(last);
    let (states, at) = kernel::encode(
        symbols.kernel,
        tables,
        &phases,
        &seeds[..2 * lanes],
        &mut words,
    );
    let written = &words[at..];
    into.extend(unit::head(written.len(), lanes, ac.len())?);
    into.extend(states[..lanes].iter().flat_map(|state| state.to_le_bytes()));
    let start = into.len();
    into.resize(start + 2 * written.len(), 0);
    for (bytes, word) in into[start..].chunks_exact_mut(2).zip(written) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    into.extend(dc);
    into.extend(ac);
    into.extend(symbols.beside.bytes());
    symbols.words = words;
    Some(())
}

/// The source file, byte for byte.
///
/// # Errors
/// [`RecodeError::Corrupt`] if `record` was not made by [`pack`], [`RecodeError::OtherTables`] if it
/// was made with others.
pub(crate) fn restore(tables: &Tables, record: &[u8]) -> Result<Vec<u8>, RecodeError> {
    let payload = Payload::parse(tables, record)?;
    let header = tables
        .unpack_header(payload.header, payload.header_length)
        .ok_or(RecodeError::Corrupt("its packed header is damaged"))?;
    let parts = Parts {
        frame: payload.frame,
        header: &header,
        steps: payload.steps,
        tail: payload.tail,
    };
    parts.write(payload.padding, |each| {
        payload.each_strip(tables, Level::best(), each)
    })
}
