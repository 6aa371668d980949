//! Compares the kernels of flex and of LibTorch with the composition, and the composition on flex with values computed
//! by hand: outputs, statistics and all four gradients.

#![allow(clippy::unwrap_used, deprecated)]

mod flex;
#[cfg(feature = "tch")]
mod libtorch;

use burn::tensor::{Device, Tensor, TensorData};
use imshard_fused_ops::{ConvBnRelu, Format, Formats, Geometry, conv_bias_relu};

const EPSILON: f64 = 1e-3;

/// A convolution's operands, filled with noise.
struct Case {
    input: TensorData,
    weight: TensorData,
    gamma: TensorData,
    beta: TensorData,
    geometry: Geometry,
}

/// Uniform in -1..1, from a linear congruential generator.
fn noise(seed: u32, shape: &[usize]) -> TensorData {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    TensorData::new(
        (0..shape.iter().product()).map(|_| next()).collect(),
        shape.to_vec(),
    )
}

impl Case {
    fn new(input: [usize; 4], weight: [usize; 4], stride: usize, padding: [usize; 2]) -> Self {
        Case {
            input: noise(1, &input),
            weight: noise(2, &weight),
            gamma: noise(3, &weight[..1]),
            beta: noise(4, &weight[..1]),
            geometry: Geometry {
                stride: [stride; 2],
                padding,
            },
        }
    }
}

type Operation<'a> =
    &'a dyn Fn(Tensor<4>, Tensor<4>, Tensor<1>, Tensor<1>, Geometry, f64) -> ConvBnRelu;

/// The operation in f32.
fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
) -> ConvBnRelu {
    let formats = Formats::default();
    imshard_fused_ops::conv_bn_relu(input, weight, gamma, beta, geometry, epsilon, formats)
}

/// The composition in f32.
fn composed(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
) -> ConvBnRelu {
    let formats = Formats::default();
    imshard_fused_ops::composed::conv_bn_relu(
        input, weight, gamma, beta, geometry, epsilon, formats,
    )
}

/// Output, mean, variance, and the gradients of `sum(output * noise)` by input, weight, gamma, beta.
fn run(
    operation: Operation<'_>,
    case: &Case,
    device: &Device,
    channels_last: bool,
) -> Vec<Vec<f32>> {
    let input = Tensor::<4>::from_data(case.input.clone(), device).require_grad();
    let weight = Tensor::<4>::from_data(case.weight.clone(), device).require_grad();
    let gamma = Tensor::<1>::from_data(case.gamma.clone(), device).require_grad();
    let beta = Tensor::<1>::from_data(case.beta.clone(), device).require_grad();
    let given = if channels_last {
        // A copy in NHWC, viewed as NCHW, as the pipeline delivers it.
        (input.clone().permute([0, 2, 3, 1]) * 1.0).permute([0, 3, 1, 2])
    } else {
        input.clone()
    };
    let found = operation(
        given,
        weight.clone(),
        gamma.clone(),
        beta.clone(),
        case.geometry,
        EPSILON,
    );
    let factor = noise(5, &found.output.dims());
    let output = found.output.cast(Format::F32.dtype());
    let loss = (output.clone() * Tensor::from_data(factor, device)).sum();
    let gradients = loss.backward();
    vec![
        values(output.inner()),
        values(found.mean.inner()),
        values(found.variance.inner()),
        values(input.grad(&gradients).unwrap()),
        values(weight.grad(&gradients).unwrap()),
        values(gamma.grad(&gradients).unwrap()),
        values(beta.grad(&gradients).unwrap()),
    ]
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Every value within 1e-4 of the largest of its tensor.
fn assert_close(found: &[Vec<f32>], expected: &[Vec<f32>]) {
    let names = [
        "output",
        "mean",
        "variance",
        "by input",
        "by weight",
        "by gamma",
        "by beta",
    ];
    for ((name, found), expected) in names.iter().zip(found).zip(expected) {
        assert_eq!(found.len(), expected.len(), "{name}");
        let scale = expected
            .iter()
            .fold(1.0f32, |most, value| most.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let off = (found - expected).abs();
            assert!(
                off <= 1e-4 * scale,
                "{name}[{index}]: {found} for {expected}"
            );
        }
    }
}

/// One channel, one weight: the convolution multiplies by it, and everything can be computed by hand.
#[test]
fn kernel_and_composition_give_the_values_worked_out_by_hand() {
    let data = |values: &[f32], shape: &[usize]| TensorData::new(values.to_vec(), shape.to_vec());
    let case = Case {
        input: data(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 2, 2]),
        weight: data(&[2.0], &[1, 1, 1, 1]),
        gamma: data(&[3.0], &[1]),
        beta: data(&[0.5], &[1]),
        geometry: Geometry {
            stride: [1, 1],
            padding: [0, 0],
        },
    };
    let device = Device::flex().autodiff();
    assert_worked_out_values(&run(&conv_bn_relu, &case, &device, false));
    assert_worked_out_values(&run(&composed, &case, &device, false));
}

fn assert_worked_out_values(found: &[Vec<f32>]) {
    // Values 2 4 6 8: mean 5, biased variance 5, unbiased 20 / 3.
    let inverse_std = 1.0 / (5.0f32 + EPSILON as f32).sqrt();
    let output: Vec<f32> = [-3.0f32, -1.0, 1.0, 3.0]
        .iter()
        .map(|centred| (3.0 * centred * inverse_std + 0.5).max(0.0))
        .collect();
    assert_close(&found[..3], &[output.clone(), vec![5.0], vec![20.0 / 3.0]]);
    let factor: Vec<f32> = noise(5, &[4]).try_to_vec().unwrap();
    let passed: f32 = factor
        .iter()
        .zip(&output)
        .filter(|(_, out)| **out > 0.0)
        .map(|(f, _)| f)
        .sum();
    assert!(
        (found[6][0] - passed).abs() < 1e-5,
        "beta's gradient is the sum of what passes the ReLU"
    );
}

#[test]
fn a_channel_with_one_value_has_no_variance() {
    let case = Case::new([1, 3, 1, 1], [2, 3, 1, 1], 1, [0, 0]);
    let device = Device::flex().autodiff();
    assert_eq!(run(&conv_bn_relu, &case, &device, false)[2], [0.0, 0.0]);
}

/// The convolution of a case with a bias, and the ReLU: the composition's output before normalisation, plus the bias.
#[test]
fn the_folded_operation_adds_the_bias_before_the_relu() {
    let devices = [
        Device::flex(),
        #[cfg(feature = "tch")]
        Device::libtorch(),
    ];
    for device in devices {
        // 1 x 1 of one channel: 2 x + bias.
        let input = Tensor::<4>::from_data([[[[1.0f32, -2.0, 3.0]]]], &device);
        let weight = Tensor::<4>::from_data([[[[2.0f32]]], [[[-1.0f32]]]], &device);
        let bias = Tensor::<1>::from_data([1.0f32, -0.5], &device);
        let geometry = Geometry {
            stride: [1, 1],
            padding: [0, 0],
        };
        let found = values(conv_bias_relu(input, weight, bias, geometry));
        assert_eq!(found, [3.0, 0.0, 7.0, 0.0, 1.5, 0.0], "{device:?}");
    }
}
