//! A small network in training: gradients, BatchNorm's statistics, determinism.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use burn::module::{Module, Param};
use burn::tensor::{Device, Gradients, Tensor};
use imshard_inception::{Architecture, Initialisation, NamedVisitor, Network, NetworkConfig, Role};
use support::{Step, images, loss, small, small_networks, values};

#[test]
fn the_smallest_and_a_larger_input_give_logits() {
    let device = Device::flex();
    let model = small().init(1, &device).unwrap();
    for (size, batch) in [(75, 2), (96, 1)] {
        let logits = model.forward(images([batch, 3, size, size], &device));
        assert_eq!(logits.dims(), [batch, 10]);
        let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
        assert!(logits.iter().all(|v| v.is_finite()));
    }
}

#[test]
fn other_widths_channels_and_block_counts_fit_together() {
    let device = Device::flex();
    for network in small_networks() {
        for (width, blocks) in [(0.01, [2, 0, 1]), (0.3, [0, 1, 2])] {
            let config = NetworkConfig {
                width,
                blocks,
                in_channels: 1,
                ..network.clone()
            };
            let model = config.init(1, &device).unwrap();
            assert_eq!(
                model.forward(images([1, 1, 75, 75], &device)).dims(),
                [1, 10]
            );
        }
    }
}

#[test]
fn residual_scaling_scales_the_residuals_alone() {
    let device = Device::flex();
    let batch = images([1, 3, 75, 75], &device);
    for network in small_networks().skip(1) {
        let first_block = |scale: f64| -> Vec<Vec<f32>> {
            let config = NetworkConfig {
                residual_scale: [scale; 3],
                ..network.clone()
            };
            let mut stages = Vec::new();
            let keep = |_: &str, x: &Tensor<4>| stages.push(x.to_data().try_to_vec().unwrap());
            config
                .init(1, &device)
                .unwrap()
                .forward_observed(batch.clone(), keep);
            stages
        };
        let (half, whole) = (first_block(0.5), first_block(1.0));
        let residual = (0..half.len()).find(|&i| half[i] != whole[i]).unwrap();
        // Where it is positive on both sides, relu(x + s r) is linear in s; x is never negative.
        let input = &half[residual - 1];
        for ((x, h), w) in input.iter().zip(&half[residual]).zip(&whole[residual]) {
            if *h > 0.0 && *w > 0.0 {
                assert!((2.0 * (h - x) - (w - x)).abs() < 1e-4, "{x} {h} {w}");
            }
        }
    }
}

#[test]
fn every_parameter_has_a_finite_gradient_and_one_step_lowers_the_loss() {
    let device = Device::flex().autodiff();
    for network in small_networks() {
        let model = network.init(3, &device).unwrap();
        let batch = images([4, 3, 96, 96], &device);

        let before = loss(&model, batch.clone());
        let gradients = before.backward();
        let mut check = CheckGradients {
            gradients: &gradients,
            parameters: 0,
        };
        model.visit_named(&mut check);
        let tensors = model.tensors();
        let parameters = tensors.iter().filter(|t| t.role == Role::Parameter);
        assert_eq!(check.parameters, parameters.count());

        let mut step = Step {
            gradients: &gradients,
            rate: 0.02,
            only: &|_| true,
        };
        let model = model.map_named(&mut step);
        let after = loss(&model, batch);
        let (before, after) = (scalar(before), scalar(after));
        assert!(
            after < before - 0.01,
            "{}: the loss went from {before} to {after}",
            network.architecture
        );
    }
}

struct CheckGradients<'a> {
    gradients: &'a Gradients,
    parameters: usize,
}

impl NamedVisitor for CheckGradients<'_> {
    fn visit<const D: usize>(&mut self, name: &str, role: Role, tensor: &Param<Tensor<D>>) {
        let gradient = tensor.val().grad(self.gradients);
        if role == Role::Statistic {
            assert!(
                gradient.is_none(),
                "{name} is a statistic and has a gradient"
            );
            return;
        }
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        let gradient: Vec<f32> = gradient.into_data().try_to_vec().unwrap();
        assert!(
            gradient.iter().all(|g| g.is_finite()),
            "{name}: gradient not finite"
        );
        assert!(
            gradient.iter().any(|g| *g != 0.0),
            "{name}: gradient all zero"
        );
        self.parameters += 1;
    }
}

