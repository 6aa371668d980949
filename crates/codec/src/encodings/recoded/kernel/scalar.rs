//! The kernels in plain Rust. The others must equal them.
//!
//! All are inlined into their callers, so that other levels can compile them with better instructions where a separate
//! vector version would not pay.

use super::super::bits::{BitWriter, End};
use super::super::contexts::Contexts;
use super::super::error::RecodeError;
use super::super::layout::MOST_DC;
use super::super::layout::{MOST_BLOCKS, Shape};
use super::super::model::{self, BITS, DC_CLASSES, ESCAPE, MASK_BYTES};
use super::super::rans::LOWEST;
pub(super) use super::super::rans::encode;
use super::{
    AcBits, BESIDE, Blocks, Coder, DcBits, Decoded, Escapes, Masks, SLACK, Symbols, Values,
};
use crate::jpeg::group::Group;

/// See [`super::Coder::decode`]. Returns the new position in `words`.
#[inline(always)]
pub(super) fn symbols(
    coder: &mut Coder<'_>,
    contexts: &[u8],
    symbols: &mut [u8],
    count: usize,
) -> usize {
    let Coder {
        lookup,
        states,
        lanes,
        words,
        at,
        ..
    } = coder;
    let (lanes, mut at) = (*lanes, *at);
    let contexts = contexts[..count].chunks(lanes);
    for (contexts, symbols) in contexts.zip(symbols[..count].chunks_mut(lanes)) {
        for ((state, &context), symbol) in states.0.iter_mut().zip(contexts).zip(symbols) {
            let entry = lookup.entry(context, *state);
            *symbol = entry as u8;
            let next = (entry >> 8 & 0xfff).wrapping_mul(*state >> BITS);
            let next = next.wrapping_add(entry >> 20);
            let word = words.get(at..).and_then(|rest| rest.first_chunk()).copied();
            let refilled = next << 16 | u32::from(u16::from_le_bytes(word.unwrap_or_default()));
            let refill = next < LOWEST;
            *state = if refill { refilled } else { next };
            at += 2 * usize::from(refill);
        }
    }
    at
}

#[inline(always)]
pub(super) fn mask_contexts(
    model: &Contexts,
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &mut Blocks<u8>,
    contexts: &mut Symbols,
) -> usize {
    for (reach, symbol) in reach.iter_mut().zip(blocks) {
        *reach = (symbol / DC_CLASSES as u8).min(MASK_BYTES as u8);
    }
    let (mut next, count) = starts(shape, reach);
    for (block, &reach) in reach[..shape.blocks].iter().enumerate() {
        let chroma = shape.is_chroma(block);
        for (position, next) in next.iter_mut().enumerate().take(usize::from(reach)) {
            contexts[*next] = model.mask_row(chroma, position).0[usize::from(reach)];
            *next += 1;
        }
    }
    count
}

/// Where the mask bytes of each position start, and how many there are in all.
#[inline(always)]
fn starts(shape: &Shape, reach: &Blocks<u8>) -> ([usize; MASK_BYTES], usize) {
    let mut blocks = [0; MASK_BYTES + 1];
    for &reach in &reach[..shape.blocks] {
        blocks[usize::from(reach)] += 1;
    }
    let (mut starts, mut at, mut longer) = ([0; MASK_BYTES], 0, shape.blocks);
    for (start, blocks) in starts.iter_mut().zip(blocks) {
        *start = at;
        longer -= blocks;
        at += longer;
    }
    (starts, at)
}

#[inline(always)]
pub(super) fn masks(shape: &Shape, reach: &Blocks<u8>, bytes: &Masks, masks: &mut Blocks<u64>) {
    let (mut next, _) = starts(shape, reach);
    for (mask, &reach) in masks[..shape.blocks].iter_mut().zip(reach) {
        *mask = 0;
        for (position, next) in next.iter_mut().enumerate().take(usize::from(reach)) {
            *mask |= u64::from(bytes[*next]) << (8 * position);
            *next += 1;
        }
    }
}

#[inline(always)]
pub(super) fn pair_contexts(
    model: &Contexts,
    shape: &Shape,
    masks: &Blocks<u64>,
    first: &mut Blocks<u16>,
    contexts: &mut Symbols,
) -> usize {
    let mut pairs = 0;
    for (block, mask) in masks[..shape.blocks].iter().enumerate() {
        // Bit 0 is DC's. Tables that allow it to be set are refused.
        let count = mask.count_ones() as usize & 63;
        let row = model.pair_row(shape.is_chroma(block), count);
        contexts[pairs..][..row.0.len()].copy_from_slice(&row.0);
        first[block] = 2 * pairs as u16;
        pairs += count.div_ceil(2);
    }
    first[shape.blocks] = 2 * pairs as u16;
    pairs
}

#[inline(always)]
pub(super) fn values(
    pairs: &Symbols,
    count: usize,
    bits: &AcBits,
    values: &mut Values,
    escapes: &mut Escapes,
) -> (usize, usize) {
    let (mut used, mut escaped) = (0, 0);
    for (pair, (symbol, values)) in pairs[..count]
        .iter()
        .zip(values.chunks_exact_mut(2))
        .enumerate()
    {
        let mut window = match bits.get(used / 8..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => u32::from_le_bytes(*bytes) >> (used % 8),
            None => 0,
        };
        for (half, value) in values.iter_mut().enumerate() {
            let mut class = u32::from(symbol >> (4 * half) & 15);
            if class >= u32::from(ESCAPE) {
                escapes[escaped] = (2 * pair + half) as u16;
                escaped += 1;
                class = 0;
            }
            *value = model::from_extra_bits(window & ((1 << class) - 1), class) as i8;
            window >>= class;
            used += class as usize;
        }
    }
    (used, escaped)
}

