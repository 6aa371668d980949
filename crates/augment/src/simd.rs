//! Loads and stores of vectors through slices, for the kernels of this crate. This is its only unsafe code except for
//! the code that [`pixels::dispatch!`] writes. It does no arithmetic.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx512;
