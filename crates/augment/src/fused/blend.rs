//! The vertical pass: rows of planes become a row of RGB pixels. Chooses the kernel; other files hold the kernels
//! themselves.

use pixels::dispatch;

use super::line::Strand;
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Level;

/// The inputs of an output row.
pub(super) enum Blend<'r> {
    /// Luma alone.
    Gray(Strand<'r>),
    /// Luma; Cb and Cr, which have equal weights.
    Ycc(Strand<'r>, [Strand<'r>; 2]),
    /// Red, green and blue, which have equal weights.
    Rgb([Strand<'r>; 3]),
}

impl Blend<'_> {
    /// Writes the row: three bytes for each pixel.
    pub(super) fn run(&self, level: Level, out: &mut [u8]) {
        blend(level, self, out);
    }
}

dispatch! {
    fn blend(level: Level, what: &Blend<'_>, out: &mut [u8]) {
        Avx512Vbmi => avx512::blend,
        Avx2Fma => avx2::blend,
        _ => scalar::blend,
    }
}

/// Calls the kernel for these inputs, compiled for the usual numbers of rows: two if the image is enlarged, up to four
/// if it is at most halved.
#[cfg(target_arch = "x86_64")]
macro_rules! for_each_count {
    ($what:expr, $lines:expr, $out:expr, $gray:ident, $ycc:ident, $rgb:ident) => {{
        use $crate::fused::line::{Few, Rows};
        match *$what {
            Blend::Gray(luma) => match luma.pairs() {
                1 => $gray(Few::<1>::new(luma, $lines), $out),
                2 => $gray(Few::<2>::new(luma, $lines), $out),
                _ => $gray(luma, $out),
            },
            Blend::Ycc(luma, chroma) => match (luma.pairs(), chroma[0].pairs()) {
                (1, 1) => {
                    let chroma = chroma.map(|strand| Few::<1>::new(strand, $lines));
                    $ycc(Few::<1>::new(luma, $lines), chroma, $out);
                }
                (2, 1) => {
                    let chroma = chroma.map(|strand| Few::<1>::new(strand, $lines));
                    $ycc(Few::<2>::new(luma, $lines), chroma, $out);
                }
                (2, 2) => {
                    let chroma = chroma.map(|strand| Few::<2>::new(strand, $lines));
                    $ycc(Few::<2>::new(luma, $lines), chroma, $out);
                }
                _ => $ycc(luma, chroma, $out),
            },
            Blend::Rgb(planes) => match planes[0].pairs() {
                1 => $rgb(planes.map(|strand| Few::<1>::new(strand, $lines)), $out),
                2 => $rgb(planes.map(|strand| Few::<2>::new(strand, $lines)), $out),
                _ => $rgb(planes, $out),
            },
        }
    }};
}
#[cfg(target_arch = "x86_64")]
pub(super) use for_each_count;
