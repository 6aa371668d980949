//! Lets the compiler use the vector registers that the processor has, without writing for any of them.

/// Runs `work` compiled for AVX2 where there is AVX2. What it calls must be `#[inline(always)]` to be
/// compiled so as well. Results are the same: integers, and single IEEE 754 operations, which are
/// neither contracted nor reordered.
#[inline]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(Work(work))
}

struct Work<F>(F);

impl<R, F: FnOnce() -> R> pulp::WithSimd for Work<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> R {
        (self.0)()
    }
}
