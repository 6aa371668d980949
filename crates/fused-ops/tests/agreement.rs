//! The kernels of flex and of LibTorch against the compositions, and that on flex against values worked
//! out by hand: outputs, statistics and all four gradients.

#![allow(clippy::unwrap_used, deprecated)]

use burn::tensor::{Device, Tensor, TensorData};
use imshard_fused_ops::{ConvBnRelu, Format, Formats, Geometry, conv_bias_relu};

const EPSILON: f64 = 1e-3;

/// A convolution's operands, filled with what looks like noise.
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
        // A copy in NHWC, seen as NCHW: what the pipeline feeds.
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

/// One channel, one weight: the convolution multiplies by it, and everything can be worked out.
#[test]
fn both_compute_what_they_say() {
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
    computes_what_it_says(&run(&conv_bn_relu, &case, &device, false));
    computes_what_it_says(&run(&composed, &case, &device, false));
}

fn computes_what_it_says(found: &[Vec<f32>]) {
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

/// The convolution of a case with a bias, and the ReLU: the composition's output before it is
/// normalised, moved by the bias.
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

mod flex {
    use super::*;

    /// Every way a kernel, a stride, the padding and the widths of the inner loops' tiles can meet.
    fn cases() -> Vec<Case> {
        vec![
            Case::new([2, 3, 9, 9], [8, 3, 3, 3], 2, [0, 0]),
            Case::new([3, 8, 7, 7], [16, 8, 1, 1], 1, [0, 0]),
            Case::new([2, 8, 8, 8], [20, 8, 1, 7], 1, [0, 3]),
            Case::new([2, 13, 8, 8], [8, 13, 7, 1], 1, [3, 0]),
            Case::new([1, 4, 5, 6], [33, 4, 3, 3], 1, [1, 1]),
            Case::new([2, 5, 10, 11], [7, 5, 3, 3], 3, [1, 1]),
            Case::new([2, 5, 10, 11], [7, 5, 1, 1], 2, [0, 0]),
            Case::new([2, 5, 10, 11], [7, 5, 3, 2], 2, [1, 1]),
            Case::new([1, 6, 3, 3], [5, 6, 3, 3], 1, [0, 0]),
            // More than one block of pixels, in which images meet.
            Case::new([5, 7, 19, 17], [17, 7, 3, 3], 1, [1, 1]),
            Case::new([3, 7, 33, 33], [17, 7, 3, 3], 2, [0, 0]),
            Case::new([3, 20, 33, 33], [32, 20, 1, 1], 1, [0, 0]),
        ]
    }

    #[test]
    fn the_kernels_agree_with_the_composition() {
        let device = Device::flex().autodiff();
        for case in cases() {
            let expected = run(&composed, &case, &device, false);
            for channels_last in [false, true] {
                assert_close(
                    &run(&conv_bn_relu, &case, &device, channels_last),
                    &expected,
                );
            }
        }
    }

    #[test]
    fn the_folded_kernel_agrees_with_the_composition() {
        let device = Device::flex();
        for case in cases() {
            let bias = Tensor::<1>::from_data(case.beta.clone(), &device);
            let weight = Tensor::<4>::from_data(case.weight.clone(), &device);
            let whole = Tensor::<4>::from_data(case.input.clone(), &device);
            let last = (whole.clone().permute([0, 2, 3, 1]) * 1.0).permute([0, 3, 1, 2]);
            let [expected, found, of_pixels] = [
                imshard_fused_ops::composed::conv_bias_relu(
                    whole.clone(),
                    weight.clone(),
                    bias.clone(),
                    case.geometry,
                ),
                conv_bias_relu(whole, weight.clone(), bias.clone(), case.geometry),
                conv_bias_relu(last, weight, bias, case.geometry),
            ]
            .map(values);
            assert!(expected.contains(&0.0), "the ReLU had nothing to do");
            assert_close(&[found], std::slice::from_ref(&expected));
            assert_close(&[of_pixels], &[expected]);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let device = Device::flex().autodiff();
        for case in cases() {
            let [one, three] = [1, 3].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let pool = pool.build().unwrap();
                pool.install(|| run(&conv_bn_relu, &case, &device, true))
            });
            assert_eq!(one, three);
        }
    }

    /// Shares of a concatenation, every second row, mirrored columns, gradients that are broadcast.
    #[test]
    fn tensors_may_be_views_of_others() {
        let device = Device::flex().autodiff();
        let whole = Tensor::<4>::from_data(noise(1, &[2, 12, 9, 8]), &device);
        let last = (whole.clone().permute([0, 2, 3, 1]) * 1.0).permute([0, 3, 1, 2]);
        let case = Case::new([2, 5, 9, 8], [6, 5, 3, 3], 1, [1, 1]);
        let views: [fn(Tensor<4>) -> Tensor<4>; 4] = [
            |x| x.narrow(1, 4, 5),
            |x| x.narrow(1, 2, 5).slice([0..2, 0..5, 1..7, 2..6]),
            |x| x.narrow(1, 0, 5).flip([3]),
            |x| x.narrow(1, 3, 5).swap_dims(2, 3),
        ];
        for whole in [whole, last] {
            for view in views {
                let [found, expected] = [&conv_bn_relu as Operation<'_>, &composed].map(|op| {
                    let whole = whole.clone().require_grad();
                    let weight = Tensor::<4>::from_data(case.weight.clone(), &device);
                    let (weight, scale) = (weight.require_grad(), Tensor::ones([6], &device));
                    let input = view(whole.clone());
                    let shift = Tensor::zeros([6], &device);
                    let given = (input, weight.clone(), scale, shift);
                    let out = op(given.0, given.1, given.2, given.3, case.geometry, EPSILON).output;
                    let narrow = out.clone().narrow(1, 1, 4).sum();
                    let gradients = (narrow + out.clone().sum()).backward();
                    [
                        values(out.inner()),
                        values(whole.grad(&gradients).unwrap()),
                        values(weight.grad(&gradients).unwrap()),
                    ]
                });
                assert_close(&found, &expected);
            }
        }
    }

    #[test]
    fn what_needs_no_gradient_gets_none() {
        let case = Case::new([2, 3, 6, 6], [4, 3, 3, 3], 1, [0, 0]);
        let device = Device::flex().autodiff();
        let input = Tensor::<4>::from_data(case.input, &device);
        let weight = Tensor::<4>::from_data(case.weight, &device);
        let gamma = Tensor::<1>::from_data(case.gamma, &device);
        let beta = Tensor::<1>::from_data(case.beta, &device).require_grad();
        let found = conv_bn_relu(
            input.clone(),
            weight.clone(),
            gamma,
            beta.clone(),
            case.geometry,
            EPSILON,
        );
        let gradients = found.output.sum().backward();
        assert!(beta.grad(&gradients).is_some());
        assert!(input.grad(&gradients).is_none() && weight.grad(&gradients).is_none());
    }
}

