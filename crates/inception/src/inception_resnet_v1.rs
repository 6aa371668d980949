//! Inception-ResNet-v1, block by block, as the paper's figures 10 to 14 draw it.
//!
//! Sizes in the comments are channels x height x width for a 299 px input at width 1. No weights of
//! it are published under other names, so tensors are called by this file's fields.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;

use crate::blocks::{ReductionA, ResidualBlock, ResidualReductionB, max_pool, repeat};
use crate::init::{Builder, halve, same, valid};
use crate::layers::{BasicConv2d, Linear};

/// Inception-ResNet-v1 (figure 15): one arm of [`Network`](crate::Network).
#[derive(Module, Debug)]
pub struct InceptionResNetV1 {
    stem: Stem,
    inception_resnet_a: Vec<ResidualBlock>,
    reduction_a: ReductionA,
    inception_resnet_b: Vec<ResidualBlock>,
    reduction_b: ResidualReductionB,
    inception_resnet_c: Vec<ResidualBlock>,
    dropout: Dropout,
    classifier: Linear,
}

impl InceptionResNetV1 {
    pub(crate) fn new(build: &mut Builder<'_>) -> Self {
        let [a, b, c] = build.config.blocks;
        let (stem, channels) = Stem::new(build);
        let inception_resnet_a = repeat(a, || inception_resnet_a(build, channels));
        let (reduction_a, channels) = ReductionA::new(build, channels, [192, 192, 256, 384]);
        let inception_resnet_b = repeat(b, || inception_resnet_b(build, channels));
        let (reduction_b, channels) = ResidualReductionB::new(build, channels, 256, 256);
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
            .forward(images, &mut |name, x| shown(&format!("stem.{name}"), x)); // 256 x 35 x 35
        for (i, block) in self.inception_resnet_a.iter().enumerate() {
            x = shown(&format!("inception_resnet_a.{i}"), block.forward(x)); // 256 x 35 x 35
        }
        x = shown("reduction_a", self.reduction_a.forward(x)); // 896 x 17 x 17
        for (i, block) in self.inception_resnet_b.iter().enumerate() {
            x = shown(&format!("inception_resnet_b.{i}"), block.forward(x)); // 896 x 17 x 17
        }
        x = shown("reduction_b", self.reduction_b.forward(x)); // 1792 x 8 x 8
        for (i, block) in self.inception_resnet_c.iter().enumerate() {
            x = shown(&format!("inception_resnet_c.{i}"), block.forward(x)); // 1792 x 8 x 8
        }
        x = shown("global_pool", adaptive_avg_pool2d(x, [1, 1])); // 1792 x 1 x 1
        self.classifier
            .forward(self.dropout.forward(x.flatten(1, 3)))
    }
}

/// The input part (figure 14): 3 x 299 x 299 to 256 x 35 x 35.
#[derive(Module, Debug)]
struct Stem {
    conv_1a: BasicConv2d,
    conv_2a: BasicConv2d,
    conv_2b: BasicConv2d,
    conv_3b: BasicConv2d,
    conv_4a: BasicConv2d,
    conv_4b: BasicConv2d,
}

impl Stem {
    fn new(build: &mut Builder<'_>) -> (Self, usize) {
        let conv_1a = build.conv(build.config.in_channels, halve(32));
        let conv_2a = build.conv(conv_1a.channels_out(), valid(32));
        let conv_2b = build.conv(conv_2a.channels_out(), same(64, 3, 3));
        let conv_3b = build.conv(conv_2b.channels_out(), same(80, 1, 1));
        let conv_4a = build.conv(conv_3b.channels_out(), valid(192));
        let conv_4b = build.conv(conv_4a.channels_out(), halve(256));
        let channels = conv_4b.channels_out();
        let stem = Self {
            conv_1a,
            conv_2a,
            conv_2b,
            conv_3b,
            conv_4a,
            conv_4b,
        };
        (stem, channels)
    }

    fn bn_epsilon(&self) -> f64 {
        self.conv_1a.bn_epsilon()
    }

    fn forward(
        &self,
        x: Tensor<4>,
        shown: &mut impl FnMut(&str, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let x = shown("conv_1a", self.conv_1a.forward(x)); // 32 x 149 x 149
        let x = shown("conv_2a", self.conv_2a.forward(x)); // 32 x 147 x 147
        let x = shown("conv_2b", self.conv_2b.forward(x)); // 64 x 147 x 147
        let x = shown("maxpool_3a", max_pool(x)); // 64 x 73 x 73
        let x = shown("conv_3b", self.conv_3b.forward(x)); // 80 x 73 x 73
        let x = shown("conv_4a", self.conv_4a.forward(x)); // 192 x 71 x 71
        shown("conv_4b", self.conv_4b.forward(x)) // 256 x 35 x 35
    }
}

/// Figure 10: 256 x 35 x 35 to the same.
fn inception_resnet_a(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [scale, _, _] = build.config.residual_scale;
    let short = [same(32, 1, 1), same(32, 3, 3)];
    let long = [same(32, 1, 1), same(32, 3, 3), same(32, 3, 3)];
    ResidualBlock::new(build, inputs, scale, same(32, 1, 1), [&short, &long])
}

/// Figure 11: 896 x 17 x 17 to the same.
fn inception_resnet_b(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [_, scale, _] = build.config.residual_scale;
    let chain = [same(128, 1, 1), same(128, 1, 7), same(128, 7, 1)];
    ResidualBlock::new(build, inputs, scale, same(128, 1, 1), [&chain, &[]])
}

/// Figure 13: 1792 x 8 x 8 to the same.
fn inception_resnet_c(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [_, _, scale] = build.config.residual_scale;
    let chain = [same(192, 1, 1), same(192, 1, 3), same(192, 3, 1)];
    ResidualBlock::new(build, inputs, scale, same(192, 1, 1), [&chain, &[]])
}
