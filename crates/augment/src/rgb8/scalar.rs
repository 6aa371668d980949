//! The portable kernels. They define the result.

use super::Table;

pub(super) fn map(pixels: &mut [u8], [red, green, blue]: &[Table; 3]) {
    // Works on a word of eight bytes at a time: one load and one store for all, one table lookup for each.
    let (blocks, rest) = pixels.as_chunks_mut::<24>();
    for block in blocks {
        let [first, second, third] = block.as_chunks_mut::<8>().0 else {
            return;
        };
        look_up(first, [red, green, blue]);
        look_up(second, [blue, red, green]);
        look_up(third, [green, blue, red]);
    }
    let (rest, _) = rest.as_chunks_mut::<3>();
    for [r, g, b] in rest {
        *r = red[usize::from(*r)];
        *g = green[usize::from(*g)];
        *b = blue[usize::from(*b)];
    }
}

#[inline(always)]
fn look_up(bytes: &mut [u8; 8], [a, b, c]: [&Table; 3]) {
    let word = u64::from_le_bytes(*bytes);
    let at = |shift: u32| (word >> shift & 255) as usize;
    *bytes = [
        a[at(0)],
        b[at(8)],
        c[at(16)],
        a[at(24)],
        b[at(32)],
        c[at(40)],
        a[at(48)],
        b[at(56)],
    ];
}

pub(super) fn luma_sum(pixels: &[u8]) -> u64 {
    let (pixels, _) = pixels.as_chunks::<3>();
    pixels.iter().map(|&pixel| u64::from(luma(pixel))).sum()
}

pub(super) fn saturate(pixels: &mut [u8], factor: f32) {
    let (pixels, _) = pixels.as_chunks_mut::<3>();
    for pixel in pixels {
        let gray = luma(*pixel);
        *pixel = pixel.map(|level| blend(gray, level, factor));
    }
}

pub(super) fn sharpen_row(rows: [&[u8]; 3], factor: f32, sums: &mut [u16], out: &mut [u8]) {
    sum_columns(rows, sums);
    let inner = out.len() - 6;
    sharpen_from(0, inner, rows[1], factor, sums, out);
}

#[inline(always)]
pub(super) fn split(pixels: &[u8], planes: [&mut [u8]; 3]) {
    let (pixels, _) = pixels.as_chunks::<3>();
    let [red, green, blue] = planes;
    for (((&[r, g, b], red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
        (*red, *green, *blue) = (r, g, b);
    }
}

#[inline(always)]
pub(super) fn spread(pixels: &[u8], words: &mut [u32]) {
    let (pixels, _) = pixels.as_chunks::<3>();
    for (&[r, g, b], word) in pixels.iter().zip(words) {
        *word = u32::from_le_bytes([r, g, b, 0]);
    }
}

/// Sums of three bytes above one another.
#[inline(always)]
pub(super) fn sum_columns([above, here, below]: [&[u8]; 3], sums: &mut [u16]) {
    for (((sum, &a), &b), &c) in sums.iter_mut().zip(above).zip(here).zip(below) {
        *sum = u16::from(a) + u16::from(b) + u16::from(c);
    }
}

/// The inner bytes `begin..end` of a row, counted from the second pixel.
#[inline(always)]
pub(super) fn sharpen_from(
    begin: usize,
    end: usize,
    here: &[u8],
    factor: f32,
    sums: &[u16],
    out: &mut [u8],
) {
    for i in begin..end {
        let here = here[i + 3];
        let around = sums[i] + sums[i + 3] + sums[i + 6] + 4 * u16::from(here);
        out[i + 3] = blend(thirteenth(around) as u8, here, factor);
    }
}

/// `base` plus a share of its difference from `level`, truncated; the cast saturates. This is Pillow's `Image.blend`,
/// in single precision.
#[inline(always)]
pub(crate) fn blend(base: u8, level: u8, factor: f32) -> u8 {
    let difference = i16::from(level) - i16::from(base);
    (f32::from(base) + factor * f32::from(difference)) as u8
}

/// ITU-R 601 luma in Pillow's 16-bit fixed point, rounded.
#[inline(always)]
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

/// 2^18 divided by 13, and a little more.
pub(super) const THIRTEENTH: u16 = 20_165;

/// A 13th, rounded to nearest, of at most 13 * 255. No 13th lies halfway between integers, so Pillow's
/// single precision rounds the same way.
#[inline(always)]
fn thirteenth(sum: u16) -> u16 {
    // (2 sum + 13) / 26 is (sum + 6) / 13; the test divides.
    let product = u32::from(sum + 6) * u32::from(THIRTEENTH);
    ((product >> 16) as u16) >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_divides_by_thirteen() {
        for sum in 0..=13 * 255 {
            assert_eq!(thirteenth(sum), (2 * sum + 13) / 26);
        }
    }
}
