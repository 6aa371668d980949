//! RGB pixels to planes and back.

use std::io::Cursor;

use crate::{CodecError, Kind};

/// Whether every pixel's channels are equal.
pub(super) fn is_gray(rgb: &[u8]) -> bool {
    let pixels = rgb.as_chunks::<3>().0;
    pixels.iter().all(|[r, g, b]| r == g && g == b)
}

/// The first channel alone.
pub(super) fn gray(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>()
        .0
        .iter()
        .map(|pixel| pixel[0])
        .collect()
}

/// G, R - G and B - G, modulo 256. What the channels have in common is stored once.
pub(super) fn split(rgb: &[u8]) -> [Vec<u8>; 3] {
    let pixels = rgb.as_chunks::<3>().0.iter();
    [
        pixels.clone().map(|[_, g, _]| *g).collect(),
        pixels.clone().map(|[r, g, _]| r.wrapping_sub(*g)).collect(),
        pixels.map(|[_, g, b]| b.wrapping_sub(*g)).collect(),
    ]
}

/// Undoes [`split`] for a row.
pub(super) fn merge([g, r, b]: [&[u8]; 3], rgb: &mut [u8]) {
    let pixels = rgb.as_chunks_mut::<3>().0.iter_mut();
    for (((pixel, &g), &r), &b) in pixels.zip(g).zip(r).zip(b) {
        *pixel = [r.wrapping_add(g), g, b.wrapping_add(g)];
    }
}

/// JFIF's Y, Cb and Cr in 16-bit fixed point, as libjpeg's jccolor.c rounds them.
pub(super) fn to_ycc(rgb: &[u8]) -> [Vec<u8>; 3] {
    const HALF: i32 = 1 << 15;
    const CENTRE: i32 = (128 << 16) + HALF - 1;
    let weighed = |weights: [i32; 3], offset: i32| {
        let pixels = rgb.as_chunks::<3>().0.iter();
        let sums = pixels.map(|pixel| {
            let channels = weights.iter().zip(pixel);
            channels
                .map(|(weight, level)| weight * i32::from(*level))
                .sum::<i32>()
        });
        sums.map(|sum| ((sum + offset) >> 16) as u8).collect()
    };
    [
        weighed([19_595, 38_470, 7471], HALF),
        weighed([-11_059, -21_709, 32_768], CENTRE),
        weighed([32_768, -27_439, -5329], CENTRE),
    ]
}

/// The means of 2 x 2 samples. The last row and column are repeated for samples that would lie beyond them. Halves are
/// rounded down and up in turn, as libjpeg's jcsample.c does.
pub(super) fn halve(plane: &[u8], width: usize) -> Vec<u8> {
    let mut halved = Vec::with_capacity(plane.len().div_ceil(4) + width);
    let mut rows = plane.chunks_exact(width);
    while let Some(upper) = rows.next() {
        let lower = rows.next().unwrap_or(upper);
        let pairs = upper.chunks(2).zip(lower.chunks(2)).enumerate();
        halved.extend(pairs.map(|(i, (upper, lower))| {
            let both = |pair: &[u8]| pair.iter().map(|level| u32::from(*level)).sum::<u32>();
            let sum = match upper.len() {
                2 => both(upper) + both(lower),
                _ => 2 * (both(upper) + both(lower)),
            };
            ((sum + 1 + (i as u32 & 1)) >> 2) as u8
        }));
    }
    halved
}

/// A PNG file of pixels, gray if `channels` is 1, else RGB.
pub(super) fn png(
    pixels: &[u8],
    channels: usize,
    (width, height): (u32, u32),
) -> Result<Vec<u8>, CodecError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(Cursor::new(&mut file), width, height);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        _ => png::ColorType::Rgb,
    });
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(pixels));
    written.map_err(|error| CodecError::Decode {
        kind: Kind::Png,
        reason: error.to_string(),
    })?;
    Ok(file)
}
