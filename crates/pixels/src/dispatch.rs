//! The one macro that chooses a kernel by a [`Level`](crate::Level).

/// Defines a function that runs the first kernel whose [`Instructions`](crate::Instructions) its level has,
/// or the last, which needs none.
///
/// Each kernel is called from a function that is compiled for the set's instructions. So the compiler
/// refuses a kernel that needs others, and a portable kernel that is `#[inline(always)]` can be named for
/// several sets and is compiled for each. Off x86-64 the last kernel is all there is.
///
/// The call needs `#[allow(unsafe_code)]` in crates that deny it; the macro brings it along.
///
/// ```
/// use imshard_pixels::{Level, dispatch};
///
/// #[inline(always)]
/// fn portable(bytes: &[u8]) -> u64 {
///     bytes.iter().map(|&byte| u64::from(byte)).sum()
/// }
///
/// dispatch! {
///     /// The sum of all bytes.
///     fn sum(level: Level, bytes: &[u8]) -> u64 {
///         Avx512Vbmi => portable,
///         Avx2 => portable,
///         _ => portable,
///     }
/// }
///
/// for &level in Level::available() {
///     assert_eq!(sum(level, &[1, 2, 255]), 258);
/// }
/// ```
#[macro_export]
macro_rules! dispatch {
    (
        $(#[$meta:meta])* $vis:vis fn $name:ident $arguments:tt -> $result:ty {
            $($set:ident => $kernel:path,)+ _ => $portable:path $(,)?
        }
    ) => {
        $crate::dispatch! {
            @function [$(#[$meta])* $vis fn $name] $arguments $arguments [$result] [$portable] $([$set $kernel])+
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident $arguments:tt { $($arms:tt)+ }) => {
        $crate::dispatch! { $(#[$meta])* $vis fn $name $arguments -> () { $($arms)+ } }
    };
    (
        @function [$($head:tt)*] ($level:ident: $of:ty, $($argument:ident: $type:ty),* $(,)?) $arguments:tt
            [$result:ty] [$portable:path] $([$set:ident $kernel:path])+
    ) => {
        #[inline]
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $($head)*($level: $of, $($argument: $type),*) -> $result {
            $($crate::dispatch! { @arm $set $kernel, $arguments, $result })+
            let _ = $level;
            $portable($($argument),*)
        }
    };
    (@arm Avx2 $($rest:tt)*) => {
        $crate::dispatch! { @call "avx2" Avx2 $($rest)* }
    };
    (@arm Avx2Fma $($rest:tt)*) => {
        $crate::dispatch! { @call "avx2,fma" Avx2Fma $($rest)* }
    };
    (@arm Avx2Bmi $($rest:tt)*) => {
        $crate::dispatch! { @call "avx2,bmi1,bmi2,lzcnt,popcnt" Avx2Bmi $($rest)* }
    };
    (@arm Avx512 $($rest:tt)*) => {
        $crate::dispatch! { @call "avx512f,avx512bw,avx512vl" Avx512 $($rest)* }
    };
    (@arm Avx512Vnni $($rest:tt)*) => {
        $crate::dispatch! { @call "avx512f,avx512bw,avx512vl,avx512vnni" Avx512Vnni $($rest)* }
    };
    (@arm Avx512Vbmi $($rest:tt)*) => {
        $crate::dispatch! { @call "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi" Avx512Vbmi $($rest)* }
    };
    (
        @call $features:literal $set:ident $kernel:path,
            ($level:ident: $of:ty, $($argument:ident: $type:ty),* $(,)?), $result:ty
    ) => {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = $features)]
            fn compiled($($argument: $type),*) -> $result {
                $kernel($($argument),*)
            }
            if $level.has($crate::Instructions::$set) {
                // SAFETY: the processor has these instructions, or the level would not have the set. The
                // function needs nothing else: it is safe except for them.
                return unsafe { compiled($($argument),*) };
            }
        }
    };
}
