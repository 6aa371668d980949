//! Creates layers with their initial weights. `layers` defines what they compute.

use burn::module::Param;
use burn::nn::conv::Conv2dConfig;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::NetworkConfig;
use crate::layers::{BasicConv2d, BatchNorm, Linear, LinearConv2d};

/// How the weights of convolutions are drawn. BatchNorm starts with gamma 1 and beta 0; the
/// classifier starts as in MindSpore's `nn.Dense` (weight and bias uniform within 1 / sqrt(inputs)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// Uniform within sqrt(6 / (fan in + fan out)): MindCV's.
    #[default]
    XavierUniform,
    /// Normal of variance 2.6 / fan in, truncated at two deviations, as in the authors' TF-slim code
    /// (`variance_scaling_initializer`; the paper does not say).
    TruncatedNormal,
}

/// A convolution as given in the paper's figures: channels at width 1, kernel, and border.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    channels: usize,
    kernel: [usize; 2],
    border: Border,
}

#[derive(Clone, Copy, Debug)]
enum Border {
    /// Zero padding that keeps the size.
    Same,
    /// No padding: the figures' "V".
    Valid,
    /// No padding, stride 2.
    Halve,
}

/// `height` x `width` convolution, zero padded so that the size stays.
pub(crate) const fn same(channels: usize, height: usize, width: usize) -> Spec {
    Spec {
        channels,
        kernel: [height, width],
        border: Border::Same,
    }
}

/// 3 x 3 convolution without padding ("V" in the figures).
pub(crate) const fn valid(channels: usize) -> Spec {
    Spec {
        channels,
        kernel: [3, 3],
        border: Border::Valid,
    }
}

/// 3 x 3 convolution without padding, stride 2.
pub(crate) const fn halve(channels: usize) -> Spec {
    Spec {
        channels,
        kernel: [3, 3],
        border: Border::Halve,
    }
}

