//! The operation on flex, burn's backend in Rust for the CPU: the tensors that it accepts, and its step in the autodiff
//! graph. The computation is in [`conv`] and [`norm`], in safe Rust over slices.
//!
//! Everything here takes and returns tensors with a pixel's channels adjacent in memory; other tensors are copied first.
//! For the backward pass only the convolution's output and the statistics are kept.

mod by_weight;
mod conv;
pub(crate) mod folded;
mod gather;
mod norm;
mod pixels;
mod tensor;
mod tile;
mod weights;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Tensor};

use crate::composed::bessel;
use crate::{ConvBnRelu, Geometry};
use conv::Kernel;
use norm::{Channels, Moments};

/// Whether `tensor` is one of flex's, in f32.
pub(crate) fn is_home_of(tensor: &Tensor<4>) -> bool {
    let device = tensor.device().inner();
    matches!(device.as_dispatch(), DispatchDevice::Flex(_)) && tensor.dtype() == DType::F32
}

/// As [`crate::conv_bn_relu`], for tensors on flex.
pub(crate) fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
) -> ConvBnRelu {
    let (output, mean, variance) = <Dispatch as FlexOps>::flex_conv_bn_relu(
        input.into_dispatch(),
        weight.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        geometry,
        epsilon,
    );
    ConvBnRelu {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::from_dispatch(variance),
    }
}

/// Backends with the operation.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// Output, mean and unbiased variance.
    fn flex_conv_bn_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        geometry: Geometry,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The results of a forward pass, and what its backward pass needs.
struct Forward {
    output: FlexTensor,
    mean: FlexTensor,
    variance: FlexTensor,
    convolved: FlexTensor,
    channels: Channels,
}

fn kernel_of(weight: &FlexTensor) -> Kernel<'_> {
    let [outputs, inputs, height, width] = tensor::dims(weight);
    Kernel {
        weight: tensor::values(weight),
        outputs,
        inputs,
        size: [height, width],
    }
}

fn forward(
    input: FlexTensor,
    weight: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    geometry: Geometry,
    epsilon: f64,
) -> Forward {
    let input = tensor::channels_last(input);
    let weight = weight.to_contiguous();
    let (kernel, pixels) = (kernel_of(&weight), tensor::pixels(&input));
    let count = kernel.outputs;
    let extent = conv::output_size(pixels.extent, kernel.size, geometry);
    let samples: usize = extent.iter().product();
    let mut convolved = vec![0.0; samples * count];
    let runs = conv::forward(&pixels, kernel, geometry, &mut convolved, |run| {
        Moments::of(run, count)
    });
    let (mean, variance) = norm::statistics(&runs, count);
    let unbiased = variance
        .iter()
        .map(|variance| (f64::from(*variance) * bessel(samples)) as f32)
        .collect();
    let (gamma, beta) = (gamma.to_contiguous(), beta.to_contiguous());
    let channels = Channels::new(
        mean.clone(),
        &variance,
        tensor::values(&gamma),
        tensor::values(&beta),
        epsilon,
    );
    let output = norm::normalised_relu(&convolved, &channels);
    Forward {
        output: tensor::of_pixels(output, extent, count),
        mean: tensor::of_values(mean, [count]),
        variance: tensor::of_values(unbiased, [count]),
        convolved: tensor::of_pixels(convolved, extent, count),
        channels,
    }
}

impl FlexOps for Flex {
    fn flex_conv_bn_relu(
        input: FlexTensor,
        weight: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        geometry: Geometry,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let forward = forward(input, weight, gamma, beta, geometry, epsilon);
        (forward.output, forward.mean, forward.variance)
    }
}

/// The operation as a step of the autodiff graph.
#[derive(Debug)]
struct Step;

/// What the backward pass needs from the forward pass. Inputs are identified by their nodes.
#[derive(Clone, Debug)]
struct Saved {
    input: NodeId,
    weight: NodeId,
    convolved: FlexTensor,
    channels: Channels,
    geometry: Geometry,
}

impl<C: CheckpointStrategy> FlexOps for Autodiff<Flex, C> {
    fn flex_conv_bn_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        geometry: Geometry,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let forward = forward(
            input.primitive().clone(),
            weight.primitive().clone(),
            gamma.primitive().clone(),
            beta.primitive().clone(),
            geometry,
            epsilon,
        );
        let prepared = Step
            .prepare::<C>([input.node(), weight.node(), gamma.node(), beta.node()])
            .compute_bound()
            .stateful();
        let output = match prepared {
            OpsKind::UnTracked(step) => step.finish(forward.output),
            OpsKind::Tracked(mut step) => {
                let saved = Saved {
                    input: step.checkpoint(&input),
                    weight: step.checkpoint(&weight),
                    convolved: forward.convolved,
                    channels: forward.channels,
                    geometry,
                };
                step.finish(saved, forward.output)
            }
        };
        (
            output,
            FloatTensor::<Self>::new(forward.mean),
            FloatTensor::<Self>::new(forward.variance),
        )
    }
}

impl Backward<Flex, 4> for Step {
    type State = Saved;

    fn backward(
        self,
        step: Ops<Saved, 4>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient: FlexTensor = gradients.consume::<Flex>(&step.node);
        let Saved {
            input,
            weight,
            mut convolved,
            channels,
            geometry,
        } = step.state;
        let input: FlexTensor = checkpointer.retrieve_node_output(input);
        let weight: FlexTensor = checkpointer.retrieve_node_output(weight);
        let [by_input, by_weight, by_gamma, by_beta] = step.parents;

        let gradient = tensor::channels_last(gradient);
        let passed = tensor::pixels(&gradient);
        let found = norm::by_channel(convolved.storage::<f32>(), &passed, &channels);
        let wanted = by_input.is_some() || by_weight.is_some();
        if wanted {
            norm::by_convolved(convolved.storage_mut::<f32>(), &passed, &channels, &found);
        }
        drop(gradient);
        let count = [found.gamma.len()];
        if let Some(parent) = by_gamma {
            gradients.register::<Flex>(parent.id, tensor::of_values(found.gamma, count));
        }
        if let Some(parent) = by_beta {
            gradients.register::<Flex>(parent.id, tensor::of_values(found.beta, count));
        }
        if !wanted {
            return;
        }
        let weight = weight.to_contiguous();
        let kernel = kernel_of(&weight);
        let gradient = tensor::pixels(&convolved);
        let input = tensor::channels_last(input);
        let input = tensor::pixels(&input);
        if let Some(parent) = by_weight {
            let found = by_weight::by_weight(&input, &gradient, geometry, kernel.size);
            let found = tensor::of_values(found, tensor::dims(&weight));
            gradients.register::<Flex>(parent.id, found);
        }
        if let Some(parent) = by_input {
            let mut found = vec![0.0; input.count() * input.channels];
            conv::by_input(&gradient, kernel, geometry, input.extent, &mut found);
            let found = tensor::of_pixels(found, input.extent, input.channels);
            gradients.register::<Flex>(parent.id, found);
        }
    }
}
