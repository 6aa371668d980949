//! A network for inference only: each BatchNorm is folded into the convolution before it. The blocks are the same as in
//! training; only their numbers differ, and a flag.

use std::collections::HashMap;

use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use fused_ops::Format;

use crate::names::{NamedMapper, NamedVisitor, Role};
use crate::{Network, Precision};

/// The field of a BatchNorm that says it is folded.
const FLAG: &str = "folded";

/// A network for inference only.
#[derive(Clone, Debug)]
pub struct Inference {
    network: Network,
    activations: Format,
}

impl Network {
    /// The same network for inference, with its own weights: `gamma / sqrt(variance + epsilon)` scales each
    /// convolution's weight, and the rest of BatchNorm becomes a bias. The scaling is computed in f64 on the host.
    ///
    /// After the scaling, convolutions and classifier get the formats of `precision`. Its format for normalisation is
    /// not used.
    #[must_use]
    pub fn fold(&self, precision: Precision) -> Inference {
        let network = self.valid(); // with running statistics of its own
        let mut norms = Norms::default();
        network.visit_named(&mut norms);
        let folded = norms.fold(self.bn_epsilon());
        let network = network
            .map_named(&mut Fold { folded, precision })
            .map(&mut SetFlags::default());
        Inference {
            network,
            activations: precision.activations,
        }
    }
}

impl Inference {
    /// Logits `[batch, classes]`, in f32, as from [`Network::forward`] in validation mode.
    ///
    /// # Panics
    /// As [`Network::forward`].
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.forward(images.cast(self.activations.dtype()))
    }
}

/// The four vectors of each BatchNorm, by the name of its layer.
#[derive(Default)]
struct Norms(HashMap<String, HashMap<String, Vec<f64>>>);

/// The rest of a BatchNorm after folding.
struct Folded {
    factor: Vec<f32>,
    bias: Vec<f32>,
}

/// A tensor's layer and its name in that layer, if it belongs to a convolution with BatchNorm.
fn parts(name: &str) -> Option<(&str, &str)> {
    [".conv.weight", ".bn."]
        .into_iter()
        .find_map(|middle| name.rfind(middle))
        .map(|at| (&name[..at], &name[at + 1..]))
}

impl NamedVisitor for Norms {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, tensor: &Param<Tensor<D>>) {
        let Some((layer, own)) = parts(name).filter(|_| D == 1) else {
            return;
        };
        let values = tensor.val().into_data().iter::<f64>().collect();
        let norm = self.0.entry(layer.to_owned()).or_default();
        norm.insert(own.to_owned(), values);
    }
}

impl Norms {
    fn fold(self, epsilon: f64) -> HashMap<String, Folded> {
        let fold = |mut norm: HashMap<String, Vec<f64>>| {
            let mut take = |name: &str| norm.remove(name).unwrap_or_default();
            let (gamma, beta) = (take("bn.weight"), take("bn.bias"));
            let (mean, variance) = (take("bn.running_mean"), take("bn.running_var"));
            let scaled = gamma.iter().zip(variance);
            let factor: Vec<f64> = scaled.map(|(g, v)| g / (v + epsilon).sqrt()).collect();
            let bias = beta.iter().zip(mean).zip(&factor);
            Folded {
                bias: bias.map(|((b, m), f)| (b - m * f) as f32).collect(),
                factor: factor.into_iter().map(|f| f as f32).collect(),
            }
        };
        let layers = self.0.into_iter();
        layers.map(|(layer, norm)| (layer, fold(norm))).collect()
    }
}

/// Puts the folded numbers in place, in their formats.
struct Fold {
    folded: HashMap<String, Folded>,
    precision: Precision,
}

impl NamedMapper for Fold {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let layer = parts(name).and_then(|(layer, own)| Some((self.folded.get(layer)?, own)));
        let convolves = layer.is_some() || name.contains(".conv2d."); // closes a residual block
        let format = match convolves {
            true => self.precision.convolution,
            false => self.precision.classifier,
        };
        param.map(|tensor| {
            let device = tensor.device();
            let vector = |values: &[f32], shape: [usize; D]| {
                Tensor::from_data(TensorData::new(values.to_vec(), shape), &device)
            };
            let tensor = match layer {
                Some((folded, "conv.weight")) => {
                    let mut shape = [1; D];
                    shape[0] = folded.factor.len();
                    tensor * vector(&folded.factor, shape)
                }
                Some((folded, "bn.bias")) => vector(&folded.bias, tensor.dims()),
                _ => tensor,
            };
            match role {
                Role::Parameter => tensor.cast(format.dtype()),
                Role::Statistic => tensor,
            }
        })
    }
}

/// Sets the flag of every BatchNorm.
#[derive(Default)]
struct SetFlags {
    path: Vec<String>,
}

impl ModuleMapper for SetFlags {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        match self.path.last().is_some_and(|field| field == FLAG) {
            true => flag.with_value(true),
            false => flag,
        }
    }
}
