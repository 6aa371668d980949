//! Arithmetic on interleaved RGB that several operations share, at each instruction level. All levels give the same
//! bytes as the portable kernels in `scalar`. `ops` and `jitter` decide what to use it for.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod histogram;
mod scalar;

pub(crate) use histogram::{Histograms, count, extremes};
pub(crate) use scalar::blend;

use pixels::dispatch;

use crate::Level;

/// The new level for each level of a channel.
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

dispatch! {
    /// Sends each byte through the table of its channel.
    pub(crate) fn map(level: Level, pixels: &mut [u8], tables: &[Table; 3]) {
        Avx512Vbmi => avx512::map,
        Avx2Fma => avx2::map,
        _ => scalar::map,
    }
}

dispatch! {
    /// The sum of the luma of all pixels, each rounded (ITU-R 601 in Pillow's 16-bit fixed point).
    pub(crate) fn luma_sum(level: Level, pixels: &[u8]) -> u64 {
        Avx512Vbmi => avx512::luma_sum,
        Avx2Fma => avx2::luma_sum,
        _ => scalar::luma_sum,
    }
}

dispatch! {
    /// Blends each pixel with its luma as [`blend`] does.
    pub(crate) fn saturate(level: Level, pixels: &mut [u8], factor: f32) {
        Avx512Vbmi => avx512::saturate,
        Avx2Fma => avx2::saturate,
        _ => scalar::saturate,
    }
}

dispatch! {
    /// `ImageEnhance.Sharpness` of the middle one of three rows, except its outermost pixels. All rows, and the scratch
    /// space `sums`, have the same length of two pixels or more.
    pub(crate) fn sharpen_row(level: Level, rows: [&[u8]; 3], factor: f32, sums: &mut [u16], out: &mut [u8]) {
        Avx512Vbmi => avx512::sharpen_row,
        Avx2Fma => avx2::sharpen_row,
        _ => scalar::sharpen_row,
    }
}

dispatch! {
    /// Each channel into its own plane. Planes are a whole number of 64 bytes, enough for the pixels. The bytes behind
    /// the pixels have no meaning.
    pub(crate) fn split(level: Level, pixels: &[u8], planes: [&mut [u8]; 3]) {
        Avx512Vbmi => avx512::split,
        Avx2Fma => avx2::split,
        _ => scalar::split,
    }
}

dispatch! {
    /// Each pixel into a word: red, green, blue, 0 from its lowest byte on. There are as many words as
    /// pixels.
    pub(crate) fn spread(level: Level, pixels: &[u8], words: &mut [u32]) {
        Avx512Vbmi => avx512::spread,
        Avx2Fma => avx2::spread,
        _ => scalar::spread,
    }
}

#[cfg(test)]
mod tests;
