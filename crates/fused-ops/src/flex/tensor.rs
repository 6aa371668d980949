//! Converts burn-flex's tensors to pixels and back. Their shape stays `[batch, channels, height, width]`; channels-last is
//! expressed by strides.

use burn::backend::TensorMetadata;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};
use rayon::prelude::*;

use super::pixels::Pixels;

/// The tensor with the channels of a pixel adjacent in memory: itself if they are, otherwise a copy.
pub(super) fn channels_last(tensor: FlexTensor) -> FlexTensor {
    let strides = tensor.layout().strides();
    if strides[1] == 1 && strides.iter().all(|stride| *stride > 0) {
        return tensor;
    }
    let [batch, channels, height, width] = dims(&tensor);
    let tensor = tensor.to_contiguous();
    let planes = values(&tensor);
    let (area, mut pixels) = (height * width, vec![0.0; planes.len()]);
    const RUN: usize = 64;
    if !pixels.is_empty() {
        pixels
            .par_chunks_mut(area * channels)
            .zip(planes.par_chunks(area * channels))
            .for_each(|(pixels, planes)| {
                for (run, pixels) in pixels.chunks_mut(RUN * channels).enumerate() {
                    for (channel, plane) in planes.chunks_exact(area).enumerate() {
                        let values = &plane[run * RUN..];
                        let slots = pixels[channel..].iter_mut().step_by(channels);
                        for (slot, value) in slots.zip(values) {
                            *slot = *value;
                        }
                    }
                }
            });
    }
    of_pixels(pixels, [batch, height, width], channels)
}

/// A tensor with the values of dense pixels.
pub(super) fn of_pixels(values: Vec<f32>, extent: [usize; 3], channels: usize) -> FlexTensor {
    let [batch, height, width] = extent;
    let shape = Shape::new([batch, height, width, channels]);
    let layout = Layout::contiguous(shape).permute(&[0, 3, 1, 2]);
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// A contiguous tensor with these values.
pub(super) fn of_values<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// The pixels of a tensor from [`channels_last`].
pub(super) fn pixels(tensor: &FlexTensor) -> Pixels<'_> {
    let [batch, channels, height, width] = dims(tensor);
    let layout = tensor.layout();
    let strides = [0, 2, 3].map(|axis| layout.strides()[axis].unsigned_abs());
    let extent = [batch, height, width];
    let last: usize = strides
        .iter()
        .zip(extent)
        .map(|(stride, side)| stride * (side - 1))
        .sum();
    let start = layout.start_offset();
    Pixels {
        data: &tensor.storage::<f32>()[start..start + last + channels],
        extent,
        channels,
        strides,
    }
}

/// The values of a contiguous tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.layout().num_elements()]
}

/// The shape of a tensor of four dimensions.
pub(super) fn dims(tensor: &FlexTensor) -> [usize; 4] {
    tensor.shape().dims()
}
