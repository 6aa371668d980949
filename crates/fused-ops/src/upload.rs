//! Host memory to a device. To an NVIDIA GPU through LibTorch: staged in pinned memory and copied on
//! a stream of its own, so that a thread that feeds the device does it beside what computes there
//! (burn's own copy is unpinned, and waits for everything before it). Everywhere else burn's way.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Bytes of that shape, on `device`. The copy is complete when this returns.
///
/// # Panics
/// `values` are not as many as `shape` says.
#[must_use]
pub fn bytes<const D: usize>(values: &[u8], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    #[cfg(feature = "tch")]
    if let Some(tensor) = crate::libtorch::upload_ints(values.into(), shape, device) {
        return tensor;
    }
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, DType::U8))
}

/// Numbers of classes, `[values.len()]`, in the format in which the device counts; otherwise as
/// [`bytes`].
#[must_use]
pub fn indices(values: impl Iterator<Item = u32>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.map(i64::from).collect();
    let length = values.len();
    #[cfg(feature = "tch")]
    if let Some(tensor) = crate::libtorch::upload_ints(values.as_slice().into(), [length], device) {
        return tensor;
    }
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// Numbers of that shape; otherwise as [`bytes`].
///
/// # Panics
/// As [`bytes`].
#[must_use]
pub fn floats<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    #[cfg(feature = "tch")]
    if let Some(tensor) = crate::libtorch::upload_floats(values, shape, device) {
        return tensor;
    }
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}
