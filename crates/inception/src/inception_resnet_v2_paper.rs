//! Inception-ResNet-v2 as the paper's figures 3 and 16 to 19 draw it: on Inception-v4's stem. The
//! network whose weights are published is another: `inception_resnet_v2`.
//!
//! Sizes in the comments are channels x height x width for a 299 px input at width 1. The figures'
//! 1154 and 2048 linear channels of the blocks B and C cannot be added to what the reductions of
//! figures 7 and 18 give, 1152 and 2144; the linear convolutions here have the width of their sum.
//! No weights of it are published under other names, so tensors are called by this file's fields.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;

use crate::blocks::{ReductionA, ResidualBlock, ResidualReductionB, repeat};
use crate::inception_resnet_v2::{inception_resnet_a, inception_resnet_b, inception_resnet_c};
use crate::inception_v4::Stem;
use crate::init::Builder;
use crate::layers::Linear;

/// The paper's Inception-ResNet-v2 (figure 15): one arm of [`Network`](crate::Network).
#[derive(Module, Debug)]
pub struct InceptionResNetV2Paper {
    stem: Stem,
    inception_resnet_a: Vec<ResidualBlock>,
    reduction_a: ReductionA,
    inception_resnet_b: Vec<ResidualBlock>,
    reduction_b: ResidualReductionB,
    inception_resnet_c: Vec<ResidualBlock>,
    dropout: Dropout,
    classifier: Linear,
}

impl InceptionResNetV2Paper {
    pub(crate) fn new(build: &mut Builder<'_>) -> Self {
        let [a, b, c] = build.config.blocks;
        let (stem, channels) = Stem::new(build);
        let inception_resnet_a = repeat(a, || inception_resnet_a(build, channels));
        let (reduction_a, channels) = ReductionA::new(build, channels, [256, 256, 384, 384]);
        let inception_resnet_b = repeat(b, || inception_resnet_b(build, channels));
        let (reduction_b, channels) = ResidualReductionB::new(build, channels, 288, 320);
        let inception_resnet_c = repeat(c, || inception_resnet_c(build, channels));
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

    /// The epsilon of its BatchNorms, which all have the same.
    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.stem.bn_epsilon()
    }

    /// See [`Network::forward_observed`](crate::Network::forward_observed); stages are called as the
    /// fields.
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
            .forward(images, &mut |name, x| shown(&format!("stem.{name}"), x)); // 384 x 35 x 35
        for (i, block) in self.inception_resnet_a.iter().enumerate() {
            x = shown(&format!("inception_resnet_a.{i}"), block.forward(x)); // 384 x 35 x 35
        }
        x = shown("reduction_a", self.reduction_a.forward(x)); // 1152 x 17 x 17
        for (i, block) in self.inception_resnet_b.iter().enumerate() {
            x = shown(&format!("inception_resnet_b.{i}"), block.forward(x)); // 1152 x 17 x 17
        }
        x = shown("reduction_b", self.reduction_b.forward(x)); // 2144 x 8 x 8
        for (i, block) in self.inception_resnet_c.iter().enumerate() {
            x = shown(&format!("inception_resnet_c.{i}"), block.forward(x)); // 2144 x 8 x 8
        }
        x = shown("global_pool", adaptive_avg_pool2d(x, [1, 1])); // 2144 x 1 x 1
        self.classifier
            .forward(self.dropout.forward(x.flatten(1, 3)))
    }
}
