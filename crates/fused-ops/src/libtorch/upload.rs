//! Uploads to NVIDIA GPUs. burn uploads to all other devices.

use burn::backend::libtorch::{LibTorchDevice, TchTensor};
use burn::backend::{
    BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, LibTorch,
};
use burn::tensor::{Device, Int, Tensor};

use super::ffi::{self, Values};

/// The values on `device`, if it is a GPU of LibTorch's.
pub(crate) fn upload_ints<const D: usize>(
    values: Values<'_>,
    shape: [usize; D],
    device: &Device,
) -> Option<Tensor<D, Int>> {
    upload(values, &shape, device).map(|uploaded| ints(uploaded, device))
}

/// As [`upload_ints`].
pub(crate) fn upload_floats<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    device: &Device,
) -> Option<Tensor<D>> {
    upload(values.into(), &shape, device).map(|uploaded| floats(uploaded, device))
}

fn upload(values: Values<'_>, shape: &[usize], device: &Device) -> Option<TchTensor> {
    let plain = device.clone().inner();
    let DispatchDevice::LibTorch(LibTorchDevice::Cuda(index)) = plain.as_dispatch() else {
        return None;
    };
    Some(TchTensor::new(ffi::upload(values, shape, *index)))
}

/// The tensor there as a tensor of `device`, with autodiff if the device has it.
fn ints<const D: usize>(uploaded: TchTensor, device: &Device) -> Tensor<D, Int> {
    let uploaded = BackendTensor::<LibTorch>::Int(uploaded);
    let tensor = Tensor::<D, Int>::from_dispatch(DispatchTensor::from_backend(uploaded));
    match device.is_autodiff() {
        true => tensor.autodiff(),
        false => tensor,
    }
}

/// As [`ints`].
fn floats<const D: usize>(uploaded: TchTensor, device: &Device) -> Tensor<D> {
    let uploaded = BackendTensor::<LibTorch>::Float(uploaded);
    let tensor = Tensor::<D>::from_dispatch(DispatchTensor::from_backend(uploaded));
    match device.is_autodiff() {
        true => tensor.autodiff(),
        false => tensor,
    }
}

#[cfg(test)]
mod tests {
    //! Only the copy itself needs a GPU.

    use super::*;

    #[test]
    fn what_was_uploaded_is_what_burn_uploads() {
        let bytes: Vec<u8> = (0..2 * 4 * 5 * 3).map(|at| (at * 37 % 256) as u8).collect();
        let shares: Vec<f32> = (0..6).map(|at| at as f32 / 7.0).collect();
        for device in [Device::libtorch(), Device::libtorch().autodiff()] {
            let there = tch::Tensor::from_slice(&bytes).reshape([2, 4, 5, 3]);
            let ours: Tensor<4, Int> = ints(TchTensor::new(there), &device);
            let burns = crate::upload::bytes(&bytes, [2, 4, 5, 3], &device);
            assert_eq!(ours.device(), burns.device());
            assert_eq!(ours.dtype(), burns.dtype());
            let images = |of: Tensor<4, Int>| {
                let offset = Tensor::<4>::ones([1, 3, 1, 1], &device);
                (of.permute([0, 3, 1, 2]).float() - offset).into_data()
            };
            assert_eq!(images(ours), images(burns));

            let there = tch::Tensor::from_slice(&shares).reshape([2, 3]);
            let ours: Tensor<2> = floats(TchTensor::new(there), &device);
            let burns = crate::upload::floats(&shares, [2, 3], &device);
            assert_eq!(ours.device(), burns.device());
            assert_eq!((ours * 2.0).into_data(), (burns * 2.0).into_data());
        }
    }

    #[test]
    fn only_gpus_of_libtorch_are_uploaded_to() {
        for device in [
            Device::flex(),
            Device::libtorch(),
            Device::libtorch().autodiff(),
        ] {
            assert!(upload((&[1_u8, 2][..]).into(), &[2], &device).is_none());
        }
    }
}
