//! What burn needs to keep up with PyTorch: batches that are uploaded while the device computes ([`upload`]), and
//! Inception's basic building block as one operation.
//!
//! That block is convolution, batch normalisation and ReLU, and [`conv_bn_relu`] is the operation of a training step. On
//! LibTorch it uses LibTorch's kernels, forward and backward; on flex it uses ours; on every other device it is composed
//! of burn's operations. The layer, with its weights and running statistics, is elsewhere.
//!
//! Without it, burn composes the backward passes of convolution and batch normalisation from generic operations, and a
//! training step takes 1.4 times PyTorch's time on LibTorch and 1.8 times on flex. On LibTorch it uses the same kernels as
//! PyTorch, in the memory layout of the input (channels-last stays channels-last).

#![deny(unsafe_code)] // but in libtorch/ffi.rs

pub mod composed;
mod flex;
mod formats;
#[cfg(feature = "tch")]
mod libtorch;
pub mod upload;

use burn::tensor::Tensor;

pub use formats::{Format, Formats};

/// The stride and the zero padding of a convolution, `[height, width]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Stride.
    pub stride: [usize; 2],
    /// Zeros added on both sides.
    pub padding: [usize; 2],
}

/// The result of [`conv_bn_relu`].
#[derive(Debug)]
pub struct ConvBnRelu {
    /// `[batch, channels out, height', width']`.
    pub output: Tensor<4>,
    /// Mean of the convolution's output over the batch, `[channels out]`. No gradient flows through it.
    pub mean: Tensor<1>,
    /// Its unbiased variance, `[channels out]`; 0 if a channel has a single value. No gradient
    /// flows through it.
    pub variance: Tensor<1>,
}

/// `relu(batch_norm(conv2d(input, weight)))`, normalised by the batch's own mean and biased variance.
///
/// `input` is `[batch, channels in, height, width]`, `weight` `[channels out, channels in, kernel
/// height, kernel width]`, `gamma` and `beta` `[channels out]`; `epsilon` is added to the variance.
/// Differentiable in all four, on a device with autodiff. Computes in `formats`, whatever the formats
/// of its operands are; weight, gamma, beta and the gradients keep their own formats.
#[must_use]
pub fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
    formats: Formats,
) -> ConvBnRelu {
    #[cfg(feature = "tch")]
    if libtorch::is_home_of(&input) {
        return libtorch::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon, formats);
    }
    if formats == Formats::default() && flex::is_home_of(&input) {
        return flex::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon);
    }
    composed::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon, formats)
}

/// `relu(conv2d(input, weight) + bias)`: [`conv_bn_relu`] outside of training, with the running statistics folded into
/// weight and bias.
///
/// Shapes as there, `bias` `[channels out]`. Computes in the format of `weight` and `bias`, and
/// returns the input's format.
#[must_use]
pub fn conv_bias_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Geometry,
) -> Tensor<4> {
    #[cfg(feature = "tch")]
    if libtorch::is_home_of(&input) && !input.device().is_autodiff() {
        return libtorch::conv_bias_relu(input, weight, bias, geometry);
    }
    if flex::folded::is_home_of(&input, &weight, &bias) {
        return flex::folded::conv_bias_relu(input, weight, bias, geometry);
    }
    composed::conv_bias_relu(input, weight, bias, geometry)
}
