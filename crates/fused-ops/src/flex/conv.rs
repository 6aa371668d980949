//! The three convolutions of a training step, over pixels with adjacent channels.

use super::gather::{self, Phase};
use super::pixels::Pixels;
use super::weights::Panels;
use crate::Geometry;

/// A weight `[channels out, channels in, height, width]`, without gaps.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) weight: &'a [f32],
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) size: [usize; 2],
}

impl<'a> Kernel<'a> {
    /// The distance between two channels: one value per tap.
    fn between(&self, output: usize, input: usize) -> &'a [f32] {
        let taps = self.size[0] * self.size[1];
        &self.weight[(output * self.inputs + input) * taps..][..taps]
    }
}

/// The `[height, width]` of a convolution's output for an input of `extent`.
pub(super) fn output_size(
    extent: [usize; 3],
    kernel: [usize; 2],
    geometry: Geometry,
) -> [usize; 3] {
    let side = |axis: usize| {
        let padded = extent[axis + 1] + 2 * geometry.padding[axis];
        (padded - kernel[axis]) / geometry.stride[axis] + 1
    };
    [extent[0], side(0), side(1)]
}

/// Fills `out`, `[batch, height', width', channels out]`. `finish` is called as by [`gather::gather`].
pub(super) fn forward<T: Send>(
    input: &Pixels<'_>,
    kernel: Kernel<'_>,
    geometry: Geometry,
    out: &mut [f32],
    finish: impl Fn(&mut [f32]) -> T + Sync,
) -> Vec<T> {
    let [height, width] = kernel.size;
    let taps = (0..height * width).map(|tap| {
        let [y, x] = [tap / width, tap % width].map(usize::cast_signed);
        [
            y - geometry.padding[0].cast_signed(),
            x - geometry.padding[1].cast_signed(),
        ]
    });
    let phase = Phase {
        first: [0, 0],
        step: [1, 1],
        source_step: geometry.stride,
        taps: taps.collect(),
        weights: Panels::new(
            &Vec::from_iter(0..height * width),
            kernel.inputs,
            kernel.outputs,
            |output, input| kernel.between(output, input),
        ),
    };
    let extent = output_size(input.extent, kernel.size, geometry);
    gather::gather(input, &[phase], out, extent, kernel.outputs, finish)
}

/// Fills `out`, the gradient with respect to an input of `extent`, from the output's gradient.
///
/// With a stride of n, input pixels fall into n phases, each of which uses its own part of the taps.
pub(super) fn by_input(
    gradient: &Pixels<'_>,
    kernel: Kernel<'_>,
    geometry: Geometry,
    extent: [usize; 3],
    out: &mut [f32],
) {
    let [rows, columns] = [0, 1].map(|axis| axis_phases(kernel.size, geometry, axis));
    let mut phases = Vec::new();
    for (first_y, taps_y) in rows.iter().enumerate() {
        for (first_x, taps_x) in columns.iter().enumerate() {
            let taps: Vec<_> = taps_y
                .iter()
                .flat_map(|y| taps_x.iter().map(move |x| (*y, *x)))
                .collect();
            let places: Vec<usize> = taps
                .iter()
                .map(|((y, _), (x, _))| y * kernel.size[1] + x)
                .collect();
            phases.push(Phase {
                first: [first_y, first_x],
                step: geometry.stride,
                source_step: [1, 1],
                taps: taps.iter().map(|((_, y), (_, x))| [*y, *x]).collect(),
                weights: Panels::new(&places, kernel.outputs, kernel.inputs, |input, output| {
                    kernel.between(output, input)
                }),
            });
        }
    }
    gather::gather(gradient, &phases, out, extent, kernel.inputs, |_| ());
}

/// For each phase of an axis: the kernel positions that it uses, and where each of them reads its output pixel.
fn axis_phases(kernel: [usize; 2], geometry: Geometry, axis: usize) -> Vec<Vec<(usize, isize)>> {
    let stride = geometry.stride[axis];
    (0..stride)
        .map(|phase| {
            let meets = (0..kernel[axis]).filter_map(|place| {
                let from = (phase + geometry.padding[axis]).cast_signed() - place.cast_signed();
                let stride = stride.cast_signed();
                (from % stride == 0).then_some((place, from / stride))
            });
            meets.collect()
        })
        .collect()
}
