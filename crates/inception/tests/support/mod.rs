//! Code that several tests share: small networks, reference weights, one training step. It contains no tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::module::Param;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use imshard_inception::{Architecture, NamedMapper, NamedVisitor, Network, NetworkConfig, Role};

/// The smallest network with every kind of block.
pub(crate) fn small() -> NetworkConfig {
    NetworkConfig {
        num_classes: 10,
        drop_rate: 0.0,
        width: 0.25,
        blocks: [1, 1, 1],
        ..Default::default()
    }
}

/// A small network of each kind, with every kind of block.
pub(crate) fn small_networks() -> impl Iterator<Item = NetworkConfig> {
    Architecture::ALL
        .into_iter()
        .map(|architecture| NetworkConfig {
            architecture,
            // timm's last Inception-ResNet-C block is of another kind.
            blocks: match architecture {
                Architecture::InceptionResNetV2 => [1, 1, 2],
                _ => [1, 1, 1],
            },
            ..small()
        })
}

/// Element `index` of the reference tensor `name`, uniform in [lo, hi): FNV-1a of the name, then
/// splitmix64 of the index, as `weights.py` (the generator of the reference logits) has it.
pub(crate) fn uniform(name: &str, count: usize, lo: f64, hi: f64) -> Vec<f32> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let start = hash ^ 0x1602_0726_1000_0000;
    (1..=count as u64)
        .map(|i| {
            let mut x = start.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            x ^= x >> 31;
            (lo + (hi - lo) * ((x >> 40) as f64 / f64::from(1 << 24))) as f32
        })
        .collect()
}

/// A reproducible batch of images in [-2, 2).
pub(crate) fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values = uniform("input.noise", shape.iter().product(), -2.0, 2.0);
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Mean cross-entropy of the model on a batch, labels 0, 1, 2, ...
pub(crate) fn loss(model: &Network, images: Tensor<4>) -> Tensor<1> {
    let device = images.device();
    let labels = Tensor::<1, Int>::arange(0..images.dims()[0] as i64, &device);
    CrossEntropyLossConfig::new()
        .init(&device)
        .forward(model.forward(images), labels)
}

/// p -= rate * gradient, for the parameters whose name `only` accepts.
pub(crate) struct Step<'a> {
    pub(crate) gradients: &'a Gradients,
    pub(crate) rate: f64,
    pub(crate) only: &'a dyn Fn(&str) -> bool,
}

impl NamedMapper for Step<'_> {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        if role == Role::Statistic || !(self.only)(name) {
            return param;
        }
        let gradient = param
            .val()
            .grad(self.gradients)
            .expect("every parameter has a gradient");
        let rate = self.rate;
        param.map(|p| Tensor::from_inner(p.without_autodiff() - gradient * rate).require_grad())
    }
}

/// Every tensor's name and values.
pub(crate) fn values(model: &Network) -> Vec<(String, Vec<f32>)> {
    struct Values(Vec<(String, Vec<f32>)>);
    impl NamedVisitor for Values {
        fn visit<const D: usize>(&mut self, name: &str, _: Role, tensor: &Param<Tensor<D>>) {
            self.0.push((
                name.to_owned(),
                tensor.val().into_data().try_to_vec().unwrap(),
            ));
        }
    }
    let mut values = Values(Vec::new());
    model.visit_named(&mut values);
    values.0
}