/// Along a parameter's own gradient, the loss must rise as fast as the gradient is long. The step is chosen to move the
/// loss by about 0.001. That is far above f32 rounding, and short enough for a central difference even though some
/// ReLUs switch in between. 107 px leave 2 x 2 positions in the last blocks, so that their BatchNorms see more than a
/// handful of numbers.
#[test]
fn gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    let batch = images([4, 3, 107, 107], &device);
    for network in small_networks() {
        let model = network.init(5, &device).unwrap();
        let gradients = loss(&model, batch.clone()).backward();
        for name in some_of_every_block(network.architecture) {
            let length = gradient_length(&model, &gradients, name);
            let step = 0.001 / (length * length);
            let moved = |rate: f64| {
                let only = |other: &str| other == *name;
                let mut step = Step {
                    gradients: &gradients,
                    rate,
                    only: &only,
                };
                scalar(loss(&model.clone().map_named(&mut step), batch.clone()))
            };
            let measured = (moved(-step) - moved(step)) / (2.0 * step * length);
            println!("{name}: gradient {length:.4}, difference {measured:.4}");
            assert!(
                (measured - length).abs() < 0.04 * length,
                "{}: {name}: the gradient says {length}, the loss {measured}",
                network.architecture
            );
        }
    }
}

fn some_of_every_block(architecture: Architecture) -> &'static [&'static str] {
    match architecture {
        Architecture::InceptionV4 => &[
            "features.0.conv.weight",
            "features.4.branch1.2.conv.weight",
            "features.6.branch3.1.bn.weight",
            "features.7.branch1.1.bn.bias",
            "features.8.branch2.3.conv.weight",
            "features.10.branch2_3b.conv.weight",
            "last_linear.weight",
            "last_linear.bias",
        ],
        Architecture::InceptionResNetV2 => &[
            "conv2d_1a.conv.weight",
            "mixed_5b.branch1.1.conv.weight",
            "repeat.0.conv2d.weight",
            "mixed_6a.branch0.bn.weight",
            "repeat_1.0.conv2d.bias",
            "mixed_7a.branch2.2.conv.weight",
            "repeat_2.0.branch1.1.conv.weight",
            "block8.conv2d.weight",
            "classif.weight",
        ],
        Architecture::InceptionResNetV1 | Architecture::InceptionResNetV2Paper => &[
            "stem.conv_1a.conv.weight",
            "inception_resnet_a.0.branch2.2.conv.weight",
            "reduction_a.branch1.0.bn.bias",
            "inception_resnet_b.0.conv2d.weight",
            "reduction_b.branch1.1.conv.weight",
            "inception_resnet_c.0.conv2d.bias",
            "classifier.bias",
        ],
    }
}

fn gradient_length(model: &Network, gradients: &Gradients, name: &str) -> f64 {
    struct Length<'a> {
        gradients: &'a Gradients,
        name: &'a str,
        length: Option<f64>,
    }
    impl NamedVisitor for Length<'_> {
        fn visit<const D: usize>(&mut self, name: &str, _: Role, tensor: &Param<Tensor<D>>) {
            if name == self.name {
                let gradient = tensor.val().grad(self.gradients).unwrap();
                let gradient: Vec<f32> = gradient.into_data().try_to_vec().unwrap();
                let squares: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
                self.length = Some(squares.sqrt());
            }
        }
    }
    let mut length = Length {
        gradients,
        name,
        length: None,
    };
    model.visit_named(&mut length);
    length.length.unwrap_or_else(|| panic!("no tensor {name}"))
}

#[test]
fn running_statistics_move_in_training_only_and_by_torchs_rule() {
    let device = Device::flex();
    let config = NetworkConfig {
        bn_momentum: 0.1,
        ..small()
    };
    let statistics = |model: &Network| -> Vec<f32> {
        let first = ["features.0.bn.running_mean", "features.0.bn.running_var"];
        values(model)
            .into_iter()
            .filter(|(n, _)| first.contains(&n.as_str()))
            .flat_map(|v| v.1)
            .collect()
    };

    let evaluated = config.init(7, &device).unwrap();
    let fresh = statistics(&evaluated);
    evaluated.forward(images([2, 3, 75, 75], &device));
    assert_eq!(
        statistics(&evaluated),
        fresh,
        "evaluation moved the statistics"
    );

    // The first layer's BatchNorm sees the convolution of the images, by hand:
    let weight: Vec<f32> = values(&evaluated).remove(0).1;
    let input: Vec<f32> = images([2, 3, 75, 75], &device)
        .into_data()
        .try_to_vec()
        .unwrap();
    let channel = 5;
    let samples = convolve_first_layer(&input, &weight, channel);
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let unbiased = samples.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);

    let training = Device::flex().autodiff();
    let trained = config.init(7, &training).unwrap();
    trained.forward(images([2, 3, 75, 75], &training));
    let moved = statistics(&trained);
    let channels = moved.len() / 2;
    let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6 * (1.0 + b.abs());
    assert!(
        close(moved[channel], 0.1 * mean),
        "{} is not 0.1 * {mean}",
        moved[channel]
    );
    let variance = moved[channels + channel];
    assert!(
        close(variance, 0.9 + 0.1 * unbiased),
        "{variance} is not 0.9 + 0.1 * {unbiased}"
    );

    // The network that `valid` returns has its own statistics.
    let valid = trained.valid();
    trained.forward(images([2, 3, 75, 75], &training));
    assert_eq!(statistics(&valid), moved);
    assert_ne!(statistics(&trained), moved);
}

