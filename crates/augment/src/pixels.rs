//! Arithmetic on interleaved RGB that several operations share, at each level of instructions, always
//! with the bytes of the portable kernels in `scalar`. What it is good for is decided in `ops` and `jitter`.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod histogram;
mod scalar;

pub(crate) use histogram::{Histograms, count, extremes};
pub(crate) use scalar::blend;

use crate::Level;

/// Where each level of a channel goes.
pub(crate) type Table = [u8; 256];

/// The identity.
pub(crate) const IDENTITY: Table = {
    let mut table = [0; 256];
    let mut level = 0;
    while level < 256 {
        table[level] = level as u8;
        level += 1;
    }
    table
};

/// Defines functions that run the kernel of that name at a level.
macro_rules! kernels {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),*) $(-> $out:ty)?;)*) => {$(
        $(#[$doc])*
        #[cfg_attr(target_arch = "x86_64", allow(unsafe_code))]
        pub(crate) fn $name(level: Level, $($arg: $kind),*) $(-> $out)? {
            match level {
                // SAFETY: no constructor keeps a level that the processor lacks.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2::$name($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512::$name($($arg),*) },
                _ => scalar::$name($($arg),*),
            }
        }
    )*};
}

kernels! {
    /// Sends each byte through the table of its channel.
    fn map(pixels: &mut [u8], tables: &[Table; 3]);
    /// The sum of the luma of all pixels, each rounded (ITU-R 601 in Pillow's 16-bit fixed point).
    fn luma_sum(pixels: &[u8]) -> u64;
    /// Blends each pixel with its luma as [`blend`] does.
    fn saturate(pixels: &mut [u8], factor: f32);
    /// `ImageEnhance.Sharpness` of the middle one of three rows, but for its outermost pixels. All are
    /// of one length, two pixels or more, as is `sums`, which is scratch.
    fn sharpen_row(rows: [&[u8]; 3], factor: f32, sums: &mut [u16], out: &mut [u8]);
    /// Each channel into a plane of its own. Planes are a whole number of 64 bytes, enough for the pixels;
    /// what follows the pixels there has no meaning.
    fn split(pixels: &[u8], planes: [&mut [u8]; 3]);
    /// Each pixel into a word: red, green, blue, 0 from its lowest byte on. There are as many words as
    /// pixels.
    fn spread(pixels: &[u8], words: &mut [u32]);
}

#[cfg(test)]
mod tests;
