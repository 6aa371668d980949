//! Decodes a region of a re-coded record into planes.
//!
//! Planes are as the file stores them: nothing is upsampled or converted here.

use super::error::RecodeError;
use super::layout::{Frame, Shape, UNIT};
use super::payload;
use super::payload::Payload;
use super::tables::{Steps, Tables};
use super::unit::UnitDecoder;
use crate::decoded::Native;
use crate::encodings::functions::{ImageDecoder, Wanted};
use crate::jpeg::group::{BLOCKS, Group, Quantiser};
use crate::jpeg::idct;
use crate::{CodecError, Level, Plane, Planes, Region};

/// Decodes regions; one per thread. Keeps its buffers from image to image.
pub(crate) struct RecodedDecoder {
    level: Level,
    unit: UnitDecoder,
    steps: Steps,
    quantisers: [Quantiser; 3],
    planes: [Vec<u8>; 3],
}

/// The MCUs to decode, and the units that hold them: columns left..right of rows top..bottom.
struct Window {
    mcus: Bounds,
    units: Bounds,
}

#[derive(Clone, Copy)]
struct Bounds {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl RecodedDecoder {
    /// A decoder that uses the given instructions.
    pub(crate) fn new(level: Level) -> Self {
        RecodedDecoder {
            level,
            unit: UnitDecoder::new(level),
            steps: [[0; 64]; 3],
            quantisers: std::array::from_fn(|_| Quantiser::new(&[0; 64])),
            planes: [const { Vec::new() }; 3],
        }
    }

    /// Decodes the planes of all MCUs that touch the wanted region.
    ///
    /// # Errors
    /// [`CodecError::Region`] if the region is empty or reaches beyond the image;
    /// [`CodecError::OtherTables`] if the record was made with other tables;
    /// [`CodecError::Decode`] if it is damaged.
    pub(crate) fn planes(
        &mut self,
        tables: &Tables,
        record: &[u8],
        wanted: Wanted,
    ) -> Result<Planes<'_>, CodecError> {
        let payload = Payload::parse(tables, record)?;
        let frame = payload.frame;
        let region = wanted.of_image((frame.width as u32, frame.height as u32))?;
        let window = Window::around(&frame, region);
        self.prepare(&frame, &payload.steps, &window);
        let columns = frame.units().0;
        let mut at = payload.lengths(0..window.units.top * columns + window.units.left);
        let mut shape: Option<((bool, bool), Shape)> = None;
        for row in window.units.top..window.units.bottom {
            for column in window.units.left..window.units.right {
                let number = row * columns + column;
                let length = payload.lengths(number..number + 1);
                let edges = (column + 1 == columns, row + 1 == frame.units().1);
                let shape = match &mut shape {
                    Some((known, shape)) if *known == edges => shape,
                    other => &mut other.insert((edges, frame.shape(column, row))).1,
                };
                self.unit(
                    tables,
                    &frame,
                    &window,
                    shape,
                    (column, row),
                    &payload.units[at..],
                    length,
                )?;
                at += length;
            }
            let next = row * columns + window.units.right;
            if row + 1 < window.units.bottom {
                at += payload
                    .lengths(next..next + columns - (window.units.right - window.units.left));
            }
        }
        Ok(self.of_window(&frame, &window))
    }

    fn prepare(&mut self, frame: &Frame, steps: &Steps, window: &Window) {
        if self.steps != *steps {
            self.steps = *steps;
            for (quantiser, steps) in self.quantisers.iter_mut().zip(steps) {
                *quantiser = Quantiser::new(&steps.map(u16::from));
            }
        }
        let rows = window.mcus.bottom - window.mcus.top;
        for (c, plane) in self.planes[..frame.components].iter_mut().enumerate() {
            plane.resize(rows * frame.factors(c).1 * 8 * window.stride(frame, c), 0);
        }
    }

