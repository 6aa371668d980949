//! The same operation composed of burn's: what every device but LibTorch runs, and what the native
//! kernels are tested against.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm_train, conv2d};
use burn::tensor::ops::ConvOptions;

use crate::{ConvBnRelu, Geometry};

/// As [`crate::conv_bn_relu`].
#[must_use]
pub fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
) -> ConvBnRelu {
    let options = ConvOptions::new(geometry.stride, geometry.padding, [1, 1], 1);
    let convolved = conv2d(input, weight, None, options);
    let [batch, _, height, width] = convolved.dims();
    let normalised = batch_norm_train(convolved, gamma, beta, epsilon);
    ConvBnRelu {
        output: relu(normalised.output),
        mean: normalised.mean,
        variance: normalised
            .variance
            .mul_scalar(bessel(batch * height * width)),
    }
}

/// What makes a biased variance of that many values unbiased. With one value there is no unbiased
/// estimate: the biased one (0) stays.
pub(crate) fn bessel(samples: usize) -> f64 {
    if samples > 1 {
        samples as f64 / (samples - 1) as f64
    } else {
        1.0
    }
}
