//! The gradient of a convolution with respect to its weight: for every tap, the sum over all pixels of the input there
//! times the output's gradient.
//!
//! It works block by block. A block's operands are copied once for all taps, with padding, into the order of the inner
//! loop; then each pair of input channels and tap adds the block's products to its own sums. Blocks are processed one
//! after another, so the order of additions is the same for any number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pixels::Pixels;
use super::tile;
use super::tile::{PANEL, ROWS, with_panel_of};
use crate::Geometry;

const TILE: usize = ROWS * PANEL;

/// `[channels out, channels in, height, width]` of the kernel, from the input and the gradient of the
/// output.
pub(super) fn by_weight(
    input: &Pixels<'_>,
    gradient: &Pixels<'_>,
    geometry: Geometry,
    kernel: [usize; 2],
) -> Vec<f32> {
    let taps = kernel[0] * kernel[1];
    let shape = Shape {
        taps,
        tiles: input.channels.div_ceil(ROWS),
        panels: gradient.channels.div_ceil(PANEL),
    };
    let mut sums = vec![0.0; shape.tiles * taps * shape.panels * TILE];
    let arch = Arch::new();
    let mut block = Block::default();
    let flat = taps == 1 && geometry.padding == [0, 0] && geometry.stride == [1, 1];
    let rows = gradient.extent[0] * gradient.extent[1];
    let pixels = block_pixels(gradient.channels);
    let height = pixels.div_ceil(gradient.extent[2]);
    let parts = rows.div_ceil(height);
    for part in 0..parts {
        // As equal as they can be.
        let (start, end) = (rows * part / parts, rows * (part + 1) / parts);
        if flat {
            let width = gradient.extent[2];
            block.flat(input, gradient, start * width..end * width);
        } else {
            block.spread(input, gradient, geometry, kernel, start..end);
        }
        sums.par_chunks_mut(shape.panels * TILE)
            .enumerate()
            .for_each(|(unit, sums)| {
                let (tile, tap) = (unit / taps, unit % taps);
                arch.dispatch(Unit {
                    block: &block,
                    tile,
                    tap: [tap / kernel[1], tap % kernel[1]],
                    step: geometry.stride[1],
                    sums,
                });
            });
    }
    shape.unpacked(&sums, input.channels, gradient.channels)
}

/// Pixels per block, so that the gradient's panels stay in the second-level cache.
fn block_pixels(channels: usize) -> usize {
    (49_152 / channels).clamp(128, 512)
}

struct Shape {
    taps: usize,
    tiles: usize,
    panels: usize,
}

impl Shape {
    /// `[tile][tap][panel][ROWS][PANEL]` as `[out][in][tap]`.
    fn unpacked(&self, sums: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
        let one = inputs * self.taps;
        let mut weight = vec![0.0; outputs * one];
        if weight.is_empty() {
            return weight;
        }
        weight
            .par_chunks_mut(PANEL * one)
            .enumerate()
            .for_each(|(panel, weight)| {
                for input in 0..inputs {
                    for tap in 0..self.taps {
                        let unit = input / ROWS * self.taps + tap;
                        let at = (unit * self.panels + panel) * TILE + input % ROWS * PANEL;
                        let slots = weight[input * self.taps + tap..].iter_mut().step_by(one);
                        for (slot, sum) in slots.zip(&sums[at..at + PANEL]) {
                            *slot = *sum;
                        }
                    }
                }
            });
        weight
    }
}

/// The operands of a run of output pixels. The buffers are reused for the next run.
#[derive(Default)]
struct Block {
    /// `[tile][row][x][ROWS]`: the input with its padding.
    columns: Vec<f32>,
    /// Values of one tile.
    tile: usize,
    /// Input pixels in a padded row.
    pitch: usize,
    /// `[panel][pixel][PANEL]`: the gradient.
    panels: Vec<f32>,
    /// Values of one panel.
    panel: usize,
    segments: Vec<Segment>,
}

/// Output pixels that follow one another, as do the input pixels of any one tap.
struct Segment {
    /// First input pixel of the first tap, in a tile.
    input: usize,
    /// First pixel, in a panel.
    pixel: usize,
    length: usize,
}

impl Block {
    /// Pixels whose taps stay among themselves.
    fn flat(&mut self, input: &Pixels<'_>, gradient: &Pixels<'_>, pixels: std::ops::Range<usize>) {
        let count = pixels.len();
        self.segments.clear();
        self.segments.push(Segment {
            input: 0,
            pixel: 0,
            length: count,
        });
        self.pitch = count;
        self.take_columns(input, count, |first, width, tile| {
            for (pixel, slot) in pixels.clone().zip(tile.as_chunks_mut::<ROWS>().0) {
                copy(&input.pixel(pixel)[first..first + width], slot);
            }
        });
        self.take_panels(gradient, pixels);
    }

