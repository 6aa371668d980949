//! The same operations composed from burn's. They run on devices without kernels, and the kernels are tested against them.
//! In half precision, numbers are rounded to their format but computed with in f32 where burn's own operation would sum in
//! half precision. In f32 no change of format does anything.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm_train, conv2d};
use burn::tensor::ops::ConvOptions;

use crate::{ConvBnRelu, Format, Formats, Geometry};

/// As [`crate::conv_bn_relu`].
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
    let (conv, norm) = (formats.convolution, formats.normalisation);
    let options = ConvOptions::new(geometry.stride, geometry.padding, [1, 1], 1);
    let convolved = conv2d(
        input.cast(conv.dtype()),
        weight.cast(conv.dtype()),
        None,
        options,
    );
    let [batch, _, height, width] = convolved.dims();
    let normalised = batch_norm_train(
        rounded(convolved, formats.normalised()),
        rounded(gamma, norm),
        rounded(beta, norm),
        epsilon,
    );
    let variance = normalised.variance * bessel(batch * height * width);
    ConvBnRelu {
        output: relu(normalised.output.cast(formats.normalised().dtype()))
            .cast(formats.output.dtype()),
        mean: rounded(normalised.mean, norm),
        variance: rounded(variance, norm),
    }
}

/// As [`crate::conv_bias_relu`].
#[must_use]
pub fn conv_bias_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Geometry,
) -> Tensor<4> {
    let given = input.dtype();
    let options = ConvOptions::new(geometry.stride, geometry.padding, [1, 1], 1);
    let input = input.cast(weight.dtype());
    relu(conv2d(input, weight, Some(bias), options)).cast(given)
}

/// Rounded to `format`, as f32.
fn rounded<const D: usize>(tensor: Tensor<D>, format: Format) -> Tensor<D> {
    tensor.cast(format.dtype()).cast(Format::F32.dtype())
}

/// The factor from the biased to the unbiased variance of this many values. For one value there is no unbiased estimate,
/// so the biased one (0) stays.
pub(crate) fn bessel(samples: usize) -> f64 {
    if samples > 1 {
        samples as f64 / (samples - 1) as f64
    } else {
        1.0
    }
}
