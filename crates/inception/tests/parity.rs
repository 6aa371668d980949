//! Compares the full-size networks with timm in float64.
//!
//! The weights are a function of tensor name and element index, so they need no download; only the
//! BatchNorm statistics, the logits and a few numbers of every stage are fixtures (made with timm
//! 1.0.31 and torch 2.15.0).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use imshard_inception::{Architecture, NamedMapper, Network, NetworkConfig, Role};
use safetensors::SafeTensors;
use serde_json::Value;
use support::{images, uniform};

/// timm's figures for one network.
struct Published {
    architecture: Architecture,
    statistics: &'static [u8],
    logits: &'static [u8],
    state_dict: &'static str,
    taps: &'static str,
    /// Largest difference of a stage's numbers, relative to its largest value.
    stage_tolerance: f64,
    /// Largest difference of a logit.
    logit_tolerance: f64,
}

/// A random network of 76 convolutions in a row amplifies f32 rounding; torch's own f32 differs from
/// its f64 by 4e-4 in the logits.
const INCEPTION_V4: Published = Published {
    architecture: Architecture::InceptionV4,
    statistics: include_bytes!("fixtures/inception_v4.bnstats.safetensors"),
    logits: include_bytes!("fixtures/inception_v4.logits_noise_f64.npy"),
    state_dict: include_str!("fixtures/inception_v4.state_dict.json"),
    taps: include_str!("fixtures/inception_v4.taps_noise_f64.json"),
    stage_tolerance: 5e-4,
    logit_tolerance: 5e-3,
};

const INCEPTION_RESNET_V2: Published = Published {
    architecture: Architecture::InceptionResNetV2,
    statistics: include_bytes!("fixtures/inception_resnet_v2.bnstats.safetensors"),
    logits: include_bytes!("fixtures/inception_resnet_v2.logits_noise_f64.npy"),
    state_dict: include_str!("fixtures/inception_resnet_v2.state_dict.json"),
    taps: include_str!("fixtures/inception_resnet_v2.taps_noise_f64.json"),
    stage_tolerance: 1e-5,
    logit_tolerance: 1e-4,
};

#[test]
fn names_shapes_and_order_are_timms() {
    for published in [INCEPTION_V4, INCEPTION_RESNET_V2] {
        let expected: Vec<(String, Vec<usize>)> =
            serde_json::from_str::<Vec<(String, Vec<usize>, String)>>(published.state_dict)
                .unwrap()
                .into_iter()
                .filter(|(name, _, _)| !name.ends_with("num_batches_tracked"))
                .map(|(name, shape, _)| (name, shape))
                .collect();
        let model = init(published.architecture);
        let ours: Vec<(String, Vec<usize>)> = model
            .tensors()
            .into_iter()
            .map(|t| (t.name, t.shape))
            .collect();
        assert_eq!(ours, expected);
    }
}

#[test]
fn parameters_are_as_many_as_published() {
    for (architecture, trainable, total) in [
        (Architecture::InceptionV4, 42_679_816, 42_742_984),
        (Architecture::InceptionResNetV2, 55_843_464, 55_904_008),
        // Counted by hand from the paper's figures.
        (Architecture::InceptionResNetV2Paper, 32_433_928, 32_466_792),
        (Architecture::InceptionResNetV1, 22_756_328, 22_783_368),
    ] {
        let model = init(architecture);
        let counted = (model.trainable_params(), model.total_params());
        assert_eq!(counted, (trainable, total), "{architecture}");
    }
}

#[test]
fn inception_v4_equals_timms_in_float64() {
    equals_timms_in_float64(&INCEPTION_V4);
}

#[test]
fn inception_resnet_v2_equals_timms_in_float64() {
    equals_timms_in_float64(&INCEPTION_RESNET_V2);
}

fn init(architecture: Architecture) -> Network {
    NetworkConfig::of(architecture)
        .init(0, &Device::flex())
        .unwrap()
}

fn equals_timms_in_float64(published: &Published) {
    let device = Device::flex();
    let mut reference = Reference {
        statistics: SafeTensors::deserialize(published.statistics).unwrap(),
    };
    let model = init(published.architecture).map_named(&mut reference);

    let taps: Value = serde_json::from_str(published.taps).unwrap();
    let mut compared = 0;
    let logits = model.forward_observed(images([2, 3, 299, 299], &device), |stage, output| {
        let Some(tap) = tap_of(&taps, stage) else {
            return;
        };
        compare_stage(stage, output, tap, published.stage_tolerance);
        compared += 1;
    });
    assert_eq!(compared, taps.as_object().unwrap().len());

    let (shape, expected) = parse_npy(published.logits);
    assert_eq!(logits.dims().to_vec(), shape);
    let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
    let worst = largest(
        logits
            .iter()
            .zip(&expected)
            .map(|(&a, &b)| (f64::from(a) - b).abs()),
    );
    println!("logits: largest difference {worst:.2e}");
    assert!(
        worst < published.logit_tolerance,
        "logits differ by {worst}"
    );
    for (ours, theirs) in logits.chunks(1000).zip(expected.chunks(1000)) {
        let theirs: Vec<f32> = theirs.iter().map(|&v| v as f32).collect();
        assert_eq!(argmax(ours), argmax(&theirs));
    }
}

/// timm's numbers for a stage. It lists the last of the repeated blocks under the name of all of them.
fn tap_of<'a>(taps: &'a Value, stage: &str) -> Option<&'a Value> {
    let last = match stage {
        "repeat.9" => "repeat",
        "repeat_1.19" => "repeat_1",
        "repeat_2.8" => "repeat_2",
        other => other,
    };
    taps.get(last)
}

/// Replaces every tensor with the reference's.
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
        "last_linear.weight" | "classif.weight" => symmetric(4.0 * (3.0 / fan_in).sqrt()),
        "last_linear.bias" | "classif.bias" => symmetric(0.1),
        _ if name.ends_with("conv2d.weight") => symmetric((6.0 / fan_in).sqrt()),
        _ if name.ends_with("conv2d.bias") => symmetric(0.1),
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

/// Shape, mean, standard deviation and 16 values of one stage. This way the test fails at the first stage that differs.
fn compare_stage(stage: &str, output: &Tensor<4>, expected: &Value, tolerance: f64) {
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
        worst < tolerance,
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

/// The largest value; NaN if there is one, so that NaN cannot pass for agreement.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a })
}

fn argmax(row: &[f32]) -> usize {
    (0..row.len())
        .max_by(|&a, &b| row[a].total_cmp(&row[b]))
        .unwrap()
}