#[cfg(feature = "tch")]
mod libtorch {
    use super::*;

    fn cases() -> Vec<Case> {
        vec![
            Case::new([2, 3, 9, 9], [8, 3, 3, 3], 2, [0, 0]),
            Case::new([3, 8, 7, 7], [16, 8, 1, 1], 1, [0, 0]),
            Case::new([2, 8, 8, 8], [8, 8, 1, 7], 1, [0, 3]),
            Case::new([2, 8, 8, 8], [8, 8, 7, 1], 1, [3, 0]),
            Case::new([1, 4, 5, 6], [4, 4, 3, 3], 1, [1, 1]),
        ]
    }

    #[test]
    fn the_kernels_agree_with_the_composition_on_flex() {
        for case in cases() {
            let expected = run(&composed, &case, &Device::flex().autodiff(), false);
            for channels_last in [false, true] {
                let device = Device::libtorch().autodiff();
                assert_close(
                    &run(&conv_bn_relu, &case, &device, channels_last),
                    &expected,
                );
                assert_close(&run(&composed, &case, &device, channels_last), &expected);
            }
        }
    }

    #[test]
    fn a_channel_with_one_value_has_no_variance() {
        let case = Case::new([1, 3, 1, 1], [2, 3, 1, 1], 1, [0, 0]);
        let device = Device::libtorch().autodiff();
        assert_eq!(run(&conv_bn_relu, &case, &device, false)[2], [0.0, 0.0]);
    }

    #[test]
    fn channels_last_stays_channels_last() {
        use burn::backend::{BackendTensor, DispatchTensorKind};
        let strides = |tensor: Tensor<4>| match tensor.into_dispatch().kind {
            DispatchTensorKind::LibTorch(BackendTensor::Float(tensor)) => tensor.tensor.stride(),
            other => unreachable!("a plain tensor of LibTorch, not {other:?}"),
        };
        let case = Case::new([2, 3, 9, 9], [8, 3, 3, 3], 2, [0, 0]);
        let device = Device::libtorch().autodiff();
        let bytes = Tensor::<4, burn::tensor::Int>::ones([2, 9, 9, 3], &device);
        let input = bytes.permute([0, 3, 1, 2]).float();
        let found = conv_bn_relu(
            input,
            Tensor::from_data(case.weight, &device),
            Tensor::from_data(case.gamma, &device),
            Tensor::from_data(case.beta, &device),
            case.geometry,
            EPSILON,
        );
        assert_eq!(found.output.dims(), [2, 8, 4, 4]);
        assert_eq!(strides(found.output.inner()), [8 * 16, 1, 8 * 4, 8]);
    }

