//! Compares flex's kernels with the composition, on every kind of shape and layout.

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
