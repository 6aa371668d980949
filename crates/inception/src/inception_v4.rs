//! Inception-v4, block by block, as drawn in the paper's figures.
//!
//! Sizes in the comments are channels x height x width for a 299 px input at width 1. Where the
//! figures, timm and MindCV differ, this follows timm and MindCV, because their weights must fit: the
//! long branch of Inception-B goes 7x1, 1x7, 7x1, 1x7 (figure 5 starts with 1x7), and the stem's
//! 7x1/1x7 branch goes 1x7, 7x1. Concatenation orders are theirs too: (pool, conv) in Mixed3a,
//! (conv, pool) in Mixed5a and in both reductions.
use burn::module::Module;
use burn::nn::pool::AvgPool2d;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;

use crate::blocks::{ReductionA, max_pool, pool_conv, stack, through, width_of};
use crate::init::{Builder, halve, same, valid};
use crate::layers::{BasicConv2d, Linear};

/// Inception-v4 (figure 9): one variant of [`Network`](crate::Network).
#[derive(Module, Debug)]
pub struct InceptionV4 {
    stem: Stem,
    inception_a: Vec<InceptionA>,
    reduction_a: ReductionA,
    inception_b: Vec<InceptionB>,
    reduction_b: ReductionB,
    inception_c: Vec<InceptionC>,
    dropout: Dropout,
    last_linear: Linear,
}

impl InceptionV4 {
    pub(crate) fn new(build: &mut Builder<'_>) -> Self {
        let [a, b, c] = build.config.blocks;
        let (stem, channels) = Stem::new(build);
        let (inception_a, channels) = stack(a, channels, |n| InceptionA::new(build, n));
        let (reduction_a, channels) = ReductionA::new(build, channels, [192, 224, 256, 384]);
        let (inception_b, channels) = stack(b, channels, |n| InceptionB::new(build, n));
        let (reduction_b, channels) = ReductionB::new(build, channels);
        let (inception_c, channels) = stack(c, channels, |n| InceptionC::new(build, n));
        Self {
            stem,
            inception_a,
            reduction_a,
            inception_b,
            reduction_b,
            inception_c,
            dropout: DropoutConfig::new(build.config.drop_rate).init(),
            last_linear: build.linear(channels, build.config.num_classes),
        }
    }

    /// See [`Network::forward_observed`](crate::Network::forward_observed); stages are named
    /// from `features.0` on.
    pub(crate) fn forward_observed(
        &self,
        images: Tensor<4>,
        observe: &mut dyn FnMut(&str, &Tensor<4>),
    ) -> Tensor<2> {
        let mut stage = 0;
        let mut shown = |x: Tensor<4>| {
            observe(&format!("features.{stage}"), &x);
            stage += 1;
            x
        };
        let mut x = self.stem.forward(images, &mut |_, x| shown(x)); // 384 x 35 x 35
        for block in &self.inception_a {
            x = shown(block.forward(x)); // 384 x 35 x 35
        }
        x = shown(self.reduction_a.forward(x)); // 1024 x 17 x 17
        for block in &self.inception_b {
            x = shown(block.forward(x)); // 1024 x 17 x 17
        }
        x = shown(self.reduction_b.forward(x)); // 1536 x 8 x 8
        for block in &self.inception_c {
            x = shown(block.forward(x)); // 1536 x 8 x 8
        }
        x = adaptive_avg_pool2d(x, [1, 1]); // 1536 x 1 x 1
        observe("global_pool", &x);
        self.last_linear
            .forward(self.dropout.forward(x.flatten(1, 3)))
    }

    /// The epsilon of its BatchNorms, which is the same for all.
    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.stem.bn_epsilon()
    }

    /// How many A and B blocks there are, which timm's numbering depends on.
    pub(crate) fn blocks(&self) -> [usize; 2] {
        [self.inception_a.len(), self.inception_b.len()]
    }
}

/// The stem (figure 3), also of the paper's Inception-ResNet-v2: 3 x 299 x 299 to 384 x 35 x 35.
#[derive(Module, Debug)]
pub struct Stem {
    conv_1a: BasicConv2d,
    conv_2a: BasicConv2d,
    conv_2b: BasicConv2d,
    mixed_3a: Mixed3a,
    mixed_4a: Mixed4a,
    mixed_5a: Mixed5a,
}

