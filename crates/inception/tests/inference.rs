//! A folded network gives the same logits as the original network.

#![allow(clippy::unwrap_used, deprecated)] // burn calls its LibTorch deprecated

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use imshard_inception::{
    Architecture, NamedMapper, NamedVisitor, Network, NetworkConfig, Precision, Role,
};

fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "tch")]
        Device::libtorch(),
    ]
}

/// Uniform in -1..1, from a linear congruential generator.
fn noise<const D: usize>(seed: u32, shape: [usize; D], device: &Device) -> Tensor<D> {
    let mut state = seed;
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Gives every BatchNorm and every bias distinct numbers. New networks have 0 and 1 there, which would hide mistakes.
struct Disturb(u32);

impl NamedMapper for Disturb {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        tensor: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        if D != 1 {
            return tensor;
        }
        self.0 += 1;
        tensor.map(|values| {
            let noise = noise(self.0, values.dims(), &values.device()) * 0.3;
            match name.ends_with("weight") || name.ends_with("var") {
                true => noise + 1.0,
                false => noise,
            }
        })
    }
}

fn network(architecture: Architecture, device: &Device) -> Network {
    let config = NetworkConfig {
        num_classes: 7,
        width: 0.1,
        blocks: [1, 1, 2],
        ..NetworkConfig::of(architecture)
    };
    config.init(5, device).unwrap().map_named(&mut Disturb(0))
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// The largest difference, as a share of the largest value.
fn off(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let most = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0f32, |a, b| a.max(b.abs()));
    let scale = most(&mut expected.iter().copied());
    assert!(scale > 0.0, "the logits are not all 0");
    most(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / scale
}

#[test]
fn every_network_folded_gives_the_same_logits() {
    for device in devices() {
        for architecture in Architecture::ALL {
            let network = network(architecture, &device);
            let images = noise(99, [2, 3, 79, 79], &device);
            let expected = values(network.valid().forward(images.clone()));
            let folded = network.fold(Precision::default());
            let off = off(&values(folded.forward(images)), &expected);
            assert!(off <= 1e-4, "{architecture} on {device:?}: {off}");
            assert!(off > 0.0, "{architecture}: it was not folded");
        }
    }
}

/// Folding a network in training uses its current state and does not change it.
#[test]
fn folding_leaves_a_network_in_training_alone() {
    let device = Device::flex();
    let network = network(Architecture::InceptionV4, &device.clone().autodiff());
    let before = Statistics::of(&network);
    let images = noise(7, [1, 3, 75, 75], &device);
    let folded = network.fold(Precision::default());
    let expected = values(network.valid().forward(images.clone()));
    assert!(off(&values(folded.forward(images)), &expected) <= 1e-4);
    assert_eq!(Statistics::of(&network).0, before.0);
}

/// On LibTorch only: flex does not compute in half precision.
#[cfg(feature = "tch")]
#[test]
fn half_precision_is_near_and_is_half() {
    use imshard_inception::Format;
    let half = Precision {
        convolution: Format::Bf16,
        normalisation: Format::F32,
        classifier: Format::Bf16,
        activations: Format::Bf16,
    };
    let between = Precision {
        activations: Format::F32,
        ..half
    };
    let device = Device::libtorch();
    let network = network(Architecture::InceptionResNetV2, &device);
    let images = noise(3, [2, 3, 75, 75], &device);
    let full = values(network.fold(Precision::default()).forward(images.clone()));
    for precision in [half, between] {
        let logits = network.fold(precision).forward(images.clone());
        assert_eq!(logits.dtype(), burn::tensor::DType::F32);
        let off = off(&values(logits), &full);
        assert!(1e-5 < off && off < 0.05, "{precision:?}: {off}");
    }
}

/// All running statistics.
struct Statistics(Vec<f32>);

impl Statistics {
    fn of(network: &Network) -> Self {
        let mut found = Self(Vec::new());
        network.visit_named(&mut found);
        found
    }
}

impl NamedVisitor for Statistics {
    fn visit<const D: usize>(&mut self, _name: &str, role: Role, tensor: &Param<Tensor<D>>) {
        if role == Role::Statistic {
            self.0.extend(tensor.val().into_data().iter::<f32>());
        }
    }
}
