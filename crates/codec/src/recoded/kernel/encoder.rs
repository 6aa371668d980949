//! The loops of the encoder and of its check: plain Rust, compiled once more for processors that count zeros and shift
//! by any number in one instruction (AVX2, BMI and LZCNT; Haswell, Zen and newer).
//!
//! No kernels of their own: both are the same source, so they cannot differ.

use super::super::layout::{Frame, MOST_LANES, Shape};
use super::super::symbols::{Coded, Origin, Symbols};
use super::super::tables::Tables;
use super::super::unit::UnitDecoder;
use super::super::{RecodeError, payload, rans, scan};
use crate::seek::header::Header;
use crate::seek::whole::Blocks;

macro_rules! compiled_twice {
    ($(#[$doc:meta])* $name:ident = $plain:path, ($($argument:ident: $type:ty),* $(,)?) -> $result:ty) => {
        $(#[$doc])*
        pub(in super::super) fn $name($($argument: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn newer($($argument: $type),*) -> $result {
                    $plain($($argument),*)
                }
                if is_newer() {
                    // SAFETY: this processor has the instructions.
                    return unsafe { newer($($argument),*) };
                }
            }
            $plain($($argument),*)
        }
    };
}

#[cfg(target_arch = "x86_64")]
fn is_newer() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

compiled_twice! {
    /// See [`Symbols::gather`].
    gather = Symbols::gather,
    (
        symbols: &mut Symbols,
        shape: &Shape,
        components: &[Blocks],
        origins: &[Origin; 3],
    ) -> Result<(), RecodeError>
}

compiled_twice! {
    /// See [`rans::encode`].
    encode = rans::encode,
    (
        tables: &Tables,
        phases: &[&[Coded]; 3],
        seeds: &[u8],
        words: &mut Vec<u16>,
    ) -> [u32; MOST_LANES]
}

compiled_twice! {
    /// See [`scan::write`].
    write_scan = scan::write,
    (
        header: &Header,
        frame: &Frame,
        components: &[Blocks],
        padding: u8,
    ) -> Result<Vec<u8>, RecodeError>
}

compiled_twice! {
    /// See [`payload::lay_out`].
    lay_out = payload::lay_out,
    (
        decoder: &mut UnitDecoder,
        shape: &Shape,
        origins: &[Origin; 3],
        components: &mut [Blocks],
    ) -> ()
}
