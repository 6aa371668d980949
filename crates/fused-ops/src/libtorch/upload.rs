//! Uploads to NVIDIA GPUs. What is elsewhere is burn's to upload.

use burn::backend::libtorch::{LibTorchDevice, TchTensor};
use burn::backend::{
    BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, LibTorch,
};
use burn::tensor::{Device, Int, Tensor};

use super::ffi::{self, Values};

/// On `device`, if that is a GPU of LibTorch's.
pub(crate) fn upload_ints<const D: usize>(
    values: Values<'_>,
    shape: [usize; D],
    device: &Device,
) -> Option<Tensor<D, Int>> {
    let uploaded = upload(values, &shape, device)?;
    let tensor: Tensor<D, Int> = Tensor::from_dispatch(DispatchTensor::from_backend(
        BackendTensor::<LibTorch>::Int(uploaded),
    ));
    Some(match device.is_autodiff() {
        true => tensor.autodiff(),
        false => tensor,
    })
}

/// As [`upload_ints`].
pub(crate) fn upload_floats<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    device: &Device,
) -> Option<Tensor<D>> {
    let uploaded = upload(values.into(), &shape, device)?;
    let tensor: Tensor<D> =
        Tensor::from_dispatch(DispatchTensor::from_backend(
            BackendTensor::<LibTorch>::Float(uploaded),
        ));
    Some(match device.is_autodiff() {
        true => tensor.autodiff(),
        false => tensor,
    })
}

fn upload(values: Values<'_>, shape: &[usize], device: &Device) -> Option<TchTensor> {
    let plain = device.clone().inner();
    let DispatchDevice::LibTorch(LibTorchDevice::Cuda(index)) = plain.as_dispatch() else {
        return None;
    };
    Some(TchTensor::new(ffi::upload(values, shape, *index)))
}
