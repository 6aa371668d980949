//! Loads and stores of vectors through slices, for the kernels of this crate: its only unsafe code except for what
//! [`pixels::dispatch!`] writes. No arithmetic.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx512;
