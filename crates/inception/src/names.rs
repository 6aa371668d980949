//! Every tensor of a network under timm's name, in timm's order. `weights` loads and saves them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::network::{Architecture, Network};

/// The role of a tensor in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Trained by gradient descent; has a gradient after a backward pass.
    Parameter,
    /// Running mean or variance of a BatchNorm: part of the state, never of the optimizer.
    Statistic,
}

/// Name, role and shape of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// timm's name, for example `features.0.conv.weight`.
    pub name: String,
    /// Parameter or statistic.
    pub role: Role,
    /// Its shape: `[out, in, height, width]` of a convolution, `[classes, features]` of the
    /// classifier, `[channels]` else.
    pub shape: Vec<usize>,
}

/// Reads the tensors of a network.
pub trait NamedVisitor {
    /// Called once for each tensor, in [`Network::tensors`]'s order.
    fn visit<const D: usize>(&mut self, name: &str, role: Role, tensor: &Param<Tensor<D>>);
}

/// Replaces the tensors of a network.
pub trait NamedMapper {
    /// Called once for each tensor, in [`Network::tensors`]'s order; returns its replacement, of the same shape.
    /// `Param::map` keeps identity and gradient setting. Clones of the model share a [`Role::Statistic`], so they see
    /// its replacement too.
    fn map<const D: usize>(
        &mut self,
        name: &str,
        role: Role,
        tensor: Param<Tensor<D>>,
    ) -> Param<Tensor<D>>;
}

impl Network {
    /// Calls `visitor` with every tensor.
    pub fn visit_named<V: NamedVisitor>(&self, visitor: &mut V) {
        self.visit(&mut Named {
            inner: visitor,
            names: Names::of(self),
        });
    }

    /// The same network with every tensor replaced by the result of `mapper`.
    pub fn map_named<M: NamedMapper>(self, mapper: &mut M) -> Self {
        let names = Names::of(&self);
        self.map(&mut Named {
            inner: mapper,
            names,
        })
    }

    /// All tensors in timm's `state_dict` order (without its `num_batches_tracked`): the same for
    /// every network of the same configuration.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let mut list = Listing(Vec::new());
        self.visit_named(&mut list);
        list.0
    }

    /// Numbers trained by gradient descent: 42,679,816 in Inception-v4.
    pub fn trainable_params(&self) -> usize {
        self.tensors()
            .iter()
            .filter(|t| t.role == Role::Parameter)
            .map(elements)
            .sum()
    }

    /// Trainable parameters and running statistics: 42,742,984 in Inception-v4.
    pub fn total_params(&self) -> usize {
        self.tensors().iter().map(elements).sum()
    }
}

fn elements(tensor: &TensorInfo) -> usize {
    tensor.shape.iter().product()
}

struct Listing(Vec<TensorInfo>);

impl NamedVisitor for Listing {
    fn visit<const D: usize>(&mut self, name: &str, role: Role, tensor: &Param<Tensor<D>>) {
        self.0.push(TensorInfo {
            name: name.to_owned(),
            role,
            shape: tensor.lazy_shape().to_vec(),
        });
    }
}

/// Adapts burn's visitor and mapper to ours.
struct Named<'a, T> {
    inner: &'a mut T,
    names: Names,
}

impl<V: NamedVisitor> ModuleVisitor for Named<'_, V> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.names.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.names.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (name, role) = self.names.here();
        self.inner.visit(&name, role, param);
    }
}

impl<M: NamedMapper> ModuleMapper for Named<'_, M> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.names.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.names.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (name, role) = self.names.here();
        self.inner.map(&name, role, param)
    }
}

/// The position of a traversal, in burn's field names, and its translation to timm's. burn's path begins with the variant
/// of [`Network`].
struct Names {
    path: Vec<String>,
    architecture: Architecture,
    /// A and B blocks of Inception-v4.
    blocks: [usize; 2],
}

impl Names {
    fn of(model: &Network) -> Self {
        Self {
            path: Vec::new(),
            architecture: model.architecture(),
            blocks: match model {
                Network::InceptionV4(network) => network.blocks(),
                _ => [0, 0],
            },
        }
    }

    fn here(&self) -> (String, Role) {
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let role = match path.as_slice() {
            [.., "running_mean" | "running_var"] => Role::Statistic,
            _ => Role::Parameter,
        };
        let name = match self.architecture {
            Architecture::InceptionV4 => self.numbered(&path),
            _ => path.join("."),
        };
        (name, role)
    }

    /// timm numbers the stages of Inception-v4's stem and all blocks through as `features.N`; below
    /// that the fields have its names.
    fn numbered(&self, path: &[&str]) -> String {
        let [a, b] = self.blocks;
        let block = |first: usize, index: &str| index.parse().map_or(first, |i: usize| first + i);
        let (stage, rest) = match path {
            ["stem", "conv_1a", rest @ ..] => (0, rest),
            ["stem", "conv_2a", rest @ ..] => (1, rest),
            ["stem", "conv_2b", rest @ ..] => (2, rest),
            ["stem", "mixed_3a", rest @ ..] => (3, rest),
            ["stem", "mixed_4a", rest @ ..] => (4, rest),
            ["stem", "mixed_5a", rest @ ..] => (5, rest),
            ["inception_a", index, rest @ ..] => (block(6, index), rest),
            ["reduction_a", rest @ ..] => (6 + a, rest),
            ["inception_b", index, rest @ ..] => (block(7 + a, index), rest),
            ["reduction_b", rest @ ..] => (7 + a + b, rest),
            ["inception_c", index, rest @ ..] => (block(8 + a + b, index), rest),
            other => return other.join("."), // last_linear
        };
        format!("features.{stage}.{}", rest.join("."))
    }
}
