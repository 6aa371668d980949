//! Calls `kernels.cpp`. The only unsafe code of the crate.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use tch::Tensor;
use torch_sys::C_tensor;

use crate::{Format, Formats, Geometry};

unsafe extern "C" {
    fn fused_free(message: *mut c_char);
    fn fused_conv_bn_relu(
        input: *const C_tensor,
        weight: *const C_tensor,
        gamma: *const C_tensor,
        beta: *const C_tensor,
        stride: *const i64,
        padding: *const i64,
        epsilon: f64,
        formats: *const i8,
        results: *mut *mut C_tensor,
        kernel: *mut i64,
    ) -> *mut c_char;
    fn fused_conv_bn_relu_backward(
        output_gradient: *const C_tensor,
        input: *const C_tensor,
        weight: *const C_tensor,
        gamma: *const C_tensor,
        convolved: *const C_tensor,
        output: *const C_tensor,
        mean: *const C_tensor,
        inverse_std: *const C_tensor,
        reserve: *const C_tensor,
        kernel: i64,
        stride: *const i64,
        padding: *const i64,
        epsilon: f64,
        formats: *const i8,
        wanted: *const bool,
        results: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn fused_conv_bias_relu(
        input: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        stride: *const i64,
        padding: *const i64,
        result: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn fused_upload(
        values: *const c_void,
        bytes: usize,
        scalar_type: i8,
        shape: *const i64,
        rank: usize,
        gpu: i8,
        result: *mut *mut C_tensor,
    ) -> *mut c_char;
}

/// The results of a forward pass, and what its backward pass needs.
pub(super) struct Forward {
    pub(super) output: Tensor,
    pub(super) mean: Tensor,
    pub(super) variance: Tensor,
    /// In the format and layout of the convolution.
    pub(super) weight: Tensor,
    /// The input of batch normalisation and, after the ReLU, its result: the output, unless that has another format.
    pub(super) convolved: Tensor,
    pub(super) normalised: Tensor,
    pub(super) saved_mean: Tensor,
    pub(super) inverse_std: Tensor,
    /// cuDNN's own; empty elsewhere.
    pub(super) reserve: Tensor,
    /// Which kernel normalised. The backward pass must use the same one.
    pub(super) kernel: i64,
}

/// The inputs of a backward pass.
pub(super) struct Backward<'a> {
    pub(super) output_gradient: &'a Tensor,
    pub(super) input: &'a Tensor,
    pub(super) weight: &'a Tensor,
    pub(super) gamma: &'a Tensor,
    pub(super) convolved: &'a Tensor,
    pub(super) output: &'a Tensor,
    pub(super) mean: &'a Tensor,
    pub(super) inverse_std: &'a Tensor,
    pub(super) reserve: &'a Tensor,
    pub(super) kernel: i64,
    pub(super) geometry: Geometry,
    pub(super) epsilon: f64,
    pub(super) formats: Formats,
    /// Which gradients: of input, weight, gamma, beta.
    pub(super) wanted: [bool; 4],
}

/// Convolution, batch normalisation and ReLU.
pub(super) fn forward(
    input: &Tensor,
    weight: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    geometry: Geometry,
    epsilon: f64,
    formats: Formats,
) -> Forward {
    let mut results = [ptr::null_mut(); 9];
    let mut kernel = 0;
    // SAFETY: every pointer is to a live tensor, to two strides or paddings, to three formats, or to
    // room for as many results as the function writes; it keeps none of them.
    let message = unsafe {
        fused_conv_bn_relu(
            input.as_ptr(),
            weight.as_ptr(),
            gamma.as_ptr(),
            beta.as_ptr(),
            geometry.stride.map(|step| step as i64).as_ptr(),
            geometry.padding.map(|zeros| zeros as i64).as_ptr(),
            epsilon,
            scalar_types(formats).as_ptr(),
            results.as_mut_ptr(),
            &raw mut kernel,
        )
    };
    check(message);
    let [
        output,
        mean,
        variance,
        weight,
        convolved,
        normalised,
        saved_mean,
        inverse_std,
        reserve,
    ] = results.map(|pointer| {
        // SAFETY: without a message all results are set, each to a tensor of its own.
        unsafe { Tensor::from_ptr(pointer) }
    });
    Forward {
        output,
        mean,
        variance,
        weight,
        convolved,
        normalised,
        saved_mean,
        inverse_std,
        reserve,
        kernel,
    }
}

/// The gradients for those of input, weight, gamma and beta that are wanted.
pub(super) fn backward(of: &Backward<'_>) -> [Option<Tensor>; 4] {
    let mut results = [ptr::null_mut(); 4];
    // SAFETY: as in `forward`; `wanted` holds as many flags as there are results.
    let message = unsafe {
        fused_conv_bn_relu_backward(
            of.output_gradient.as_ptr(),
            of.input.as_ptr(),
            of.weight.as_ptr(),
            of.gamma.as_ptr(),
            of.convolved.as_ptr(),
            of.output.as_ptr(),
            of.mean.as_ptr(),
            of.inverse_std.as_ptr(),
            of.reserve.as_ptr(),
            of.kernel,
            of.geometry.stride.map(|step| step as i64).as_ptr(),
            of.geometry.padding.map(|zeros| zeros as i64).as_ptr(),
            of.epsilon,
            scalar_types(of.formats).as_ptr(),
            of.wanted.as_ptr(),
            results.as_mut_ptr(),
        )
    };
    check(message);
    results.map(|pointer| {
        // SAFETY: what is not null is a tensor of its own.
        (!pointer.is_null()).then(|| unsafe { Tensor::from_ptr(pointer) })
    })
}

/// Convolution with bias, and ReLU; no gradients.
pub(super) fn folded(input: &Tensor, weight: &Tensor, bias: &Tensor, geometry: Geometry) -> Tensor {
    let mut result = ptr::null_mut();
    // SAFETY: as in `forward`, with room for one result.
    let message = unsafe {
        fused_conv_bias_relu(
            input.as_ptr(),
            weight.as_ptr(),
            bias.as_ptr(),
            geometry.stride.map(|step| step as i64).as_ptr(),
            geometry.padding.map(|zeros| zeros as i64).as_ptr(),
            &raw mut result,
        )
    };
    check(message);
    // SAFETY: without a message the result is set, to a tensor of its own.
    unsafe { Tensor::from_ptr(result) }
}

/// Numbers to upload.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    U8(&'a [u8]),
    I64(&'a [i64]),
    F32(&'a [f32]),
}

impl<'a> From<&'a [u8]> for Values<'a> {
    fn from(values: &'a [u8]) -> Self {
        Self::U8(values)
    }
}

impl<'a> From<&'a [i64]> for Values<'a> {
    fn from(values: &'a [i64]) -> Self {
        Self::I64(values)
    }
}

