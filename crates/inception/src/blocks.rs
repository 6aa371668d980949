//! Blocks that several of the paper's networks share, and how blocks are combined. Each network's own blocks are in its
//! file.

use burn::module::Module;
use burn::nn::Dropout;
use burn::nn::pool::AvgPool2d;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use crate::init::{Builder, Spec, halve, same};
use crate::layers::{BasicConv2d, LinearConv2d};

/// Reduction-A (figure 7), used by all networks: 35 x 35 to 17 x 17; `n` + `m` channels more.
#[derive(Module, Debug)]
pub(crate) struct ReductionA {
    branch0: BasicConv2d,
    branch1: Vec<BasicConv2d>,
}

impl ReductionA {
    /// `[k, l, m, n]` are the figure's, from the paper's table 1.
    pub(crate) fn new(
        build: &mut Builder<'_>,
        inputs: usize,
        [k, l, m, n]: [usize; 4],
    ) -> (Self, usize) {
        let branch0 = build.conv(inputs, halve(n));
        let branch1 = build.chain(inputs, &[same(k, 1, 1), same(l, 3, 3), halve(m)]);
        let channels = branch0.channels_out() + width_of(&branch1) + inputs;
        (Self { branch0, branch1 }, channels)
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch0.forward(x.clone()),
            through(&self.branch1, x.clone()),
            max_pool(x),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Reduction-B of the residual networks (figures 12 and 18): 17 x 17 to 8 x 8.
#[derive(Module, Debug)]
pub(crate) struct ResidualReductionB {
    branch0: Vec<BasicConv2d>,
    branch1: Vec<BasicConv2d>,
    branch2: Vec<BasicConv2d>,
}

impl ResidualReductionB {
    /// `middle` is the width of the second branch's end, and of the third's middle; `long` is the width of the third's
    /// end.
    pub(crate) fn new(
        build: &mut Builder<'_>,
        inputs: usize,
        middle: usize,
        long: usize,
    ) -> (Self, usize) {
        let branch0 = build.chain(inputs, &[same(256, 1, 1), halve(384)]);
        let branch1 = build.chain(inputs, &[same(256, 1, 1), halve(middle)]);
        let branch2 = build.chain(inputs, &[same(256, 1, 1), same(middle, 3, 3), halve(long)]);
        let channels = width_of(&branch0) + width_of(&branch1) + width_of(&branch2) + inputs;
        let block = Self {
            branch0,
            branch1,
            branch2,
        };
        (block, channels)
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            through(&self.branch0, x.clone()),
            through(&self.branch1, x.clone()),
            through(&self.branch2, x.clone()),
            max_pool(x),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Inception-ResNet block (figures 10, 11, 13, 16, 17, 19): branches side by side, a linear 1 x 1
/// convolution with bias and without BatchNorm, scaled and added to the input, then ReLU. The shape
/// stays.
#[derive(Module, Debug)]
pub(crate) struct ResidualBlock {
    branch0: BasicConv2d,
    branch1: Vec<BasicConv2d>,
    /// Empty in blocks with two branches.
    branch2: Vec<BasicConv2d>,
    conv2d: LinearConv2d,
    scale: f64,
    activated: bool,
    drop_path: Dropout,
}

impl ResidualBlock {
    /// With the branches of a figure: one convolution, then one or two chains.
    pub(crate) fn new(
        build: &mut Builder<'_>,
        inputs: usize,
        scale: f64,
        branch0: Spec,
        chains: [&[Spec]; 2],
    ) -> Self {
        let branch0 = build.conv(inputs, branch0);
        let [branch1, branch2] = chains.map(|chain| build.chain(inputs, chain));
        let channels = branch0.channels_out() + width_of(&branch1) + width_of(&branch2);
        Self {
            branch0,
            branch1,
            branch2,
            conv2d: build.linear_conv(channels, inputs),
            scale,
            activated: true,
            drop_path: build.drop_path(),
        }
    }

    /// The same block, but its residual is not scaled and it has no ReLU at its end.
    pub(crate) fn last(self) -> Self {
        Self {
            scale: 1.0,
            activated: false,
            ..self
        }
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut branches = vec![
            self.branch0.forward(x.clone()),
            through(&self.branch1, x.clone()),
        ];
        if !self.branch2.is_empty() {
            branches.push(through(&self.branch2, x.clone()));
        }
        let residual = self.conv2d.forward(Tensor::cat(branches, 1));
        let sum = x + self.kept(residual.mul_scalar(self.scale));
        if self.activated { relu(sum) } else { sum }
    }

    /// Stochastic depth: in training, an image's whole residual is either dropped or scaled up so that its expected value
    /// stays the same (`DropPath` in MindCV and timm).
    fn kept(&self, residual: Tensor<4>) -> Tensor<4> {
        let device = residual.device();
        if self.drop_path.prob == 0.0 || !device.is_autodiff() {
            return residual;
        }
        let images = residual.dims()[0];
        residual
            * self
                .drop_path
                .forward(Tensor::ones([images, 1, 1, 1], &device))
    }
}

/// `count` residual blocks of the same shape.
pub(crate) fn repeat(count: usize, mut block: impl FnMut() -> ResidualBlock) -> Vec<ResidualBlock> {
    (0..count).map(|_| block()).collect()
}

/// A stack of `count` blocks, and the number of channels that leave the last one.
pub(crate) fn stack<B>(
    count: usize,
    channels_in: usize,
    mut block: impl FnMut(usize) -> (B, usize),
) -> (Vec<B>, usize) {
    let mut channels = channels_in;
    let blocks = (0..count)
        .map(|_| {
            let (made, channels_out) = block(channels);
            channels = channels_out;
            made
        })
        .collect();
    (blocks, channels)
}

pub(crate) fn through(chain: &[BasicConv2d], x: Tensor<4>) -> Tensor<4> {
    chain.iter().fold(x, |x, conv| conv.forward(x))
}

pub(crate) fn width_of(chain: &[BasicConv2d]) -> usize {
    chain.last().map_or(0, BasicConv2d::channels_out)
}

pub(crate) fn pool_conv((pool, conv): &(AvgPool2d, BasicConv2d), x: Tensor<4>) -> Tensor<4> {
    conv.forward(pool.forward(x))
}

/// 3 x 3 max pool, stride 2, no padding.
pub(crate) fn max_pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::{Architecture, NetworkConfig};

    fn config(drop_path_rate: f64) -> NetworkConfig {
        NetworkConfig {
            drop_path_rate,
            width: 0.1,
            ..NetworkConfig::of(Architecture::InceptionResNetV1)
        }
    }

    /// The third of three blocks, so that it has the whole rate.
    fn block(drop_path_rate: f64, device: &Device) -> ResidualBlock {
        let config = NetworkConfig {
            blocks: [1, 1, 1],
            ..config(drop_path_rate)
        };
        let mut build = Builder::new(&config, 1, device);
        build.drop_path();
        build.drop_path();
        let chain = [same(8, 1, 1), same(8, 3, 3)];
        ResidualBlock::new(&mut build, 8, 0.5, same(8, 1, 1), [&chain, &[]]).last()
    }

    fn images(device: &Device) -> Tensor<4> {
        let values = (0..60 * 8 * 9).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0);
        let data = TensorData::new(values.collect::<Vec<f32>>(), [60, 8, 3, 3]);
        Tensor::from_data(data, device)
    }

    fn values(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn training_leaves_whole_residuals_out_and_scales_the_others_up() {
        let device = Device::flex().autodiff();
        let x = images(&device);
        let whole = values(block(0.0, &device).forward(x.clone()) - x.clone());
        device.seed(7);
        let dropped = values(block(0.25, &device).forward(x.clone()) - x.clone());
        let mut kept = 0;
        for (whole, dropped) in whole.chunks(72).zip(dropped.chunks(72)) {
            let is_kept = dropped.iter().any(|value| value.abs() > 1e-6);
            kept += u32::from(is_kept);
            for (whole, dropped) in whole.iter().zip(dropped) {
                let expected = if is_kept { whole / 0.75 } else { 0.0 };
                assert!(
                    (dropped - expected).abs() < 1e-5,
                    "{dropped} is not {expected}"
                );
            }
        }
        // 45 of 60 are expected, with a deviation of 3.4.
        assert!((32..=58).contains(&kept), "{kept} of 60 kept");
        device.seed(7);
        let again = values(block(0.25, &device).forward(x.clone()) - x);
        assert!(again == dropped, "the device's seed decides");
    }

    #[test]
    fn validation_leaves_nothing_out() {
        let device = Device::flex();
        let x = images(&device);
        let forward = |rate| {
            values(
                block(rate, &device.clone().autodiff())
                    .valid()
                    .forward(x.clone()),
            )
        };
        assert!(forward(0.9) == forward(0.0));
    }

    #[test]
    fn depth_decides_how_often() {
        let device = Device::flex();
        let config = config(0.2);
        let mut build = Builder::new(&config, 1, &device);
        let rates: Vec<f64> = (0..20).map(|_| build.drop_path().prob).collect();
        for (index, rate) in rates.iter().enumerate() {
            assert!(
                (rate - 0.2 * index as f64 / 19.0).abs() < 1e-12,
                "{rates:?}"
            );
        }
    }
}