impl Stem {
    pub(crate) fn new(build: &mut Builder<'_>) -> (Self, usize) {
        let conv_1a = build.conv(build.config.in_channels, halve(32));
        let conv_2a = build.conv(conv_1a.channels_out(), valid(32));
        let conv_2b = build.conv(conv_2a.channels_out(), same(64, 3, 3));
        let (mixed_3a, channels) = Mixed3a::new(build, conv_2b.channels_out());
        let (mixed_4a, channels) = Mixed4a::new(build, channels);
        let (mixed_5a, channels) = Mixed5a::new(build, channels);
        (
            Self {
                conv_1a,
                conv_2a,
                conv_2b,
                mixed_3a,
                mixed_4a,
                mixed_5a,
            },
            channels,
        )
    }

    /// The epsilon of its BatchNorms, which is the same for all.
    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.conv_1a.bn_epsilon()
    }

    pub(crate) fn forward(
        &self,
        x: Tensor<4>,
        shown: &mut impl FnMut(&str, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let x = shown("conv_1a", self.conv_1a.forward(x)); // 32 x 149 x 149
        let x = shown("conv_2a", self.conv_2a.forward(x)); // 32 x 147 x 147
        let x = shown("conv_2b", self.conv_2b.forward(x)); // 64 x 147 x 147
        let x = shown("mixed_3a", self.mixed_3a.forward(x)); // 160 x 73 x 73
        let x = shown("mixed_4a", self.mixed_4a.forward(x)); // 192 x 71 x 71
        shown("mixed_5a", self.mixed_5a.forward(x)) // 384 x 35 x 35
    }
}

/// First concatenation of the stem: a max pool next to a convolution, both with stride 2.
#[derive(Module, Debug)]
pub struct Mixed3a {
    conv: BasicConv2d,
}

impl Mixed3a {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let conv = build.conv(inputs, halve(96));
        let channels = inputs + conv.channels_out();
        (Self { conv }, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Tensor::cat(vec![max_pool(x.clone()), self.conv.forward(x)], 1)
    }
}

/// Second concatenation of the stem.
#[derive(Module, Debug)]
pub struct Mixed4a {
    branch0: Vec<BasicConv2d>,
    branch1: Vec<BasicConv2d>,
}

impl Mixed4a {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.chain(inputs, &[same(64, 1, 1), valid(96)]);
        let branch1 = build.chain(
            inputs,
            &[same(64, 1, 1), same(64, 1, 7), same(64, 7, 1), valid(96)],
        );
        let channels = width_of(&branch0) + width_of(&branch1);
        (Self { branch0, branch1 }, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Tensor::cat(
            vec![through(&self.branch0, x.clone()), through(&self.branch1, x)],
            1,
        )
    }
}

/// Third concatenation of the stem: a convolution next to a max pool, both with stride 2.
#[derive(Module, Debug)]
pub struct Mixed5a {
    conv: BasicConv2d,
}

impl Mixed5a {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let conv = build.conv(inputs, halve(192));
        let channels = inputs + conv.channels_out();
        (Self { conv }, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Tensor::cat(vec![self.conv.forward(x.clone()), max_pool(x)], 1)
    }
}

/// Inception-A (figure 4): 384 x 35 x 35 to the same.
#[derive(Module, Debug)]
pub struct InceptionA {
    branch0: BasicConv2d,
    branch1: Vec<BasicConv2d>,
    branch2: Vec<BasicConv2d>,
    branch3: (AvgPool2d, BasicConv2d),
}

