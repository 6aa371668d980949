//! Rows of MCUs, from bits to samples: entropy decoding of four MCUs, then the IDCT of their blocks.
//!
//! Two rows are decoded at a time. Neighbouring rows have the same blocks in the same order, and each has its own entry
//! point.

use super::JpegError;
use super::baseline::Baseline;
use super::bits::Cursor;
use super::block::{Lane, Place};
use super::grid::Window;
use super::group::{BLOCKS, Group, Quantiser};
use super::idct;
use super::tables::{AcTable, DcTable, Tables};
use crate::Level;

/// Where decoding can start: a bit of the scan, and the DC predictors there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) position: u32,
    pub(crate) dc: [i16; 3],
}

/// MCUs whose blocks are decoded before they are transformed. This many fill a group of chroma.
const BATCH: usize = BLOCKS;
/// The most blocks of an MCU: luma 4 across and 2 down, and chroma.
const MOST_BLOCKS: usize = 10;
/// The most groups that a batch fills.
const GROUPS: usize = BATCH * MOST_BLOCKS / BLOCKS;

/// Coefficients of a batch of two rows; zero between batches.
pub(crate) type Groups = [[Group; GROUPS]; 2];

/// Groups whose coefficients are all zero.
pub(crate) fn groups() -> Box<Groups> {
    Box::new([const { [const { Group::ZERO }; GROUPS] }; 2])
}

/// What stays the same for all rows of a region.
pub(crate) struct Rows<'a> {
    level: Level,
    header: &'a Baseline,
    tables: &'a Tables,
    steps: &'a [Quantiser; 3],
    scan: &'a [u8],
    window: &'a Window,
    /// The MCU at which index entries enter their rows; at or left of the window's left edge.
    first: usize,
    blocks: Blocks,
}

/// The blocks of a batch in the order of the scan.
struct Blocks {
    blocks: [Block; BATCH * MOST_BLOCKS],
    in_mcu: usize,
}

#[derive(Clone, Copy)]
struct Block {
    component: u8,
    group: u8,
    lane: u8,
}

impl Blocks {
    fn of(header: &Baseline) -> Self {
        let none = Block {
            component: 0,
            group: 0,
            lane: 0,
        };
        let mut blocks = [none; BATCH * MOST_BLOCKS];
        let mut next = blocks.iter_mut();
        let mut in_mcu = 0;
        for mcu in 0..BATCH {
            let (mut group, mut count) = (0, 0);
            for (c, component) in header.components().iter().enumerate() {
                for _ in 0..component.down {
                    for h in 0..component.across {
                        let block = mcu * component.across + h;
                        if let Some(next) = next.next() {
                            *next = Block {
                                component: c as u8,
                                group: (group + block / BLOCKS) as u8,
                                lane: (block % BLOCKS) as u8,
                            };
                        }
                        count += 1;
                    }
                    group += component.across;
                }
            }
            in_mcu = count;
        }
        Blocks { blocks, in_mcu }
    }

