//! Inception-ResNet-v2 in the form with published weights (TF-slim's, then timm's): an Inception-v3 stem, 10, 20 and 9 + 1
//! blocks, and a last 1 x 1 convolution. The paper's version is `inception_resnet_v2_paper`.
//!
//! Sizes in the comments are channels x height x width for a 299 px input at width 1. Fields have
//! timm's names; comments give the paper's.

use burn::module::Module;
use burn::nn::pool::AvgPool2d;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;

use crate::blocks::{
    ReductionA, ResidualBlock, ResidualReductionB, max_pool, pool_conv, repeat, through, width_of,
};
use crate::init::{Builder, halve, same, valid};
use crate::layers::{BasicConv2d, Linear};

/// timm's `inception_resnet_v2`: one variant of [`Network`](crate::Network).
#[derive(Module, Debug)]
pub struct InceptionResNetV2 {
    conv2d_1a: BasicConv2d,
    conv2d_2a: BasicConv2d,
    conv2d_2b: BasicConv2d,
    conv2d_3b: BasicConv2d,
    conv2d_4a: BasicConv2d,
    mixed_5b: Mixed5b,
    /// Inception-ResNet-A.
    repeat: Vec<ResidualBlock>,
    /// Reduction-A.
    mixed_6a: ReductionA,
    /// Inception-ResNet-B.
    repeat_1: Vec<ResidualBlock>,
    /// Reduction-B.
    mixed_7a: ResidualReductionB,
    /// Inception-ResNet-C, all except the last.
    repeat_2: Vec<ResidualBlock>,
    /// The last Inception-ResNet-C, which is not scaled and has no ReLU.
    block8: ResidualBlock,
    conv2d_7b: BasicConv2d,
    dropout: Dropout,
    classif: Linear,
}

impl InceptionResNetV2 {
    pub(crate) fn new(build: &mut Builder<'_>) -> Self {
        let [a, b, c] = build.config.blocks;
        let conv2d_1a = build.conv(build.config.in_channels, halve(32));
        let conv2d_2a = build.conv(conv2d_1a.channels_out(), valid(32));
        let conv2d_2b = build.conv(conv2d_2a.channels_out(), same(64, 3, 3));
        let conv2d_3b = build.conv(conv2d_2b.channels_out(), same(80, 1, 1));
        let conv2d_4a = build.conv(conv2d_3b.channels_out(), valid(192));
        let (mixed_5b, channels) = Mixed5b::new(build, conv2d_4a.channels_out());
        let repeat_0 = repeat(a, || inception_resnet_a(build, channels));
        let (mixed_6a, channels) = ReductionA::new(build, channels, [256, 256, 384, 384]);
        let repeat_1 = repeat(b, || inception_resnet_b(build, channels));
        let (mixed_7a, channels) = ResidualReductionB::new(build, channels, 288, 320);
        let repeat_2 = repeat(c.saturating_sub(1), || inception_resnet_c(build, channels));
        let block8 = inception_resnet_c(build, channels).last();
        let conv2d_7b = build.conv(channels, same(1536, 1, 1));
        let classif = build.linear(conv2d_7b.channels_out(), build.config.num_classes);
        Self {
            conv2d_1a,
            conv2d_2a,
            conv2d_2b,
            conv2d_3b,
            conv2d_4a,
            mixed_5b,
            repeat: repeat_0,
            mixed_6a,
            repeat_1,
            mixed_7a,
            repeat_2,
            block8,
            conv2d_7b,
            dropout: DropoutConfig::new(build.config.drop_rate).init(),
            classif,
        }
    }

