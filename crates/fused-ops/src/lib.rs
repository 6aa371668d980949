//! Convolution, batch normalisation and ReLU, the box that Inception is built of, as one operation of
//! a training step: on LibTorch by its own kernels forward and backward, on flex by ours, on every other
//! device composed of burn's operations. Not the layer, which holds the weights and the running statistics.
//!
//! Why: burn composes the backward of a convolution and of batch normalisation of generic operations,
//! which costs a training step 1.4 times PyTorch's time on LibTorch and 1.8 times on flex. On LibTorch it
//! takes the kernels that PyTorch takes, in the memory layout of the input (channels-last stays channels-last).

#![deny(unsafe_code)] // but in libtorch/ffi.rs

pub mod composed;
mod flex;
#[cfg(feature = "tch")]
mod libtorch;

use burn::tensor::Tensor;

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
/// Differentiable in all four, on a device with autodiff.
#[must_use]
pub fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
) -> ConvBnRelu {
    #[cfg(feature = "tch")]
    if libtorch::is_home_of(&input) {
        return libtorch::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon);
    }
    if flex::is_home_of(&input) {
        return flex::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon);
    }
    composed::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon)
}