    /// Decodes the part of one unit that lies in the window into the planes.
    #[allow(clippy::too_many_arguments)] // one call, of what the loop above has at hand
    fn unit(
        &mut self,
        tables: &Tables,
        frame: &Frame,
        window: &Window,
        shape: &Shape,
        (column, row): (usize, usize),
        bytes: &[u8],
        length: usize,
    ) -> Result<(), RecodeError> {
        let origins = frame.origins(column, row);
        // The part of a component's row of blocks that the window needs. `None` for rows outside it.
        let needed = |row: &super::layout::Row| {
            let ((across, down), (x, y)) = (frame.factors(row.component), origins[row.component]);
            let y = y + row.line;
            let inside = (window.mcus.top * down..window.mcus.bottom * down).contains(&y);
            let left = (window.mcus.left * across).saturating_sub(x);
            let right = (window.mcus.right * across)
                .saturating_sub(x)
                .min(row.blocks);
            (inside && left < right).then_some((left / BLOCKS, right.div_ceil(BLOCKS), y))
        };
        let last = shape.rows().iter().rev().find(|row| needed(row).is_some());
        let wanted = last.map_or(0, |row| row.first + row.blocks);
        self.unit.decode(tables, shape, bytes, length, wanted)?;
        let mut group = Group::ZERO;
        for row in shape.rows() {
            let Some((left, right, y)) = needed(row) else {
                continue;
            };
            let c = row.component;
            let stride = window.stride(frame, c);
            let y = (y - window.mcus.top * frame.factors(c).1) * 8;
            let unit_across = frame.unit_mcus().0 * frame.factors(c).0;
            let x = (column - window.units.left) * unit_across * 8;
            for at in left..right {
                let block = row.first + at * BLOCKS;
                let count = (row.blocks - at * BLOCKS).min(BLOCKS);
                let out = &mut self.planes[c][y * stride + x + at * idct::ROW..];
                if let Some(dc) = self.unit.flat(block, count) {
                    idct::flat(dc, &self.quantisers[c], out, stride);
                    continue;
                }
                self.unit.group(block, count, &mut group);
                idct::group(self.level, &group.0, &self.quantisers[c], out, stride);
            }
        }
        Ok(())
    }

    fn of_window(&self, frame: &Frame, window: &Window) -> Planes<'_> {
        let plane = |c: usize| {
            let (across, down) = frame.factors(c);
            let (left, top) = (window.mcus.left * across * 8, window.mcus.top * down * 8);
            let origin = window.units.left * frame.unit_mcus().0 * across * 8;
            let whole = |size: usize, own: usize, most: usize| (size * own).div_ceil(most);
            let width = (window.mcus.right - window.mcus.left) * across * 8;
            let height = (window.mcus.bottom - window.mcus.top) * down * 8;
            Plane {
                data: &self.planes[c][left - origin..],
                stride: window.stride(frame, c),
                region: Region {
                    x: left as u32,
                    y: top as u32,
                    width: width.min(whole(frame.width, across, frame.across) - left) as u32,
                    height: height.min(whole(frame.height, down, frame.down) - top) as u32,
                },
            }
        };
        Planes {
            image: (frame.width as u32, frame.height as u32),
            luma: plane(0),
            chroma: (frame.components == 3).then(|| [plane(1), plane(2)]),
            ratio: (frame.across as u32, frame.down as u32),
        }
    }
}

impl Window {
    fn around(frame: &Frame, region: Region) -> Self {
        let Region {
            x,
            y,
            width,
            height,
        } = region;
        let [x, y, width, height] = [x, y, width, height].map(|n| n as usize);
        let within = |mcu: (usize, usize)| Bounds {
            left: x / mcu.0,
            right: (x + width).div_ceil(mcu.0),
            top: y / mcu.1,
            bottom: (y + height).div_ceil(mcu.1),
        };
        Window {
            mcus: within((8 * frame.across, 8 * frame.down)),
            units: within((UNIT, UNIT)),
        }
    }

    /// Bytes from one row of a component's plane to the next: whole units, and the bytes that the last group of a
    /// narrow unit writes beyond it.
    fn stride(&self, frame: &Frame, component: usize) -> usize {
        let across = frame.unit_mcus().0 * frame.factors(component).0;
        let spill = across.next_multiple_of(BLOCKS) - across;
        ((self.units.right - self.units.left) * across + spill) * 8
    }
}

impl ImageDecoder for RecodedDecoder {
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        tables: Option<&Tables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError> {
        let planes = self.planes(Tables::or_builtin(tables)?, payload, wanted)?;
        Ok(Native::Planes(planes))
    }

    fn judged(
        &self,
        payload: &[u8],
        tables: Option<&Tables>,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        Ok(Some(payload::restore(
            Tables::or_builtin(tables)?,
            payload,
        )?))
    }
}