    /// Rows of the output, and every row of the input that one of their taps touches.
    fn spread(
        &mut self,
        input: &Pixels<'_>,
        gradient: &Pixels<'_>,
        geometry: Geometry,
        kernel: [usize; 2],
        rows: std::ops::Range<usize>,
    ) {
        let [_, height, width] = gradient.extent;
        let [stride_y, stride_x] = geometry.stride;
        self.pitch = width * stride_x + kernel[1] - 1;
        self.segments.clear();
        // (image, row) of the input for each packed row; rows of the padding lie outside of the image.
        let mut packed: Vec<(usize, usize)> = Vec::new();
        let mut image_start = 0;
        for (index, row) in rows.clone().enumerate() {
            let (image, y) = (row / height, row % height);
            let top = (y * stride_y).wrapping_sub(geometry.padding[0]);
            let known = packed.last().is_some_and(|(last, _)| *last == image);
            if known {
                let (_, first) = packed[image_start];
                let have = packed.len() - image_start;
                let need = top.wrapping_sub(first) + kernel[0];
                packed.extend((have..need).map(|below| (image, first.wrapping_add(below))));
                self.segments.push(Segment {
                    input: (image_start + need - kernel[0]) * self.pitch,
                    pixel: index * width,
                    length: width,
                });
            } else {
                image_start = packed.len();
                packed.extend((0..kernel[0]).map(|below| (image, top.wrapping_add(below))));
                self.segments.push(Segment {
                    input: image_start * self.pitch,
                    pixel: index * width,
                    length: width,
                });
            }
        }
        let pitch = self.pitch;
        let left = geometry.padding[1];
        self.take_columns(input, packed.len() * pitch, |first, channels, tile| {
            for (&(image, y), line) in packed.iter().zip(tile.chunks_exact_mut(pitch * ROWS)) {
                let (slots, _) = line.as_chunks_mut::<ROWS>();
                if y >= input.extent[1] {
                    slots.fill([0.0; ROWS]);
                    continue;
                }
                let inside = slots.len().min(left + input.extent[2]);
                slots[..left].fill([0.0; ROWS]);
                slots[inside..].fill([0.0; ROWS]);
                let row = &input.data[image * input.strides[0] + y * input.strides[1] + first..];
                for (slot, pixel) in slots[left..inside]
                    .iter_mut()
                    .zip(row.chunks(input.strides[2]))
                {
                    copy(&pixel[..channels], slot);
                }
            }
        });
        self.take_panels(gradient, rows.start * width..rows.end * width);
    }

    /// Fills the tiles by `fill(first channel, channels, tile)`.
    fn take_columns(
        &mut self,
        input: &Pixels<'_>,
        pixels: usize,
        fill: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) {
        self.tile = pixels * ROWS;
        self.columns
            .resize(input.channels.div_ceil(ROWS) * self.tile, 0.0);
        self.columns
            .par_chunks_mut(self.tile)
            .enumerate()
            .for_each(|(tile, slots)| {
                let first = tile * ROWS;
                fill(first, ROWS.min(input.channels - first), slots);
            });
    }

    fn take_panels(&mut self, gradient: &Pixels<'_>, pixels: std::ops::Range<usize>) {
        self.panel = pixels.len() * PANEL;
        self.panels
            .resize(gradient.channels.div_ceil(PANEL) * self.panel, 0.0);
        self.panels
            .par_chunks_mut(self.panel)
            .enumerate()
            .for_each(|(panel, slots)| {
                let first = panel * PANEL;
                let width = PANEL.min(gradient.channels - first);
                for (pixel, slot) in pixels.clone().zip(slots.as_chunks_mut::<PANEL>().0) {
                    copy(&gradient.pixel(pixel)[first..first + width], slot);
                }
            });
    }
}

/// Copies the values, then fills up with zeros.
#[inline(always)]
fn copy<const WIDTH: usize>(from: &[f32], to: &mut [f32; WIDTH]) {
    if let Ok(from) = <&[f32; WIDTH]>::try_from(from) {
        *to = *from;
    } else {
        to.fill(0.0);
        to[..from.len()].copy_from_slice(from);
    }
}

/// Six channels in, one tap, all channels out.
struct Unit<'a> {
    block: &'a Block,
    tile: usize,
    tap: [usize; 2],
    step: usize,
    /// `[panel][ROWS][PANEL]`.
    sums: &'a mut [f32],
}

impl WithSimd for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_panel_of!(S, N => match self.step {
            1 => self.run::<S, N, 1>(simd),
            2 => self.run::<S, N, 2>(simd),
            _ => self.run_slowly::<S, N>(simd),
        });
    }
}

impl Unit<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize, const STEP: usize>(self, simd: S) {
        let block = self.block;
        let columns = &block.columns[self.tile * block.tile..][..block.tile];
        let tap = self.tap[0] * block.pitch + self.tap[1];
        let panels = block.panels.chunks_exact(block.panel);
        for (panel, totals) in panels.zip(self.sums.chunks_exact_mut(TILE)) {
            let mut sums = tile::zeros::<S, N>(simd);
            for segment in &block.segments {
                let columns =
                    &columns[(segment.input + tap) * ROWS..][..segment.length * STEP * ROWS];
                let panel = &panel[segment.pixel * PANEL..][..segment.length * PANEL];
                sums = tile::add_columns::<S, N, STEP>(simd, sums, columns, panel);
            }
            for (row, total) in sums.into_iter().zip(totals.chunks_exact_mut(PANEL)) {
                tile::add::<S, N>(simd, row, total);
            }
        }
    }

    /// Any stride: a pixel at a time.
    #[inline(always)]
    fn run_slowly<S: Simd, const N: usize>(self, simd: S) {
        let block = self.block;
        let columns = &block.columns[self.tile * block.tile..][..block.tile];
        let tap = self.tap[0] * block.pitch + self.tap[1];
        let panels = block.panels.chunks_exact(block.panel);
        for (panel, totals) in panels.zip(self.sums.chunks_exact_mut(TILE)) {
            let mut sums = tile::zeros::<S, N>(simd);
            for segment in &block.segments {
                for along in 0..segment.length {
                    let column =
                        &columns[(segment.input + tap + along * self.step) * ROWS..][..ROWS];
                    let panel = &panel[(segment.pixel + along) * PANEL..][..PANEL];
                    sums = tile::add_columns::<S, N, 1>(simd, sums, column, panel);
                }
            }
            for (row, total) in sums.into_iter().zip(totals.chunks_exact_mut(PANEL)) {
                tile::add::<S, N>(simd, row, total);
            }
        }
    }
}
