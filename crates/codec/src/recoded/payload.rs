//! The bytes of a re-coded record.
//!
//! ```text
//! u32 tables | u16 width | u16 height | u8 sampling | u8 steps | u8 padding | u8 zero     little-endian
//! u32 header length | u32 packed header length | u32 tail length
//! [64 bytes a component: quantisation steps, if `steps` is 255]
//! u16 length of each unit | units | packed header | tail
//! ```

use super::RecodeError;
use super::kernel;
use super::layout::{Frame, MOST_LANES, Shape};
use super::source::Source;
use super::symbols::{Origin, Symbols};
use super::tables::{Steps, Tables};
use super::unit::{self, UnitDecoder};
use crate::seek::Level;
use crate::seek::whole::Blocks;

const HEAD: usize = 24;
/// In place of the number of shared quantisation tables: the record has its own.
const OWN_STEPS: u8 = 255;

/// The parts of a stored record; the lengths of its units add up to those of `units`.
pub(super) struct Payload<'a> {
    pub(super) frame: Frame,
    pub(super) steps: Steps,
    padding: u8,
    header_length: usize,
    lengths: &'a [u8],
    /// The units, and where the rest of the record follows them.
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

    /// How many bytes these units take.
    pub(super) fn lengths(&self, units: std::ops::Range<usize>) -> usize {
        let lengths = &self.lengths[units.start * 2..units.end * 2];
        let lengths = lengths.chunks_exact(2);
        lengths
            .map(|length| usize::from(u16::from_le_bytes([length[0], length[1]])))
            .sum()
    }

    /// All blocks of all components.
    pub(super) fn coefficients(
        &self,
        tables: &Tables,
        level: Level,
    ) -> Result<Vec<Blocks>, RecodeError> {
        let frame = &self.frame;
        let (mcus, units) = (frame.mcus(), frame.units());
        // The smallest unit has a state for each of its lanes: a size that the bytes cannot hold
        // was refused with the lengths, before memory is taken for it.
        if self.end < units.0 * units.1 * unit::SHORTEST {
            return Err(RecodeError::Corrupt("its units are too short"));
        }
        let mut components: Vec<Blocks> = (0..frame.components)
            .map(|component| {
                let (across, down) = frame.factors(component);
                Blocks {
                    across: mcus.0 * across,
                    blocks: vec![[0; 64]; mcus.0 * across * mcus.1 * down],
                }
            })
            .collect();
        let mut decoder = UnitDecoder::new(level);
        let mut at = 0;
        for row in 0..units.1 {
            for column in 0..units.0 {
                let number = row * units.0 + column;
                let length = self.lengths(number..number + 1);
                let shape = frame.shape(column, row);
                decoder.decode(tables, &shape, &self.units[at..], length, shape.blocks)?;
                at += length;
                let origins = frame.origins(column, row);
                kernel::lay_out(&mut decoder, &shape, &origins, &mut components);
            }
        }
        Ok(components)
    }
}

/// Puts the blocks of a decoded unit, whose first ones are at `origins`, in their components. To be called through
/// [`kernel::lay_out`].
#[inline(always)]
pub(super) fn lay_out(
    decoder: &mut UnitDecoder,
    shape: &Shape,
    origins: &[Origin; 3],
    components: &mut [Blocks],
) {
    for row in shape.rows() {
        let into = &mut components[row.component];
        let (x, y) = origins[row.component];
        let first = (y + row.line) * into.across + x;
        let blocks = &mut into.blocks[first..first + row.blocks];
        for (i, block) in blocks.iter_mut().enumerate() {
            decoder.block(row.first + i, block);
        }
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

/// Makes a record of a JPEG file.
///
/// # Errors
/// [`RecodeError::Unsupported`] for a file of another kind, one that would not come back byte for byte, or one
/// that would grow; [`RecodeError::Corrupt`] for one whose entropy-coded data is damaged or cut short.
pub(crate) fn pack(tables: &Tables, file: &[u8]) -> Result<Vec<u8>, RecodeError> {
    let record = pack_source(tables, &Source::read(file)?)?;
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

/// Makes a record of a file that has been taken apart, however large.
pub(super) fn pack_source(tables: &Tables, source: &Source<'_>) -> Result<Vec<u8>, RecodeError> {
    const LARGE: RecodeError = RecodeError::Unsupported("it is too large");
    let (mut lengths, mut units) = (Vec::new(), Vec::new());
    let mut symbols = Symbols::new(Level::best());
    source.each_unit(&mut symbols, |_, _, symbols| {
        let start = units.len();
        pack_unit(tables, symbols, &mut units).ok_or(LARGE)?;
        let length = u16::try_from(units.len() - start).map_err(|_| LARGE)?;
        lengths.extend(length.to_le_bytes());
        Ok(())
    })?;
    let frame = &source.frame;
    let shared = tables
        .palette
        .iter()
        .position(|steps| *steps == source.steps);
    let header = tables.pack_header(source.header).ok_or(LARGE)?;
    let mut record = Vec::with_capacity(HEAD + 192 + lengths.len() + units.len() + header.len());
    record.extend(tables.id().to_le_bytes());
    record.extend((frame.width as u16).to_le_bytes());
    record.extend((frame.height as u16).to_le_bytes());
    let steps = shared.map_or(OWN_STEPS, |at| at as u8);
    record.extend([frame.sampling(), steps, source.padding, 0]);
    for length in [source.header.len(), header.len(), source.tail.len()] {
        record.extend(u32::try_from(length).map_err(|_| LARGE)?.to_le_bytes());
    }
    if shared.is_none() {
        record.extend(source.steps[..frame.components].iter().flatten());
    }
    for part in [&lengths, &units, &header, source.tail] {
        record.extend(part);
    }
    Ok(record)
}

/// Appends a unit; `None` if a part of it has more bytes than a unit can have.
fn pack_unit(tables: &Tables, symbols: &mut Symbols, into: &mut Vec<u8>) -> Option<()> {
    let mut words = std::mem::take(&mut symbols.words);
    let (phases, ac, dc) = (symbols.phases(), symbols.ac.bytes(), symbols.dc.bytes());
    let lanes = unit::lanes(phases.iter().map(|phase| phase.symbols.len()).sum());
    // The last two bytes a lane are what the states start with.
    let (ac, last) = ac.split_at(ac.len().saturating_sub(2 * lanes));
    let mut seeds = [0; 2 * MOST_LANES];
    seeds[..last.len()].copy_from_slice(last);
    let (states, at) = kernel::encode(symbols.kernel, tables, &phases, &seeds[..2 * lanes], &mut words);
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
    into.extend(symbols.escapes.iter().flat_map(|value| value.to_le_bytes()));
    symbols.words = words;
    Some(())
}

/// Width and height of the image, in pixels.
///
/// # Errors
/// Those of [`restore`].
pub(crate) fn size(tables: &Tables, record: &[u8]) -> Result<(u32, u32), RecodeError> {
    let frame = Payload::parse(tables, record)?.frame;
    Ok((frame.width as u32, frame.height as u32))
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
    let source = Source {
        frame: payload.frame,
        header: &header,
        steps: payload.steps,
        components: payload.coefficients(tables, Level::best())?,
        padding: payload.padding,
        tail: payload.tail,
    };
    source.write()
}