/// Builds layers in network order; the k-th weight tensor draws from the k-th stream of the seed.
pub(crate) struct Builder<'a> {
    pub(crate) config: &'a NetworkConfig,
    device: &'a Device,
    seed: u64,
    stream: u64,
    /// Residual blocks created so far.
    residual_blocks: usize,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(config: &'a NetworkConfig, seed: u64, device: &'a Device) -> Self {
        Self {
            config,
            device,
            seed,
            stream: 0,
            residual_blocks: 0,
        }
    }

    /// Stochastic depth of the next residual block: from 0 to the configured rate in equal steps.
    pub(crate) fn drop_path(&mut self) -> Dropout {
        let last = self.config.blocks.iter().sum::<usize>().saturating_sub(1);
        let depth = self.residual_blocks as f64 / last.max(1) as f64;
        self.residual_blocks += 1;
        DropoutConfig::new(self.config.drop_path_rate * depth.min(1.0)).init()
    }

    /// Convolution (Xavier uniform, without bias), BatchNorm (gamma 1, beta 0) and ReLU.
    pub(crate) fn conv(&mut self, channels_in: usize, spec: Spec) -> BasicConv2d {
        let channels_out = self.scaled(spec.channels);
        let [height, width] = spec.kernel;
        let (padding, stride) = match spec.border {
            Border::Same => {
                let (y, x) = (height / 2, width / 2);
                (PaddingConfig2d::Explicit(y, x, y, x), 1)
            }
            Border::Valid => (PaddingConfig2d::Valid, 1),
            Border::Halve => (PaddingConfig2d::Valid, 2),
        };
        let mut conv = Conv2dConfig::new([channels_in, channels_out], spec.kernel)
            .with_stride([stride, stride])
            .with_padding(padding)
            .with_bias(false)
            .init(self.device);
        conv.weight = self.kernel([channels_out, channels_in, height, width]);
        let bn = BatchNorm::new(
            channels_out,
            self.config.bn_momentum,
            self.config.bn_eps,
            self.device,
        );
        BasicConv2d::new(conv, bn, self.config.precision)
    }

    /// Convolutions in a row.
    pub(crate) fn chain(&mut self, channels_in: usize, specs: &[Spec]) -> Vec<BasicConv2d> {
        let mut channels = channels_in;
        specs
            .iter()
            .map(|&spec| {
                let conv = self.conv(channels, spec);
                channels = conv.channels_out();
                conv
            })
            .collect()
    }

    /// 3 x 3 average pool that keeps the size, then a 1 x 1 convolution. The mean is taken only over the pixels inside
    /// the image: the border is not counted.
    pub(crate) fn pool_conv(
        &mut self,
        channels_in: usize,
        channels: usize,
    ) -> (AvgPool2d, BasicConv2d) {
        let pool = AvgPool2dConfig::new([3, 3])
            .with_strides([1, 1])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_count_include_pad(false)
            .init();
        (pool, self.conv(channels_in, same(channels, 1, 1)))
    }

    /// The classifier, with the defaults of MindSpore's `nn.Dense` (2.0 and later; torch's `Linear`
    /// has the same): weight `HeUniform(sqrt(5))`, whose bound works out as 1 / sqrt(inputs), and
    /// bias uniform within the same bound.
    pub(crate) fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        let bound = 1.0 / (inputs as f64).sqrt();
        let weight = self.uniform([outputs, inputs], bound);
        let bias = self.uniform([outputs], bound);
        Linear::new(weight, bias, self.config.precision)
    }

    /// 1 x 1 convolution with bias (initially 0), without BatchNorm or ReLU; its width is exact.
    pub(crate) fn linear_conv(&mut self, channels_in: usize, channels_out: usize) -> LinearConv2d {
        let weight = self.kernel([channels_out, channels_in, 1, 1]);
        let bias = Param::from_tensor(Tensor::zeros([channels_out], self.device));
        LinearConv2d::new(weight, bias, self.config.precision)
    }

    fn kernel(&mut self, shape: [usize; 4]) -> Param<Tensor<4>> {
        let [channels_out, channels_in, height, width] = shape;
        let (fan_in, fan_out) = (channels_in * height * width, channels_out * height * width);
        match self.config.init {
            Initialisation::XavierUniform => {
                self.uniform(shape, (6.0 / (fan_in + fan_out) as f64).sqrt())
            }
            Initialisation::TruncatedNormal => {
                self.truncated_normal(shape, (1.3 * 2.0 / fan_in as f64).sqrt())
            }
        }
    }

    /// Channels at this network's width: the nearest multiple of 8, at least 8.
    fn scaled(&self, channels: usize) -> usize {
        let eighths = (channels as f64 * self.config.width / 8.0).round();
        8 * (eighths as usize).max(1)
    }

    /// Uniform in (-bound, bound), by 24-bit steps.
    fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        self.draw(shape, |rng| (2.0 * unit(rng) - 1.0) * bound)
    }

    /// Normal of mean 0 and deviation `sigma`, redrawn beyond two sigma (which gives a
    /// deviation of 0.8796 sigma). Marsaglia's polar method, which needs only `ln` and `sqrt`.
    fn truncated_normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        sigma: f64,
    ) -> Param<Tensor<D>> {
        self.draw(shape, |rng| {
            loop {
                let (u, v) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
                let square = u * u + v * v;
                if square >= 1.0 || square == 0.0 {
                    continue;
                }
                let normal = u * (-2.0 * libm::log(square) / square).sqrt();
                if normal.abs() <= 2.0 {
                    return normal * sigma;
                }
            }
        })
    }

    /// A tensor of independent draws from the next stream.
    fn draw<const D: usize>(
        &mut self,
        shape: [usize; D],
        mut value: impl FnMut(&mut ChaCha8Rng) -> f64,
    ) -> Param<Tensor<D>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.stream);
        self.stream += 1;
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| value(&mut rng) as f32)
            .collect();
        Param::from_data(TensorData::new(values, shape), self.device)
    }
}

/// Uniform in (0, 1), by 24-bit steps.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (f64::from(rng.next_u32() >> 8) + 0.5) / f64::from(1 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(config: &NetworkConfig) -> usize {
        Builder::new(config, 0, &Device::flex()).scaled(96)
    }

    #[test]
    fn width_scales_to_multiples_of_eight() {
        let at = |width| {
            builder(&NetworkConfig {
                width,
                ..Default::default()
            })
        };
        assert_eq!(
            [at(1.0), at(0.5), at(0.25), at(0.1), at(0.001), at(2.0)],
            [96, 48, 24, 8, 8, 192]
        );
    }
}
