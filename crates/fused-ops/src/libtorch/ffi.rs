//! Calls `kernels.cpp`. The only unsafe code of the crate.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::ptr;

use tch::Tensor;
use torch_sys::C_tensor;

use crate::Geometry;

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
        wanted: *const bool,
        results: *mut *mut C_tensor,
    ) -> *mut c_char;
}

/// The results of a forward pass and what its backward needs.
pub(super) struct Forward {
    pub(super) output: Tensor,
    pub(super) mean: Tensor,
    pub(super) variance: Tensor,
    pub(super) convolved: Tensor,
    pub(super) saved_mean: Tensor,
    pub(super) inverse_std: Tensor,
    /// cuDNN's own; empty elsewhere.
    pub(super) reserve: Tensor,
    /// Which kernel normalised: the backward must be the same one's.
    pub(super) kernel: i64,
}

/// What a backward pass takes.
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
) -> Forward {
    let mut results = [ptr::null_mut(); 7];
    let mut kernel = 0;
    // SAFETY: every pointer is to a live tensor, to two strides or paddings, or to room for as many
    // results as the function writes; it keeps none of them.
    let message = unsafe {
        fused_conv_bn_relu(
            input.as_ptr(),
            weight.as_ptr(),
            gamma.as_ptr(),
            beta.as_ptr(),
            geometry.stride.map(|step| step as i64).as_ptr(),
            geometry.padding.map(|zeros| zeros as i64).as_ptr(),
            epsilon,
            results.as_mut_ptr(),
            &raw mut kernel,
        )
    };
    check(message);
    let [
        output,
        mean,
        variance,
        convolved,
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
        convolved,
        saved_mean,
        inverse_std,
        reserve,
        kernel,
    }
}

/// The gradients of input, weight, gamma and beta, of those that are wanted.
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

/// burn's operations cannot fail: what LibTorch refuses (shapes that do not fit, memory that ran out)
/// panics, as in its own backend.
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
