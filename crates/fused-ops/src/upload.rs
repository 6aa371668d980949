//! Copies host memory to a device. For an NVIDIA GPU through LibTorch, the data is staged in pinned memory and copied on a
//! stream of its own, at the same time as the GPU computes (burn's own copy is not pinned and waits for all earlier work).
//! Everywhere else this is burn's copy.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Bytes with shape `shape`, on `device`. The copy is complete when this returns.
///
/// # Panics
/// The number of `values` does not match `shape`.
#[must_use]
pub fn bytes<const D: usize>(values: &[u8], shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    #[cfg(feature = "tch")]
    if let Some(tensor) = crate::libtorch::upload_ints(values.into(), shape, device) {
        return tensor;
    }
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, DType::U8))
}

/// Class indices, `[values.len()]`, in the device's integer format; otherwise as [`bytes`].
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

/// Numbers with shape `shape`; otherwise as [`bytes`].
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
