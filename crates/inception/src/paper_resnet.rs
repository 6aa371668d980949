//! The common part of the paper's two Inception-ResNets (figure 15): a stem, then three stages of residual blocks with
//! reductions between them. Their stems, widths and blocks are in `inception_resnet_v1` and
//! `inception_resnet_v2_paper`.
//!
//! No weights of these networks are published under other names, so tensors are named after this file's fields.

use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;

use crate::blocks::{ReductionA, ResidualBlock, ResidualReductionB, repeat};
use crate::init::Builder;
use crate::layers::Linear;

/// An Inception-ResNet on the stem `S`.
#[derive(Module, Debug)]
pub struct PaperResNet<S> {
    stem: S,
    inception_resnet_a: Vec<ResidualBlock>,
    reduction_a: ReductionA,
    inception_resnet_b: Vec<ResidualBlock>,
    reduction_b: ResidualReductionB,
    inception_resnet_c: Vec<ResidualBlock>,
    dropout: Dropout,
    classifier: Linear,
}

/// The first part of a network, up to 35 x 35 for an input of 299 px.
pub trait Stem {
    /// The epsilon of its BatchNorms, which is the same for all.
    fn bn_epsilon(&self) -> f64;

    /// Passes each stage's name and output through `shown`.
    fn forward(
        &self,
        images: Tensor<4>,
        shown: &mut dyn FnMut(&str, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4>;
}

/// What differs from one network to another after the stem.
pub(crate) struct Stages {
    /// `[k, l, m, n]` of [`ReductionA`].
    pub(crate) reduction_a: [usize; 4],
    /// `middle` and `long` of [`ResidualReductionB`].
    pub(crate) reduction_b: [usize; 2],
    /// Inception-ResNet-A, -B and -C, each for a number of channels.
    pub(crate) blocks: [fn(&mut Builder<'_>, usize) -> ResidualBlock; 3],
}

impl<S: Stem + Module + ModuleDisplay> PaperResNet<S> {
    /// Builds it on `stem`, which has this many output `channels`.
    pub(crate) fn on(
        build: &mut Builder<'_>,
        (stem, channels): (S, usize),
        stages: &Stages,
    ) -> Self {
        let [a, b, c] = build.config.blocks;
        let [block_a, block_b, block_c] = stages.blocks;
        let inception_resnet_a = repeat(a, || block_a(build, channels));
        let (reduction_a, channels) = ReductionA::new(build, channels, stages.reduction_a);
        let inception_resnet_b = repeat(b, || block_b(build, channels));
        let [middle, long] = stages.reduction_b;
        let (reduction_b, channels) = ResidualReductionB::new(build, channels, middle, long);
        let inception_resnet_c = repeat(c, || block_c(build, channels));
        Self {
            stem,
            inception_resnet_a,
            reduction_a,
            inception_resnet_b,
            reduction_b,
            inception_resnet_c,
            dropout: DropoutConfig::new(build.config.drop_rate).init(),
            classifier: build.linear(channels, build.config.num_classes),
        }
    }

    /// The epsilon of its BatchNorms, which is the same for all.
    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.stem.bn_epsilon()
    }

    /// See [`Network::forward_observed`](crate::Network::forward_observed). Stages are named after the fields.
    pub(crate) fn forward_observed(
        &self,
        images: Tensor<4>,
        observe: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Tensor<2> {
        let mut shown = |name: &str, x: Tensor<4>| {
            observe(name, &x);
            x
        };
        let mut x = self
            .stem
            .forward(images, &mut |name, x| shown(&format!("stem.{name}"), x));
        for (i, block) in self.inception_resnet_a.iter().enumerate() {
            x = shown(&format!("inception_resnet_a.{i}"), block.forward(x));
        }
        x = shown("reduction_a", self.reduction_a.forward(x));
        for (i, block) in self.inception_resnet_b.iter().enumerate() {
            x = shown(&format!("inception_resnet_b.{i}"), block.forward(x));
        }
        x = shown("reduction_b", self.reduction_b.forward(x));
        for (i, block) in self.inception_resnet_c.iter().enumerate() {
            x = shown(&format!("inception_resnet_c.{i}"), block.forward(x));
        }
        x = shown("global_pool", adaptive_avg_pool2d(x, [1, 1]));
        self.classifier
            .forward(self.dropout.forward(x.flatten(1, 3)))
    }
}
