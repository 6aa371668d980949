//! The operations on LibTorch, through burn's backend extensions: the tensors that they accept, and their step in the
//! autodiff graph. The kernels are in [`ffi`]. burn calls its LibTorch deprecated because its next version drops it;
//! our version is pinned.
#![allow(deprecated)]

mod ffi;
mod upload;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, LibTorch, backend_extension};
use burn::tensor::Tensor;

use crate::{ConvBnRelu, Formats, Geometry};

pub(crate) use upload::{upload_floats, upload_ints};

/// Whether `tensor` lies on a device of LibTorch.
pub(crate) fn is_home_of(tensor: &Tensor<4>) -> bool {
    matches!(
        tensor.device().inner().as_dispatch(),
        DispatchDevice::LibTorch(_)
    )
}

/// As [`crate::conv_bn_relu`], for tensors on LibTorch.
pub(crate) fn conv_bn_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    geometry: Geometry,
    epsilon: f64,
    formats: Formats,
) -> ConvBnRelu {
    let (output, mean, variance) = <Dispatch as FusedBackend>::conv_bn_relu(
        input.into_dispatch(),
        weight.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        geometry,
        epsilon,
        formats,
    );
    let output = Tensor::<4>::from_dispatch(output);
    let variance = Tensor::<1>::from_dispatch(variance);
    let [batch, _, height, width] = output.dims();
    ConvBnRelu {
        output,
        mean: Tensor::from_dispatch(mean),
        variance: match batch * height * width {
            1 => variance.zeros_like(), // the kernel divides by 0
            _ => variance,
        },
    }
}

/// As [`crate::conv_bias_relu`], for tensors on LibTorch without autodiff.
pub(crate) fn conv_bias_relu(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Geometry,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as FoldedBackend>::conv_bias_relu(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        geometry,
    ))
}

/// Backends with the operation of inference.
#[backend_extension(LibTorch)]
pub(crate) trait FoldedBackend: Backend {
    /// The output.
    fn conv_bias_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;
}

impl FoldedBackend for LibTorch {
    fn conv_bias_relu(
        input: TchTensor,
        weight: TchTensor,
        bias: TchTensor,
        geometry: Geometry,
    ) -> TchTensor {
        TchTensor::new(ffi::folded(
            &input.tensor,
            &weight.tensor,
            &bias.tensor,
            geometry,
        ))
    }
}

/// Backends with the operation of a training step.
#[backend_extension(LibTorch, Autodiff)]
pub(crate) trait FusedBackend: Backend {
    /// Output, mean and unbiased variance.
    fn conv_bn_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        geometry: Geometry,
        epsilon: f64,
        formats: Formats,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl FusedBackend for LibTorch {
    fn conv_bn_relu(
        input: TchTensor,
        weight: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        geometry: Geometry,
        epsilon: f64,
        formats: Formats,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let forward = ffi::forward(
            &input.tensor,
            &weight.tensor,
            &gamma.tensor,
            &beta.tensor,
            geometry,
            epsilon,
            formats,
        );
        (
            TchTensor::new(forward.output),
            TchTensor::new(forward.mean),
            TchTensor::new(forward.variance),
        )
    }
}

/// The operation as a step of the autodiff graph.
#[derive(Debug)]
struct Step;

/// What the backward pass needs from the forward pass. Inputs are identified by their nodes.
#[derive(Clone, Debug)]
struct Saved {
    input: NodeId,
    gamma: NodeId,
    /// In the format and layout of the convolution.
    weight: TchTensor,
    /// The input and the result of batch normalisation.
    convolved: TchTensor,
    output: TchTensor,
    mean: TchTensor,
    inverse_std: TchTensor,
    reserve: TchTensor,
    kernel: i64,
    geometry: Geometry,
    epsilon: f64,
    formats: Formats,
}

impl<C: CheckpointStrategy> FusedBackend for Autodiff<LibTorch, C> {
    fn conv_bn_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        geometry: Geometry,
        epsilon: f64,
        formats: Formats,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let forward = ffi::forward(
            &input.primitive().tensor,
            &weight.primitive().tensor,
            &gamma.primitive().tensor,
            &beta.primitive().tensor,
            geometry,
            epsilon,
            formats,
        );
        let output = TchTensor::new(forward.output);
        let prepared = Step
            .prepare::<C>([input.node(), weight.node(), gamma.node(), beta.node()])
            .compute_bound()
            .stateful();
        let output = match prepared {
            OpsKind::UnTracked(step) => step.finish(output),
            OpsKind::Tracked(mut step) => {
                let saved = Saved {
                    input: step.checkpoint(&input),
                    gamma: step.checkpoint(&gamma),
                    weight: TchTensor::new(forward.weight),
                    convolved: TchTensor::new(forward.convolved),
                    // Shared as burn shares tensors, so that it modifies neither in place.
                    output: match formats.normalised() == formats.output {
                        true => output.clone(),
                        false => TchTensor::new(forward.normalised),
                    },
                    mean: TchTensor::new(forward.saved_mean),
                    inverse_std: TchTensor::new(forward.inverse_std),
                    reserve: TchTensor::new(forward.reserve),
                    kernel: forward.kernel,
                    geometry,
                    epsilon,
                    formats,
                };
                step.finish(saved, output)
            }
        };
        (
            output,
            FloatTensor::<Self>::new(TchTensor::new(forward.mean)),
            FloatTensor::<Self>::new(TchTensor::new(forward.variance)),
        )
    }
}

impl Backward<LibTorch, 4> for Step {
    type State = Saved;

    fn backward(
        self,
        step: Ops<Saved, 4>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let output_gradient: TchTensor = gradients.consume::<LibTorch>(&step.node);
        let saved = step.state;
        let input: TchTensor = checkpointer.retrieve_node_output(saved.input);
        let gamma: TchTensor = checkpointer.retrieve_node_output(saved.gamma);
        let found = ffi::backward(&ffi::Backward {
            output_gradient: &output_gradient.tensor,
            input: &input.tensor,
            weight: &saved.weight.tensor,
            gamma: &gamma.tensor,
            convolved: &saved.convolved.tensor,
            output: &saved.output.tensor,
            mean: &saved.mean.tensor,
            inverse_std: &saved.inverse_std.tensor,
            reserve: &saved.reserve.tensor,
            kernel: saved.kernel,
            geometry: saved.geometry,
            epsilon: saved.epsilon,
            formats: saved.formats,
            wanted: step.parents.each_ref().map(Option::is_some),
        });
        for (parent, gradient) in step.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<LibTorch>(parent.id, TchTensor::new(gradient));
            }
        }
    }
}
