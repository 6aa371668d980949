//! The operation of inference on flex: the convolution of a training step, with bias and ReLU applied while the pixels are
//! in the cache.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};
use pulp::Arch;

use super::norm::rectified;
use super::{conv, kernel_of, tensor};
use crate::Geometry;

/// Whether these are flex's tensors, in f32, without autodiff.
pub(crate) fn is_home_of(input: &Tensor<4>, weight: &Tensor<4>, bias: &Tensor<1>) -> bool {
    let full = weight.dtype() == DType::F32 && bias.dtype() == DType::F32;
    super::is_home_of(input) && full && !input.device().is_autodiff()
}

/// As [`crate::conv_bias_relu`], for such tensors.
pub(crate) fn conv_bias_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Geometry,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as FoldedOps>::flex_conv_bias_relu(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        geometry,
    ))
}

/// Backends with the operation.
#[backend_extension(Flex)]
pub(crate) trait FoldedOps: Backend {
    /// The output.
    fn flex_conv_bias_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;
}

impl FoldedOps for Flex {
    fn flex_conv_bias_relu(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        geometry: Geometry,
    ) -> FlexTensor {
        let input = tensor::channels_last(input);
        let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
        let (kernel, pixels) = (kernel_of(&weight), tensor::pixels(&input));
        let (count, bias) = (kernel.outputs, tensor::values(&bias));
        let extent = conv::output_size(pixels.extent, kernel.size, geometry);
        let mut output = vec![0.0; extent.iter().product::<usize>() * count];
        let arch = Arch::new();
        conv::forward(&pixels, kernel, geometry, &mut output, |run| {
            arch.dispatch(|| {
                for pixel in run.chunks_exact_mut(count) {
                    for (value, bias) in pixel.iter_mut().zip(bias) {
                        *value = rectified(*value + *bias);
                    }
                }
            });
        });
        tensor::of_pixels(output, extent, count)
    }
}
