//! What burn lacks to keep up with PyTorch: batches uploaded beside the computation ([`upload`]), and
//! the box that Inception is built of as one operation.
//!
//! Convolution, batch normalisation and ReLU are that box, and [`conv_bn_relu`] is the operation of
//! a training step: on LibTorch by its own kernels forward and backward, on flex by ours, on every other
//! device composed of burn's operations. Not the layer, which holds the weights and the running statistics.
//!
//! Why: burn composes the backward of a convolution and of batch normalisation of generic operations,
//! which costs a training step 1.4 times PyTorch's time on LibTorch and 1.8 times on flex. On LibTorch it
//! takes the kernels that PyTorch takes, in the memory layout of the input (channels-last stays channels-last).

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

/// What [`conv_bn_relu`] gives.
#[derive(Debug)]
pub struct ConvBnRelu {
    /// `[batch, channels out, height', width']`.
    pub output: Tensor<4>,
    /// Mean of the convolution's output over the batch, `[channels out]`. No gradient flows through it.
    pub mean: Tensor<1>,
    /// Its unbiased variance, `[channels out]`; 0 where a channel has a single value. No gradient
    /// flows through it.
    pub variance: Tensor<1>,
}

/// `relu(batch_norm(conv2d(input, weight)))`, normalised by the batch's own mean and biased variance.
///
/// `input` is `[batch, channels in, height, width]`, `weight` `[channels out, channels in, kernel
/// height, kernel width]`, `gamma` and `beta` `[channels out]`; `epsilon` is added to the variance.
/// Differentiable in all four, on a device with autodiff. Computes in `formats`, whatever the formats
/// of its operands; weight, gamma, beta and the gradients keep their own.
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

/// `relu(conv2d(input, weight) + bias)`: what [`conv_bn_relu`] is outside of training once the running
/// statistics have been folded into weight and bias.
///
/// Shapes as there, `bias` `[channels out]`. Computes in the format of `weight` and `bias`, and gives
/// the input's.
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
