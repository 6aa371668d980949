//! The full-size network against timm in float64.
//!
//! The weights are a function of tensor name and element index, so they need no download; only the
//! BatchNorm statistics, the logits and a few numbers of every stage are fixtures (made with timm
//! 1.0.31 and torch 2.15.0).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use inception::{InceptionV4Config, NamedMapper, Role};
use safetensors::SafeTensors;
use serde_json::Value;
use support::{images, uniform};

const STATISTICS: &[u8] = include_bytes!("fixtures/inception_v4.bnstats.safetensors");
const LOGITS: &[u8] = include_bytes!("fixtures/inception_v4.logits_noise_f64.npy");
const STATE_DICT: &str = include_str!("fixtures/inception_v4.state_dict.json");
const TAPS: &str = include_str!("fixtures/inception_v4.taps_noise_f64.json");

/// Of a stage's largest value. A random network of 76 convolutions in a row amplifies f32 rounding;
/// torch's own f32 differs from its f64 by 4e-4 in the logits.
const STAGE_TOLERANCE: f64 = 5e-4;
const LOGIT_TOLERANCE: f64 = 5e-3;

#[test]
fn names_shapes_and_order_are_timms() {
    let expected: Vec<(String, Vec<usize>)> =
        serde_json::from_str::<Vec<(String, Vec<usize>, String)>>(STATE_DICT)
            .unwrap()
            .into_iter()
            .filter(|(name, _, _)| !name.ends_with("num_batches_tracked"))
            .map(|(name, shape, _)| (name, shape))
            .collect();
    let model = InceptionV4Config::default()
        .init(0, &Device::flex())
        .unwrap();
    let ours: Vec<(String, Vec<usize>)> = model
        .tensors()
        .into_iter()
        .map(|t| (t.name, t.shape))
        .collect();
    assert_eq!(ours, expected);

    assert_eq!(model.trainable_params(), 42_679_816);
    assert_eq!(model.total_params(), 42_742_984);
}

#[test]
fn logits_and_every_stage_equal_timms_in_float64() {
    let device = Device::flex();
    let mut reference = Reference {
        statistics: SafeTensors::deserialize(STATISTICS).unwrap(),
    };
    let model = InceptionV4Config::default()
        .init(0, &device)
        .unwrap()
        .map_named(&mut reference);

    let taps: Value = serde_json::from_str(TAPS).unwrap();
    let mut compared = 0;
    let logits = model.forward_observed(images([2, 3, 299, 299], &device), |stage, output| {
        compare_stage(stage, output, &taps[stage]);
        compared += 1;
    });
    assert_eq!(compared, taps.as_object().unwrap().len());

    let (shape, expected) = parse_npy(LOGITS);
    assert_eq!(logits.dims().to_vec(), shape);
    let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
    let worst = largest(
        logits
            .iter()
            .zip(&expected)
            .map(|(&a, &b)| (f64::from(a) - b).abs()),
    );
    println!("logits: largest difference {worst:.2e}");
    assert!(worst < LOGIT_TOLERANCE, "logits differ by {worst}");
    for (ours, theirs) in logits.chunks(1000).zip(expected.chunks(1000)) {
        let theirs: Vec<f32> = theirs.iter().map(|&v| v as f32).collect();
        assert_eq!(argmax(ours), argmax(&theirs));
    }
}

/// Replaces every tensor by the reference's.
struct Reference<'a> {
    statistics: SafeTensors<'a>,
}

impl NamedMapper for Reference<'_> {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let shape = param.shape();
        let values = match role {
            Role::Parameter => reference_weights(name, &shape),
            Role::Statistic => floats(self.statistics.tensor(name).unwrap().data()),
        };
        let device = param.device();
        param.map(|_| Tensor::from_data(TensorData::new(values, shape), &device))
    }
}

fn reference_weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in = shape[1..].iter().product::<usize>() as f64;
    let (lo, hi) = match name {
        "last_linear.weight" => symmetric(4.0 * (3.0 / fan_in).sqrt()),
        "last_linear.bias" => symmetric(0.1),
        _ if name.ends_with("conv.weight") => symmetric((6.0 / fan_in).sqrt()),
        _ if name.ends_with("bn.weight") => (0.75, 1.25),
        _ if name.ends_with("bn.bias") => symmetric(0.2),
        _ => panic!("the reference has no {name}"),
    };
    uniform(name, shape.iter().product(), lo, hi)
}

fn symmetric(bound: f64) -> (f64, f64) {
    (-bound, bound)
}

/// Shape, mean, standard deviation and 16 values of one stage, so that the first stage that differs
/// is the one that fails.
fn compare_stage(stage: &str, output: &Tensor<4>, expected: &Value) {
    let list = |key: &str| -> Vec<f64> { serde_json::from_value(expected[key].clone()).unwrap() };
    let mut shape: Vec<f64> = output.dims().iter().map(|&d| d as f64).collect();
    shape.truncate(list("shape").len()); // timm's global_pool is flat
    assert_eq!(shape, list("shape"), "{stage}: shape");

    let values: Vec<f32> = output.to_data().try_to_vec().unwrap();
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    let scale = expected["absmax"].as_f64().unwrap();
    let mut differences = vec![
        (mean - expected["mean"].as_f64().unwrap()).abs(),
        (std - expected["std"].as_f64().unwrap()).abs(),
    ];
    for (index, expected) in list("idx").into_iter().zip(list("val")) {
        differences.push((values[index as usize] - expected).abs());
    }
    let worst = largest(differences.into_iter()) / scale;
    println!("{stage}: largest difference {worst:.2e} of the largest value");
    assert!(
        worst < STAGE_TOLERANCE,
        "{stage} differs by {worst} of its largest value"
    );
}

/// Shape and values of a version 1 .npy file of little-endian float64.
fn parse_npy(bytes: &[u8]) -> (Vec<usize>, Vec<f64>) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..header_end]).unwrap();
    assert!(header.contains("'descr': '<f8'") && header.contains("'fortran_order': False"));
    let shape = header
        .split_once("'shape': (")
        .unwrap()
        .1
        .split_once(')')
        .unwrap()
        .0;
    let shape = shape
        .split(',')
        .filter_map(|d| d.trim().parse().ok())
        .collect();
    let values = bytes[header_end..].chunks_exact(8);
    (
        shape,
        values
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
    )
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

/// The largest value; NaN if there is one, so that it cannot pass for agreement.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a })
}

fn argmax(row: &[f32]) -> usize {
    (0..row.len())
        .max_by(|&a, &b| row[a].total_cmp(&row[b]))
        .unwrap()
}