    /// The epsilon of its BatchNorms, which is the same for all.
    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.conv2d_1a.bn_epsilon()
    }

    /// See [`Network::forward_observed`](crate::Network::forward_observed); stages are named as in
    /// timm, blocks from `repeat.0` on.
    pub(crate) fn forward_observed(
        &self,
        images: Tensor<4>,
        observe: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Tensor<2> {
        let mut shown = |name: &str, x: Tensor<4>| {
            observe(name, &x);
            x
        };
        let x = shown("conv2d_1a", self.conv2d_1a.forward(images)); // 32 x 149 x 149
        let x = shown("conv2d_2a", self.conv2d_2a.forward(x)); // 32 x 147 x 147
        let x = shown("conv2d_2b", self.conv2d_2b.forward(x)); // 64 x 147 x 147
        let x = shown("maxpool_3a", max_pool(x)); // 64 x 73 x 73
        let x = shown("conv2d_3b", self.conv2d_3b.forward(x)); // 80 x 73 x 73
        let x = shown("conv2d_4a", self.conv2d_4a.forward(x)); // 192 x 71 x 71
        let x = shown("maxpool_5a", max_pool(x)); // 192 x 35 x 35
        let mut x = shown("mixed_5b", self.mixed_5b.forward(x)); // 320 x 35 x 35
        for (i, block) in self.repeat.iter().enumerate() {
            x = shown(&format!("repeat.{i}"), block.forward(x)); // 320 x 35 x 35
        }
        x = shown("mixed_6a", self.mixed_6a.forward(x)); // 1088 x 17 x 17
        for (i, block) in self.repeat_1.iter().enumerate() {
            x = shown(&format!("repeat_1.{i}"), block.forward(x)); // 1088 x 17 x 17
        }
        x = shown("mixed_7a", self.mixed_7a.forward(x)); // 2080 x 8 x 8
        for (i, block) in self.repeat_2.iter().enumerate() {
            x = shown(&format!("repeat_2.{i}"), block.forward(x)); // 2080 x 8 x 8
        }
        x = shown("block8", self.block8.forward(x)); // 2080 x 8 x 8
        x = shown("conv2d_7b", self.conv2d_7b.forward(x)); // 1536 x 8 x 8
        x = shown("global_pool", adaptive_avg_pool2d(x, [1, 1])); // 1536 x 1 x 1
        self.classif.forward(self.dropout.forward(x.flatten(1, 3)))
    }
}

/// The Inception block at the end of the stem (Inception-v3's first): 192 x 35 x 35 to
/// 320 x 35 x 35.
#[derive(Module, Debug)]
struct Mixed5b {
    branch0: BasicConv2d,
    branch1: Vec<BasicConv2d>,
    branch2: Vec<BasicConv2d>,
    branch3: (AvgPool2d, BasicConv2d),
}

impl Mixed5b {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.conv(inputs, same(96, 1, 1));
        let branch1 = build.chain(inputs, &[same(48, 1, 1), same(64, 5, 5)]);
        let branch2 = build.chain(inputs, &[same(64, 1, 1), same(96, 3, 3), same(96, 3, 3)]);
        let branch3 = build.pool_conv(inputs, 64);
        let channels = branch0.channels_out()
            + width_of(&branch1)
            + width_of(&branch2)
            + branch3.1.channels_out();
        let block = Self {
            branch0,
            branch1,
            branch2,
            branch3,
        };
        (block, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch0.forward(x.clone()),
            through(&self.branch1, x.clone()),
            through(&self.branch2, x.clone()),
            pool_conv(&self.branch3, x),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Figure 16: 35 x 35, of any channels, to the same.
pub(crate) fn inception_resnet_a(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [scale, _, _] = build.config.residual_scale;
    let short = [same(32, 1, 1), same(32, 3, 3)];
    let long = [same(32, 1, 1), same(48, 3, 3), same(64, 3, 3)];
    ResidualBlock::new(build, inputs, scale, same(32, 1, 1), [&short, &long])
}

/// Figure 17: 17 x 17, of any channels, to the same.
pub(crate) fn inception_resnet_b(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [_, scale, _] = build.config.residual_scale;
    let chain = [same(128, 1, 1), same(160, 1, 7), same(192, 7, 1)];
    ResidualBlock::new(build, inputs, scale, same(192, 1, 1), [&chain, &[]])
}

/// Figure 19: 8 x 8, of any channels, to the same.
pub(crate) fn inception_resnet_c(build: &mut Builder<'_>, inputs: usize) -> ResidualBlock {
    let [_, _, scale] = build.config.residual_scale;
    let chain = [same(192, 1, 1), same(224, 1, 3), same(256, 3, 1)];
    ResidualBlock::new(build, inputs, scale, same(192, 1, 1), [&chain, &[]])
}
