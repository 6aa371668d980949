//! A convolution in which each output pixel gathers its operands from the input's pixels. It serves the forward pass and
//! the gradient with respect to the input, which is a convolution of the output's gradient. Channels are adjacent in
//! memory, so a tap is a run of channels, and nothing is unrolled or copied beforehand.
//!
//! Every value is the sum of its products in one fixed order, whatever the number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pixels::Pixels;
use super::tile::{self, PANEL, ROWS, with_panel_of};
use super::weights::Panels;

/// Output pixels that are computed in the same way: those at `first + i * step`, which gather from input pixels at
/// `i * source_step + tap`.
pub(super) struct Phase {
    pub(super) first: [usize; 2],
    pub(super) step: [usize; 2],
    pub(super) source_step: [usize; 2],
    /// `[y, x]` of each tap, in the order of the weights.
    pub(super) taps: Vec<[isize; 2]>,
    pub(super) weights: Panels,
}

/// `[batch, height, width]` of an output.
pub(super) type Extent = [usize; 3];

/// Computes every pixel of `out`, `[batch, height, width, channels]`, in slabs of neighbouring pixels.
/// `finish` is called with each slab while it is in the cache; its results are returned in order.
pub(super) fn gather<T: Send>(
    source: &Pixels<'_>,
    phases: &[Phase],
    out: &mut [f32],
    extent: Extent,
    channels: usize,
    finish: impl Fn(&mut [f32]) -> T + Sync,
) -> Vec<T> {
    let arch = Arch::new();
    let zeros = vec![0.0; source.channels];
    let pixels = slab_pixels(extent, phases.len());
    out.par_chunks_mut(pixels * channels)
        .enumerate()
        .map(|(index, slab)| {
            for phase in phases {
                let places =
                    Places::of(source, phase, extent, index * pixels, slab.len() / channels);
                arch.dispatch(Slab {
                    source: source.data,
                    zeros: &zeros,
                    phase,
                    places: &places,
                    channels,
                    out: slab,
                });
            }
            finish(slab)
        })
        .collect()
}

/// Several tiles, so that weights are rarely streamed, but few enough that every thread gets slabs.
fn slab_pixels(extent: Extent, phases: usize) -> usize {
    let pixels: usize = extent.iter().product();
    let tiles = if pixels < 32 * 48 { 4 } else { 8 };
    tiles * ROWS * phases
}

/// Where the pixels of a phase within a slab are, and where they gather from.
struct Places {
    /// Pixels within the slab, six per tile; the last tile repeats its last pixel.
    pixels: Vec<[usize; ROWS]>,
    /// How many pixels of the last tile are not repeated.
    last: usize,
    /// Offsets into the source, for each tile, for each tap; `OUTSIDE` in the padding.
    sources: Vec<[usize; ROWS]>,
}

const OUTSIDE: usize = usize::MAX;

impl Places {
    fn of(source: &Pixels<'_>, phase: &Phase, extent: Extent, start: usize, count: usize) -> Self {
        let [_, height, width] = extent;
        let (mut y, mut x) = (start / width % height, start % width);
        let mut image = start / width / height;
        let mut found: Vec<(usize, [usize; 3])> = Vec::with_capacity(count);
        for pixel in 0..count {
            let offset = |at: usize, axis: usize| {
                let beyond = at.checked_sub(phase.first[axis])?;
                (beyond % phase.step[axis] == 0)
                    .then(|| beyond / phase.step[axis] * phase.source_step[axis])
            };
            if let (Some(source_y), Some(source_x)) = (offset(y, 0), offset(x, 1)) {
                found.push((pixel, [image, source_y, source_x]));
            }
            x += 1;
            if x == width {
                (x, y) = (0, y + 1);
                if y == height {
                    (y, image) = (0, image + 1);
                }
            }
        }
        let mut places = Places {
            pixels: Vec::with_capacity(found.len().div_ceil(ROWS)),
            last: found.len() - found.len().saturating_sub(1) / ROWS * ROWS,
            sources: Vec::with_capacity(found.len().div_ceil(ROWS) * phase.taps.len()),
        };
        for tile in found.chunks(ROWS) {
            let tile: [_; ROWS] = std::array::from_fn(|row| tile[row.min(tile.len() - 1)]);
            places.pixels.push(tile.map(|(pixel, _)| pixel));
            for &tap in &phase.taps {
                let offsets = tile.map(|(_, at)| source.offset(at, tap).unwrap_or(OUTSIDE));
                places.sources.push(offsets);
            }
        }
        places
    }
}

struct Slab<'a> {
    source: &'a [f32],
    zeros: &'a [f32],
    phase: &'a Phase,
    places: &'a Places,
    channels: usize,
    out: &'a mut [f32],
}

impl WithSimd for Slab<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_panel_of!(S, N => self.run::<S, N>(simd));
    }
}

impl Slab<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let taps = self.phase.taps.len();
        let tiles = self.places.pixels.len();
        let depth = self.zeros.len();
        for first in (0..self.channels).step_by(PANEL) {
            let panel = self.phase.weights.panel(first / PANEL);
            let last = self.channels.min(first + PANEL);
            for (tile, pixels) in self.places.pixels.iter().enumerate() {
                let mut sums = tile::zeros::<S, N>(simd);
                let sources = &self.places.sources[tile * taps..][..taps];
                for (offsets, weights) in sources.iter().zip(panel.chunks_exact(depth * PANEL)) {
                    let rows = offsets.map(|offset| match offset {
                        OUTSIDE => self.zeros,
                        offset => &self.source[offset..offset + depth],
                    });
                    tile::add_rows(simd, &mut sums, rows, weights);
                }
                let count = if tile + 1 == tiles {
                    self.places.last
                } else {
                    ROWS
                };
                for (&pixel, row) in pixels.iter().zip(sums).take(count) {
                    let pixel = pixel * self.channels;
                    tile::store::<S, N>(simd, row, &mut self.out[pixel + first..pixel + last]);
                }
            }
        }
    }
}
