//! Loads and stores of vectors through slices, for the kernels of this crate; with the dispatch on a
//! [`Level`](crate::Level), the only unsafe code. No arithmetic.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(crate) mod avx512;

/// Defines a function that runs a portable kernel, compiled for the vectors of each level. The kernel
/// must be `#[inline(always)]`, or it stays what it was.
macro_rules! at_each_level {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) = $kernel:path;) => {
        $(#[$doc])*
        #[cfg_attr(target_arch = "x86_64", allow(unsafe_code))]
        $vis fn $name(level: $crate::Level, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $kind),*) {
                $kernel($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
            fn avx512($($arg: $kind),*) {
                $kernel($($arg),*)
            }
            match level {
                // SAFETY: no constructor keeps a level that the processor lacks.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::Level::Avx512 => unsafe { avx512($($arg),*) },
                _ => $kernel($($arg),*),
            }
        }
    };
}
pub(crate) use at_each_level;