/// One output channel of a 3 x 3 convolution of stride 2 over `[2, 3, 75, 75]`.
fn convolve_first_layer(input: &[f32], weight: &[f32], channel: usize) -> Vec<f64> {
    let at =
        |n: usize, c: usize, y: usize, x: usize| f64::from(input[((n * 3 + c) * 75 + y) * 75 + x]);
    let mut samples = Vec::new();
    for n in 0..2 {
        for y in 0..37 {
            for x in 0..37 {
                let mut sum = 0.0;
                for tap in 0..27 {
                    let (c, ky, kx) = (tap / 9, tap / 3 % 3, tap % 3);
                    sum += f64::from(weight[channel * 27 + tap]) * at(n, c, 2 * y + ky, 2 * x + kx);
                }
                samples.push(sum);
            }
        }
    }
    samples
}

#[test]
fn dropout_acts_in_training_only() {
    let training = Device::flex().autodiff();
    // Momentum 0: the statistics stay, so only dropout differs between two passes.
    let config = NetworkConfig {
        drop_rate: 0.5,
        bn_momentum: 0.0,
        ..small()
    };
    let model = config.init(9, &training).unwrap();
    let pass = |model: &Network, device: &Device| -> Vec<f32> {
        model
            .forward(images([2, 3, 75, 75], device))
            .into_data()
            .try_to_vec()
            .unwrap()
    };
    assert_ne!(pass(&model, &training), pass(&model, &training));
    let (valid, device) = (model.valid(), Device::flex());
    assert_eq!(pass(&valid, &device), pass(&valid, &device));
}

#[test]
fn initial_weights_depend_on_the_seed_alone_and_have_their_moments() {
    let device = Device::flex();
    let config = NetworkConfig {
        num_classes: 500,
        ..small()
    };
    let model = config.init(11, &device).unwrap();
    device.seed(99); // the backend's own generator must not matter
    assert_eq!(values(&model), values(&config.init(11, &device).unwrap()));
    assert_ne!(values(&model), values(&config.init(12, &device).unwrap()));

    let shapes = model.tensors();
    for ((name, values), info) in values(&model).iter().zip(shapes) {
        let fan_in: usize = info.shape[1..].iter().product();
        let bound = match name.as_str() {
            _ if name.ends_with("conv.weight") => {
                let fan_out = info.shape[0] * info.shape[2] * info.shape[3];
                (6.0 / (fan_in + fan_out) as f64).sqrt()
            }
            "last_linear.weight" => 1.0 / (fan_in as f64).sqrt(),
            "last_linear.bias" => 1.0 / (384_f64).sqrt(), // 384 features at width 1/4
            _ => {
                let one = name.ends_with("bn.weight") || name.ends_with("running_var");
                let expected = f32::from(u8::from(one));
                assert!(
                    values.iter().all(|v| *v == expected),
                    "{name} is not {expected}"
                );
                continue;
            }
        };
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let square = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / count;
        let largest = values
            .iter()
            .map(|v| f64::from(v.abs()))
            .fold(0.0, f64::max);
        // Of U(-b, b): variance b^2 / 3, variance of its square 4 b^4 / 45. Five standard errors.
        let five = 5.0 / count.sqrt();
        assert!(
            mean.abs() < five * bound / 3_f64.sqrt(),
            "{name}: mean {mean}"
        );
        let expected = bound * bound / 3.0;
        let spread = bound * bound * (4.0 / 45.0_f64).sqrt();
        assert!(
            (square - expected).abs() < five * spread,
            "{name}: {square} for {expected}"
        );
        assert!(
            largest <= bound && largest > 0.95 * bound,
            "{name}: {largest} for {bound}"
        );
    }
}

#[test]
fn truncated_normal_weights_have_their_moments() {
    let config = NetworkConfig {
        init: Initialisation::TruncatedNormal,
        ..small()
    };
    let model = config.init(11, &Device::flex()).unwrap();
    let shapes = model.tensors();
    let mut compared = 0;
    for ((name, values), info) in values(&model).iter().zip(shapes) {
        if !name.ends_with("conv.weight") {
            continue;
        }
        let fan_in: usize = info.shape[1..].iter().product();
        let sigma = (2.6 / fan_in as f64).sqrt();
        let drawn: Vec<f64> = values.iter().map(|&v| f64::from(v) / sigma).collect();
        let count = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / count;
        let square = drawn.iter().map(|v| v * v).sum::<f64>() / count;
        // Of N(0, 1) cut at 2: variance 0.7737, variance of its square 0.8175. Five standard errors.
        let five = 5.0 / count.sqrt();
        assert!(mean.abs() < five * 0.8796, "{name}: mean {mean}");
        assert!((square - 0.7737).abs() < five * 0.9042, "{name}: {square}");
        assert!(drawn.iter().all(|v| v.abs() < 2.0001), "{name}: not cut");
        compared += 1;
    }
    assert_eq!(compared, 48);
}

fn scalar(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_data().try_to_vec::<f32>().unwrap()[0])
}
