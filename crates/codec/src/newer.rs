//! Loops of encoders in plain Rust, compiled once more for processors that count zeros and shift by any number in one
//! instruction, with vectors of 256 bits (AVX2, BMI and LZCNT; Haswell, Zen and newer).
//!
//! No kernels of their own: both are the same source, so they cannot differ.

/// A function that calls `plain`, which must be `#[inline(always)]`, as compiled for this processor.
macro_rules! compiled_twice {
    ($(#[$doc:meta])* $vis:vis $name:ident = $plain:path, ($($argument:ident: $type:ty),* $(,)?) -> $result:ty) => {
        $(#[$doc])*
        $vis fn $name($($argument: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn newer($($argument: $type),*) -> $result {
                    $plain($($argument),*)
                }
                if crate::newer::is_newer() {
                    // SAFETY: this processor has the instructions.
                    return unsafe { newer($($argument),*) };
                }
            }
            $plain($($argument),*)
        }
    };
}
pub(crate) use compiled_twice;

/// Whether this processor has the instructions.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_newer() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}
