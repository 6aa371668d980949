//! Images and files that the tests of this crate share.
#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its own share

use imshard_codec::{Decoder, EncodeOptions, Encoding, JpegColor, Region};

/// Pixels of `channels` bytes with smooth colour, hard edges and noise, so that every coefficient
/// and every neighbour matters.
pub(crate) fn picture(width: u32, height: u32, channels: u32, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = 90.0
                    * f64::from(x + 3 * y * (c + 1))
                        .mul_add(0.07, f64::from(seed % 7))
                        .sin();
                let edge = if (x / 11 + y / 7 + c) % 2 == 0 {
                    40.0
                } else {
                    -40.0
                };
                pixels.push((128.0 + wave + edge + f64::from(state >> 27)).clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

/// A JPEG of [`picture`].
pub(crate) fn jpeg(options: &EncodeOptions, width: u32, height: u32, seed: u32) -> Vec<u8> {
    let channels = match options.color {
        JpegColor::Cmyk | JpegColor::Ycck => 4,
        JpegColor::YCbCr | JpegColor::Gray | JpegColor::Rgb => 3,
    };
    options
        .encode(&picture(width, height, channels, seed), width, height)
        .unwrap()
}

/// All pixels of a file, rows without padding, and the warning.
pub(crate) fn decode(file: &[u8]) -> ((u32, u32), Vec<u8>, Option<String>) {
    let mut decoder = Decoder::new().unwrap();
    let decoded = decoder.decode(Encoding::Source, file, None).unwrap();
    assert_eq!(
        decoded.region,
        Region::whole(decoded.image.0, decoded.image.1)
    );
    assert_eq!(decoded.stride, decoded.image.0 as usize * 3);
    (decoded.image, decoded.pixels.to_vec(), decoded.warning)
}

/// The pixels of `window`, out of pixels that cover `covered`.
pub(crate) fn cut(pixels: &[u8], stride: usize, covered: Region, window: Region) -> Vec<u8> {
    assert!(window.is_inside(&covered), "{window} in {covered}");
    let left = (window.x - covered.x) as usize * 3;
    let rows = (window.y - covered.y) as usize..(window.y - covered.y + window.height) as usize;
    rows.flat_map(|row| &pixels[row * stride + left..][..window.width as usize * 3])
        .copied()
        .collect()
}