#[inline(always)]
pub(super) fn dc(
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &Blocks<u8>,
    bits: &DcBits,
    dc: &mut Blocks<i16>,
) -> usize {
    let mut used = 0;
    for row in shape.rows() {
        let mut value = row.above.map_or(0, |above| dc[above]);
        for block in row.first..row.first + row.blocks {
            let class = blocks[block].wrapping_sub(reach[block] * DC_CLASSES as u8);
            let class = u32::from(class).min(DC_CLASSES as u32 - 1);
            let window = match bits.get(used / 8..).and_then(|rest| rest.first_chunk()) {
                Some(bytes) => u32::from_le_bytes(*bytes) >> (used % 8),
                None => 0,
            };
            let difference = model::from_extra_bits(window & ((1 << class) - 1), class);
            value = value.wrapping_add(difference as i16);
            dc[block] = value;
            used += class as usize;
        }
    }
    used
}

#[inline(always)]
pub(super) fn blocks_of(unit: &Decoded<'_>, first: usize, into: &mut [[i16; 64]]) {
    for (number, block) in (first..).zip(into) {
        *block = [0; 64];
        block[0] = unit.dc[number];
        let mut mask = unit.masks[number];
        let values = unit.values.get(usize::from(unit.first[number])..);
        for &value in values.unwrap_or(&[]) {
            if mask == 0 {
                break;
            }
            block[(mask.trailing_zeros() & 63) as usize] = value.into();
            mask &= mask - 1;
        }
    }
}

#[inline(always)]
pub(super) fn place(unit: &Decoded<'_>, first: usize, count: usize, group: &mut Group) {
    group.clear();
    for lane in 0..count {
        let block = first + lane;
        group.set(lane, 0, unit.dc[block]);
        let mut mask = unit.masks[block];
        for &value in unit
            .values
            .get(usize::from(unit.first[block])..)
            .unwrap_or(&[])
        {
            if mask == 0 {
                break;
            }
            group.set(lane, mask.trailing_zeros(), value.into());
            mask &= mask - 1;
        }
    }
}

#[inline(always)]
pub(super) fn blocks(
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &mut Blocks<u64>,
    symbols: &mut Blocks<u8>,
    bits: &mut BitWriter,
) -> Result<(), RecodeError> {
    let (room, mut end) = bits.open(MOST_DC);
    for row in shape.rows() {
        let mut predicted = row.above.map_or(0, |above| units[above][0]);
        for block in row.first..row.first + row.blocks {
            let values = units[block];
            let mask = super::nonzero(values) & !1;
            let difference = i32::from(values[0]) - i32::from(predicted);
            predicted = values[0];
            let class = model::class(difference);
            if class as usize >= DC_CLASSES {
                return Err(RecodeError::Unsupported("a DC difference is too large"));
            }
            masks[block] = mask;
            symbols[block] = (mask_bytes_of(mask) * DC_CLASSES + class as usize) as u8;
            end.put(room, model::extra_bits(difference, class).into(), class);
        }
    }
    symbols[shape.blocks..][..SLACK].fill(0);
    bits.close(end);
    Ok(())
}

/// Mask bytes up to the last nonzero one.
#[inline(always)]
fn mask_bytes_of(mask: u64) -> usize {
    8 - mask.leading_zeros() as usize / 8
}

#[inline(always)]
pub(super) fn mask_bytes(
    shape: &Shape,
    reach: &Blocks<u8>,
    masks: &Blocks<u64>,
    bytes: &mut Masks,
) {
    let (mut next, _) = starts(shape, reach);
    for (mask, &reach) in masks[..shape.blocks].iter().zip(reach) {
        for (position, next) in next.iter_mut().enumerate().take(usize::from(reach)) {
            bytes[*next] = (mask >> (8 * position)) as u8;
            *next += 1;
        }
    }
}

#[inline(always)]
pub(super) fn together(
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &Blocks<u64>,
    first: &Blocks<u16>,
    values: &mut Values,
    escapes: &mut Vec<i16>,
) {
    for (block, &mask) in masks[..shape.blocks].iter().enumerate() {
        let mut at = usize::from(first[block]);
        let mut rest = mask;
        while rest != 0 {
            let value = units[block][(rest.trailing_zeros() & 63) as usize];
            rest &= rest - 1;
            values[at] = match i8::try_from(value) {
                Ok(value) if value != BESIDE => value,
                _ => {
                    escapes.push(value);
                    BESIDE
                }
            };
            at += 1;
        }
        // Nothing follows the last of an odd number; its class is 0.
        values[at] = 0;
    }
    values[usize::from(first[shape.blocks])..][..SLACK].fill(0);
}

#[inline(always)]
pub(super) fn pairs(
    values: &Values,
    count: usize,
    pairs: &mut Symbols,
    room: &mut [u8],
    end: &mut End,
) {
    for (pair, values) in pairs[..count].iter_mut().zip(values.chunks_exact(2)) {
        let [first, second] = [values[0], values[1]].map(i32::from);
        let classes = [first, second].map(model::class);
        let stored = classes.map(|class| if class < u32::from(ESCAPE) { class } else { 0 });
        let bits =
            model::extra_bits(first, stored[0]) | model::extra_bits(second, stored[1]) << stored[0];
        end.put(room, bits.into(), stored[0] + stored[1]);
        *pair = (classes[0] | classes[1] << 4) as u8;
    }
}