impl<'a> From<&'a [f32]> for Values<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(values)
    }
}

/// A copy of `values` on that GPU, complete when this returns.
pub(super) fn upload(values: Values<'_>, shape: &[usize], gpu: usize) -> Tensor {
    let (start, bytes, scalar_type): (*const c_void, usize, i8) = match values {
        Values::U8(values) => (values.as_ptr().cast(), size_of_val(values), 0),
        Values::I64(values) => (values.as_ptr().cast(), size_of_val(values), 4),
        Values::F32(values) => (values.as_ptr().cast(), size_of_val(values), 6),
    };
    let shape: Vec<i64> = shape.iter().map(|side| *side as i64).collect();
    let mut result = ptr::null_mut();
    // SAFETY: `bytes` bytes can be read at `start`, and no more are: the function checks that the shape
    // takes as many. It keeps no pointer; there is room for its one result.
    let message = unsafe {
        fused_upload(
            start,
            bytes,
            scalar_type,
            shape.as_ptr(),
            shape.len(),
            gpu as i8,
            &raw mut result,
        )
    };
    check(message);
    // SAFETY: without a message the result is set, to a tensor of its own.
    unsafe { Tensor::from_ptr(result) }
}

/// Of convolution, normalisation and output, as `c10::ScalarType` numbers them.
fn scalar_types(formats: Formats) -> [i8; 3] {
    [formats.convolution, formats.normalisation, formats.output].map(|format| match format {
        Format::F16 => 5,
        Format::F32 => 6,
        Format::Bf16 => 15,
    })
}

/// burn's operations cannot return errors: if LibTorch refuses something (wrong shapes, no memory), this panics, as burn's
/// own backend does.
#[allow(clippy::panic)]
fn check(message: *mut c_char) {
    if message.is_null() {
        return;
    }
    // SAFETY: a message is a string that ends with 0 and lives until it is freed, which is here.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        fused_free(message);
        text
    };
    panic!("LibTorch: {text}");
}