    #[test]
    fn what_needs_no_gradient_gets_none() {
        let case = Case::new([2, 3, 6, 6], [4, 3, 3, 3], 1, [0, 0]);
        let device = Device::libtorch().autodiff();
        let weight = Tensor::<4>::from_data(case.weight, &device).require_grad();
        let input = Tensor::<4>::from_data(case.input, &device);
        let gamma = Tensor::<1>::from_data(case.gamma, &device);
        let beta = Tensor::<1>::from_data(case.beta, &device);
        let found = conv_bn_relu(
            input.clone(),
            weight.clone(),
            gamma.clone(),
            beta,
            case.geometry,
            EPSILON,
        );
        let gradients = found.output.sum().backward();
        assert!(weight.grad(&gradients).is_some());
        assert!(input.grad(&gradients).is_none() && gamma.grad(&gradients).is_none());
    }

    /// MindSpore's O1, O2 and O3, as the trainer maps them.
    const LEVELS: [fn(Format) -> Formats; 3] = [
        |half| Formats {
            convolution: half,
            ..Formats::default()
        },
        |half| Formats {
            convolution: half,
            normalisation: Format::F32,
            output: half,
        },
        |half| Formats {
            convolution: half,
            normalisation: half,
            output: half,
        },
    ];

    fn norm(values: impl Iterator<Item = f32>) -> f64 {
        let squares = values.map(|value| f64::from(value).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// Convolutions in half precision have their own rounding in each kernel, so tensors are compared as
    /// a whole: by the norm of their difference, in roundings of the format.
    #[test]
    fn in_half_precision_the_kernels_agree_with_the_composition() {
        let device = Device::libtorch().autodiff();
        for (half, rounding) in [(Format::Bf16, 1.0 / 256.0), (Format::F16, 1.0 / 2048.0)] {
            for (level, formats) in LEVELS.map(|of| of(half)).into_iter().enumerate() {
                for case in cases() {
                    let native = |input, weight, gamma, beta, geometry, epsilon| {
                        let operation = imshard_fused_ops::conv_bn_relu;
                        operation(input, weight, gamma, beta, geometry, epsilon, formats)
                    };
                    let reference = |input, weight, gamma, beta, geometry, epsilon| {
                        let operation = imshard_fused_ops::composed::conv_bn_relu;
                        operation(input, weight, gamma, beta, geometry, epsilon, formats)
                    };
                    let found = run(&native, &case, &device, true);
                    let expected = run(&reference, &case, &device, true);
                    let full = run(&conv_bn_relu, &case, &device, true);
                    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        let off = norm(found.iter().zip(expected).map(|(a, b)| a - b));
                        let off = off / norm(expected.iter().copied());
                        assert!(
                            off <= 12.0 * rounding,
                            "O{} in {half:?}, tensor {index}: {off}",
                            level + 1
                        );
                    }
                    assert_ne!(found[0], full[0], "this is f32");
                }
            }
        }
    }

    #[test]
    fn formats_come_out_as_they_are_named_and_gradients_stay_f32() {
        let device = Device::libtorch().autodiff();
        for formats in LEVELS.map(|of| of(Format::Bf16)) {
            let case = Case::new([2, 3, 6, 6], [4, 3, 3, 3], 1, [0, 0]);
            let weight = Tensor::<4>::from_data(case.weight, &device).require_grad();
            let gamma = Tensor::<1>::from_data(case.gamma, &device).require_grad();
            let found = imshard_fused_ops::conv_bn_relu(
                Tensor::from_data(case.input, &device),
                weight.clone(),
                gamma.clone(),
                Tensor::from_data(case.beta, &device),
                case.geometry,
                EPSILON,
                formats,
            );
            assert_eq!(found.output.dtype(), formats.output.dtype().into());
            let f32 = Format::F32.dtype().into();
            assert_eq!([found.mean.dtype(), found.variance.dtype()], [f32; 2]);
            let gradients = found.output.cast(Format::F32.dtype()).sum().backward();
            assert_eq!(weight.grad(&gradients).unwrap().dtype(), f32);
            assert_eq!(gamma.grad(&gradients).unwrap().dtype(), f32);
        }
    }
}