impl InceptionA {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.conv(inputs, same(96, 1, 1));
        let branch1 = build.chain(inputs, &[same(64, 1, 1), same(96, 3, 3)]);
        let branch2 = build.chain(inputs, &[same(64, 1, 1), same(96, 3, 3), same(96, 3, 3)]);
        let branch3 = build.pool_conv(inputs, 96);
        let channels = branch0.channels_out()
            + width_of(&branch1)
            + width_of(&branch2)
            + branch3.1.channels_out();
        (
            Self {
                branch0,
                branch1,
                branch2,
                branch3,
            },
            channels,
        )
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

/// Inception-B (figure 5): 1024 x 17 x 17 to the same.
#[derive(Module, Debug)]
pub struct InceptionB {
    branch0: BasicConv2d,
    branch1: Vec<BasicConv2d>,
    branch2: Vec<BasicConv2d>,
    branch3: (AvgPool2d, BasicConv2d),
}

impl InceptionB {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.conv(inputs, same(384, 1, 1));
        let branch1 = build.chain(inputs, &[same(192, 1, 1), same(224, 1, 7), same(256, 7, 1)]);
        let branch2 = build.chain(
            inputs,
            &[
                same(192, 1, 1),
                same(192, 7, 1),
                same(224, 1, 7),
                same(224, 7, 1),
                same(256, 1, 7),
            ],
        );
        let branch3 = build.pool_conv(inputs, 128);
        let channels = branch0.channels_out()
            + width_of(&branch1)
            + width_of(&branch2)
            + branch3.1.channels_out();
        (
            Self {
                branch0,
                branch1,
                branch2,
                branch3,
            },
            channels,
        )
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

/// Reduction-B (figure 8): 1024 x 17 x 17 to 1536 x 8 x 8.
#[derive(Module, Debug)]
pub struct ReductionB {
    branch0: Vec<BasicConv2d>,
    branch1: Vec<BasicConv2d>,
}

impl ReductionB {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.chain(inputs, &[same(192, 1, 1), halve(192)]);
        let branch1 = build.chain(
            inputs,
            &[
                same(256, 1, 1),
                same(256, 1, 7),
                same(320, 7, 1),
                halve(320),
            ],
        );
        let channels = width_of(&branch0) + width_of(&branch1) + inputs;
        (Self { branch0, branch1 }, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            through(&self.branch0, x.clone()),
            through(&self.branch1, x.clone()),
            max_pool(x),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Inception-C (figure 6), whose two middle branches fork at their ends: 1536 x 8 x 8 to the same.
#[derive(Module, Debug)]
pub struct InceptionC {
    branch0: BasicConv2d,
    branch1_0: BasicConv2d,
    branch1_1a: BasicConv2d,
    branch1_1b: BasicConv2d,
    branch2_0: BasicConv2d,
    branch2_1: BasicConv2d,
    branch2_2: BasicConv2d,
    branch2_3a: BasicConv2d,
    branch2_3b: BasicConv2d,
    branch3: (AvgPool2d, BasicConv2d),
}

impl InceptionC {
    fn new(build: &mut Builder<'_>, inputs: usize) -> (Self, usize) {
        let branch0 = build.conv(inputs, same(256, 1, 1));

        let branch1_0 = build.conv(inputs, same(384, 1, 1));
        let branch1_1a = build.conv(branch1_0.channels_out(), same(256, 1, 3));
        let branch1_1b = build.conv(branch1_0.channels_out(), same(256, 3, 1));

        let branch2_0 = build.conv(inputs, same(384, 1, 1));
        let branch2_1 = build.conv(branch2_0.channels_out(), same(448, 3, 1));
        let branch2_2 = build.conv(branch2_1.channels_out(), same(512, 1, 3));
        let branch2_3a = build.conv(branch2_2.channels_out(), same(256, 1, 3));
        let branch2_3b = build.conv(branch2_2.channels_out(), same(256, 3, 1));

        let branch3 = build.pool_conv(inputs, 256);

        let ends = [
            &branch0,
            &branch1_1a,
            &branch1_1b,
            &branch2_3a,
            &branch2_3b,
            &branch3.1,
        ];
        let channels = ends.iter().map(|conv| conv.channels_out()).sum();
        let block = Self {
            branch0,
            branch1_0,
            branch1_1a,
            branch1_1b,
            branch2_0,
            branch2_1,
            branch2_2,
            branch2_3a,
            branch2_3b,
            branch3,
        };
        (block, channels)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let fork1 = self.branch1_0.forward(x.clone());
        let fork2 = self.branch2_0.forward(x.clone());
        let fork2 = self.branch2_2.forward(self.branch2_1.forward(fork2));
        let branches = vec![
            self.branch0.forward(x.clone()),
            self.branch1_1a.forward(fork1.clone()),
            self.branch1_1b.forward(fork1),
            self.branch2_3a.forward(fork2.clone()),
            self.branch2_3b.forward(fork2),
            pool_conv(&self.branch3, x),
        ];
        Tensor::cat(branches, 1)
    }
}
