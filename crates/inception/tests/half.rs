//! Compares a training step in half precision with PyTorch's autocast of the same network, weights and images. It must
//! be as close to f32 as autocast is. The figures come from benches/torch/half.py.
#![cfg(feature = "tch")]
#![allow(clippy::unwrap_used, clippy::panic, deprecated)]

mod support;

use burn::module::Param;
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use fused_ops::Format;
use imshard_inception::{NamedMapper, NamedVisitor, Network, NetworkConfig, Precision, Role};
use serde_json::Value;
use support::{loss, small, uniform};

const SHAPE: [usize; 4] = [8, 3, 107, 107];

/// The levels of mixed precision, as the trainer maps them: O1, O2, O3. Autocast is between the first two: convolutions
/// and classifier are half, and so is everything computed from them.
fn levels(half: Format) -> [(&'static str, Precision); 3] {
    let o1 = Precision {
        convolution: half,
        classifier: half,
        ..Precision::default()
    };
    let o2 = Precision {
        activations: half,
        ..o1
    };
    let o3 = Precision {
        normalisation: half,
        ..o2
    };
    [("O1", o1), ("O2", o2), ("O3", o3)]
}

/// Weights uniform with the variance 2 / inputs, gammas 1, everything else 0.
struct Filled;

impl NamedMapper for Filled {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        if role == Role::Statistic {
            return param;
        }
        let shape: [usize; D] = param.val().dims();
        let count = shape.iter().product();
        let values = match (D, name.ends_with("bn.weight")) {
            (1, true) => vec![1.0; count],
            (1, false) => vec![0.0; count],
            _ => {
                let bound = (6.0 * shape[0] as f64 / count as f64).sqrt();
                uniform(name, count, -bound, bound)
            }
        };
        param.map(|p| Tensor::from_data(TensorData::new(values, shape), &p.device()).require_grad())
    }
}

/// Every parameter's gradient, one after another; all must be f32.
struct Gathered<'a> {
    gradients: &'a Gradients,
    values: Vec<f64>,
}

impl NamedVisitor for Gathered<'_> {
    fn visit<const D: usize>(&mut self, name: &str, role: Role, tensor: &Param<Tensor<D>>) {
        if role == Role::Statistic {
            return;
        }
        let gradient = tensor.val().grad(self.gradients);
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        assert_eq!(gradient.dtype(), DType::F32, "{name}");
        self.values.extend(gradient.into_data().iter::<f64>());
    }
}

fn network(precision: Precision) -> Network {
    let config = NetworkConfig {
        precision,
        ..small()
    };
    let device = Device::libtorch().autodiff();
    config.init(0, &device).unwrap().map_named(&mut Filled)
}

/// Logits and gradients.
fn step(model: &Network, input: usize) -> (Vec<f64>, Vec<f64>) {
    let values = uniform(&format!("input.{input}"), SHAPE.iter().product(), -2.0, 2.0);
    let device = Device::libtorch().autodiff();
    let images = Tensor::from_data(TensorData::new(values, SHAPE), &device);
    let logits = model.forward(images.clone());
    assert_eq!(logits.dtype(), DType::F32);
    let gradients = loss(model, images).backward();
    let mut gathered = Gathered {
        gradients: &gradients,
        values: Vec::new(),
    };
    model.visit_named(&mut gathered);
    (logits.into_data().iter::<f64>().collect(), gathered.values)
}

/// The norm of the logits' difference divided by their norm, and how far the gradients' cosine is from 1.
fn distances(found: &(Vec<f64>, Vec<f64>), expected: &(Vec<f64>, Vec<f64>)) -> [f64; 2] {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let off: Vec<f64> = found
        .0
        .iter()
        .zip(&expected.0)
        .map(|(a, b)| a - b)
        .collect();
    let off = (dot(&off, &off) / dot(&expected.0, &expected.0)).sqrt();
    let (by, gradients) = (&found.1, &expected.1);
    let cosine = dot(by, gradients) / (dot(by, by) * dot(gradients, gradients)).sqrt();
    [off, 1.0 - cosine]
}

/// Means over the inputs: a deep untrained network amplifies rounding, differently for each input.
#[test]
fn every_level_is_as_near_f32_as_pytorchs_autocast() {
    let published: Value = serde_json::from_str(include_str!("fixtures/half.json")).unwrap();
    let numbers = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
    let inputs = published["bf16"].as_array().unwrap().len();
    let model = network(Precision::default());
    let full: Vec<_> = (0..inputs).map(|input| step(&model, input)).collect();
    let logits = numbers(&published["f32_logits"]);
    assert_eq!(full[0].0.len(), logits.len());
    for (found, expected) in full[0].0.iter().zip(&logits) {
        assert!((found - expected).abs() < 1e-3, "{found} for {expected}");
    }
    for (key, half) in [("bf16", Format::Bf16), ("fp16", Format::F16)] {
        let sum = |of: &dyn Fn(&Value) -> f64| -> f64 {
            published[key].as_array().unwrap().iter().map(of).sum()
        };
        let expected = [
            sum(&|figures| figures["logits_off"].as_f64().unwrap()),
            sum(&|figures| 1.0 - figures["cosine"].as_f64().unwrap()),
        ]
        .map(|sum| sum / inputs as f64);
        for (level, precision) in levels(half) {
            let model = network(precision);
            let mut found = [0.0; 2];
            for (input, full) in full.iter().enumerate() {
                let distances = distances(&step(&model, input), full);
                for (mean, distance) in found.iter_mut().zip(distances) {
                    *mean += distance / inputs as f64;
                }
            }
            println!("{key} {level}: {found:.4?}, PyTorch's autocast {expected:.4?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(*found < 1.3 * expected, "{key} {level}: {found}");
                assert!(*found > 0.5 * expected, "{key} {level} is not half");
            }
        }
    }
}
