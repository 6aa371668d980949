//! The layers that the networks are built from. They know nothing about a network.
//!
//! In training they compute in the formats of a [`Precision`]. Otherwise they compute in the format of their weights and
//! return the input's format.
//!
//! `BatchNorm` and `Linear` are ours instead of burn's because of their state. Running variances are unbiased, as in
//! torch and MindSpore (burn 0.22 keeps the biased one). Running statistics are current as soon as `forward` returns
//! (a visitor sees burn's one batch late, so a checkpoint would miss the last step). The classifier's weight is stored
//! as `[outputs, inputs]`, so every tensor of the network has timm's name and timm's shape.

use burn::module::{Flag, Module, Param, RunningState};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm, conv2d, linear};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, FloatDType, Tensor};
use fused_ops::{Format, Geometry, conv_bias_relu, conv_bn_relu};

use crate::Precision;

/// Convolution without bias, batch normalisation, ReLU: the box of the paper's figures.
#[derive(Module, Debug)]
pub struct BasicConv2d {
    conv: Conv2d,
    bn: BatchNorm,
    #[module(skip)]
    precision: Precision,
}

impl BasicConv2d {
    pub(crate) fn new(conv: Conv2d, bn: BatchNorm, precision: Precision) -> Self {
        Self {
            conv,
            bn,
            precision,
        }
    }

    /// `[batch, channels in, height, width]` to `[batch, channels out, height', width']`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let (weight, geometry) = (self.conv.weight.val(), geometry(&self.conv));
        if self.bn.folded.is_enabled() {
            return conv_bias_relu(input, weight, self.bn.bias.val(), geometry);
        }
        if !self.bn.observes(&input) {
            let given: FloatDType = input.dtype().into();
            let convolved = self.conv.forward(input.cast(weight.dtype()));
            return relu(self.bn.normalise(convolved)).cast(given);
        }
        let step = conv_bn_relu(
            input,
            weight,
            self.bn.weight.val(),
            self.bn.bias.val(),
            geometry,
            self.bn.epsilon,
            self.precision.conv_bn(),
        );
        self.bn.observe(step.mean, step.variance);
        step.output
    }

    pub(crate) fn bn_epsilon(&self) -> f64 {
        self.bn.epsilon
    }

    /// The number of output channels.
    pub fn channels_out(&self) -> usize {
        self.bn.weight.dims()[0]
    }
}

fn geometry(conv: &Conv2d) -> Geometry {
    let padding = match conv.padding {
        PaddingConfig2d::Valid => [0, 0],
        PaddingConfig2d::Explicit(top, left, ..) => [top, left],
        PaddingConfig2d::Same => conv.kernel_size.map(|kernel| kernel / 2),
    };
    Geometry {
        stride: conv.stride,
        padding,
    }
}

/// Batch normalisation over the channels of an NCHW tensor: its state, and its use in validation.
///
/// In training (a tensor on an autodiff device, the layer not frozen), normalises by the batch's mean and biased
/// variance, together with the convolution before it. It then moves the running statistics towards the batch's mean and
/// *unbiased* variance by `momentum`. Otherwise it normalises by the running statistics.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Gamma, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Beta, `[channels]`.
    pub bias: Param<Tensor<1>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    training: Param<Flag>,
    /// Whether the convolution's weight already includes the scaling, so that only `bias` remains to be added.
    folded: Param<Flag>,
    momentum: f64,
    epsilon: f64,
}

impl BatchNorm {
    /// Gamma 1, beta 0, running mean 0, running variance 1. `momentum` is the weight of the newest
    /// batch (torch's sense).
    pub(crate) fn new(channels: usize, momentum: f64, epsilon: f64, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            training: Param::from_bool(true),
            folded: Param::from_bool(false),
            momentum,
            epsilon,
        }
    }

    /// Whether this is training: the batch is normalised by its own statistics, which update the running ones.
    fn observes(&self, input: &Tensor<4>) -> bool {
        input.device().is_autodiff() && self.training.is_enabled()
    }

    /// Normalises `[batch, channels, height, width]` by the running statistics.
    fn normalise(&self, input: Tensor<4>) -> Tensor<4> {
        let device = input.device();
        batch_norm(
            input,
            self.weight.val(),
            self.bias.val(),
            self.running_mean.value_sync().to_device(&device),
            self.running_var.value_sync().to_device(&device),
            self.epsilon,
        )
    }

    /// Moves the running statistics towards a batch's mean and unbiased variance.
    fn observe(&self, mean: Tensor<1>, variance: Tensor<1>) {
        self.blend(&self.running_mean, mean);
        self.blend(&self.running_var, variance);
    }

    fn blend(&self, running: &RunningState<Tensor<1>>, batch: Tensor<1>) {
        let kept = running
            .value_sync()
            .to_device(&batch.device())
            .mul_scalar(1.0 - self.momentum);
        running.update((kept + batch.mul_scalar(self.momentum)).detach());
        running.value_sync(); // publishes the update: visitors read what was published
    }
}

/// 1 x 1 convolution with bias, without BatchNorm or ReLU: the last layer of a residual block.
#[derive(Module, Debug)]
pub struct LinearConv2d {
    /// `[channels out, channels in, 1, 1]`.
    pub weight: Param<Tensor<4>>,
    /// `[channels out]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    precision: Precision,
}

impl LinearConv2d {
    pub(crate) fn new(
        weight: Param<Tensor<4>>,
        bias: Param<Tensor<1>>,
        precision: Precision,
    ) -> Self {
        Self {
            weight,
            bias,
            precision,
        }
    }

    /// `[batch, channels in, height, width]` to `[batch, channels out, height, width]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let given: FloatDType = input.dtype().into();
        let weight = self.weight.val();
        let format = computed_in(self.precision.convolution, &input, &weight);
        conv2d(
            input.cast(format),
            weight.cast(format),
            Some(self.bias.val().cast(format)),
            ConvOptions::new([1, 1], [0, 0], [1, 1], 1),
        )
        .cast(given)
    }
}

/// The classifier: `y = x weight^T + bias`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[outputs, inputs]`, as torch stores it.
    pub weight: Param<Tensor<2>>,
    /// `[outputs]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    precision: Precision,
}

impl Linear {
    pub(crate) fn new(
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
        precision: Precision,
    ) -> Self {
        Self {
            weight,
            bias,
            precision,
        }
    }

    /// `[batch, inputs]` to `[batch, outputs]`, which are always f32.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.val();
        let format = computed_in(self.precision.classifier, &input, &weight);
        let bias = self.bias.val().cast(format);
        linear(
            input.cast(format),
            weight.cast(format).transpose(),
            Some(bias),
        )
        .cast(FloatDType::F32)
    }
}

/// The format of a layer without BatchNorm: its precision's in training, otherwise its weight's.
fn computed_in<const D: usize>(
    training: Format,
    input: &Tensor<D>,
    weight: &Tensor<D>,
) -> FloatDType {
    match input.device().is_autodiff() {
        true => training.dtype(),
        false => weight.dtype().into(),
    }
}
