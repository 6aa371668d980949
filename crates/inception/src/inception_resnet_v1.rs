//! Inception-ResNet-v1, block by block, as in the paper's figures 10 to 14. The order of the blocks is in
//! `paper_resnet`.
//!
//! Sizes in the comments are channels x height x width for a 299 px input at width 1.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::blocks::{ResidualBlock, max_pool};
use crate::init::{Builder, halve, same, valid};
use crate::layers::BasicConv2d;
use crate::paper_resnet::{PaperResNet, Stages, Stem};

/// Inception-ResNet-v1 (figure 15): one variant of [`Network`](crate::Network).
///
/// The stem gives 256 x 35 x 35, reduction A 896 x 17 x 17, reduction B 1792 x 8 x 8.
pub type InceptionResNetV1 = PaperResNet<StemV1>;

/// Builds it.
pub(crate) fn new(build: &mut Builder<'_>) -> InceptionResNetV1 {
    let stem = StemV1::new(build);
    let stages = Stages {
        reduction_a: [192, 192, 256, 384],
        reduction_b: [256, 256],
        blocks: [inception_resnet_a, inception_resnet_b, inception_resnet_c],
    };
    PaperResNet::on(build, stem, &stages)
}

/// The stem (figure 14): 3 x 299 x 299 to 256 x 35 x 35.
#[derive(Module, Debug)]
pub struct StemV1 {
    conv_1a: BasicConv2d,
    conv_2a: BasicConv2d,
    conv_2b: BasicConv2d,
    conv_3b: BasicConv2d,
    conv_4a: BasicConv2d,
    conv_4b: BasicConv2d,
}

impl StemV1 {
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
}

impl Stem for StemV1 {
    fn bn_epsilon(&self) -> f64 {
        self.conv_1a.bn_epsilon()
    }

    fn forward(
        &self,
        x: Tensor<4>,
        shown: &mut dyn FnMut(&str, Tensor<4>) -> Tensor<4>,
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