    /// The blocks of the batch's first MCUs.
    fn of_mcus(&self, mcus: usize) -> &[Block] {
        &self.blocks[..(mcus * self.in_mcu).min(BATCH * MOST_BLOCKS)]
    }
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        level: Level,
        header: &'a Baseline,
        tables: &'a Tables,
        steps: &'a [Quantiser; 3],
        scan: &'a [u8],
        window: &'a Window,
        first: usize,
    ) -> Self {
        let blocks = Blocks::of(header);
        Rows {
            level,
            header,
            tables,
            steps,
            scan,
            window,
            first,
            blocks,
        }
    }

    /// Decodes rows of MCUs from `row` on into the planes: two, or one at the window's end. `entries` say where they
    /// begin. A single row is decoded twice, but transformed once.
    pub(crate) fn decode(
        &self,
        row: usize,
        entries: [Entry; 2],
        groups: &mut Groups,
        planes: &mut [Vec<u8>; 3],
    ) -> Result<(), JpegError> {
        const BAD: JpegError = JpegError::Corrupt("the entropy-coded data holds no valid code");
        let components = self.header.components();
        let tables: [_; 3] =
            std::array::from_fn(|c| self.tables.of(&components[c.min(components.len() - 1)]));
        let mut cursors = entries.map(|entry| Cursor::at(self.scan, entry.position as usize));
        let mut dc = entries.map(|entry| entry.dc);
        let mut decode = |mcus, groups: &mut Groups| {
            let blocks = self.blocks.of_mcus(mcus);
            entropy(self.scan, &tables, blocks, &mut cursors, &mut dc, groups).ok_or(BAD)
        };
        for _ in self.first..self.window.left {
            decode(1, groups)?;
        }
        groups.iter_mut().flatten().for_each(Group::clear);
        let width = self.window.width();
        for batch in (0..width).step_by(BATCH) {
            let mcus = BATCH.min(width - batch);
            decode(mcus, groups)?;
            for (row, groups) in (row..self.window.bottom).zip(&mut *groups) {
                self.transform(row, batch, mcus, groups, planes);
            }
        }
        let bits = self.scan.len() * 8;
        if cursors.iter().any(|cursor| cursor.position() > bits) {
            return Err(JpegError::Corrupt("the entropy-coded data is cut short"));
        }
        Ok(())
    }

    /// Transforms the groups of a row's batch of MCUs into the planes, and sets them back to zero.
    fn transform(
        &self,
        row: usize,
        batch: usize,
        mcus: usize,
        groups: &mut [Group; GROUPS],
        planes: &mut [Vec<u8>; 3],
    ) {
        let mut groups = groups.iter_mut();
        for (c, component) in self.header.components().iter().enumerate() {
            let stride = self.window.stride(component);
            for v in 0..component.down {
                let line = ((row - self.window.top) * component.down + v) * 8;
                for (h, group) in groups.by_ref().take(component.across).enumerate() {
                    if h * BLOCKS >= mcus * component.across {
                        continue;
                    }
                    let at = line * stride + (batch * component.across + h * BLOCKS) * 8;
                    let out = planes[c].get_mut(at..).unwrap_or_default();
                    idct::group(self.level, &group.0, &self.steps[c], out, stride);
                    group.clear();
                }
            }
        }
    }
}

/// Decodes `blocks` of two rows into their groups; `None` if one is damaged. It is not inlined and copies the cursors,
/// so that its loop has all registers.
#[inline(never)]
fn entropy(
    data: &[u8],
    tables: &[(&DcTable, &AcTable); 3],
    blocks: &[Block],
    cursors: &mut [Cursor; 2],
    dc: &mut [[i16; 3]; 2],
    groups: &mut Groups,
) -> Option<()> {
    let [mut a, mut b] = *cursors;
    let [dc_a, dc_b] = dc;
    let [groups_a, groups_b] = groups;
    for block in blocks {
        let c = usize::from(block.component % 3);
        let group = usize::from(block.group) % GROUPS;
        let (dc_table, ac_table) = tables[c];
        dc_a[c] = dc_a[c].wrapping_add(dc_table.next(data, &mut a)?);
        dc_b[c] = dc_b[c].wrapping_add(dc_table.next(data, &mut b)?);
        let lane = usize::from(block.lane);
        groups_a[group].set(lane, 0, dc_a[c]);
        groups_b[group].set(lane, 0, dc_b[c]);
        let mut lane_a = Lane::new(a, Place::new(&mut groups_a[group].0, lane));
        let mut lane_b = Lane::new(b, Place::new(&mut groups_b[group].0, lane));
        if !ac_table.two(data, &mut lane_a, &mut lane_b) {
            return None;
        }
        (a, b) = (lane_a.cursor, lane_b.cursor);
    }
    *cursors = [a, b];
    Some(())
}
