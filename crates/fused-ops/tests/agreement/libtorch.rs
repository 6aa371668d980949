//! Compares LibTorch's kernels with the composition, in single and in half precision.

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

/// In half precision, each convolution kernel rounds in its own way. So tensors are compared as a whole: by the norm of
/// their difference, in roundings of the format.
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
