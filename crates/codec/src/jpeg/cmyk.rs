//! CMYK to RGB, as in Pillow.

/// Turns `pixels`, four bytes each as libjpeg gives them for a CMYK or YCCK file, into three bytes
/// each, packed at the front of the same buffer.
///
/// The rule is that of Pillow's `Image.open(file).convert("RGB")` (13.0). Stored values are treated as inverted, as
/// Adobe writes them, whether or not the file carries Adobe's marker (`JpegImagePlugin`, raw mode `CMYK;I`). Then each
/// colour is `(255 - K) - C (255 - K) / 255`, rounded to nearest (`Convert.c`, `cmyk2rgb`). No colour profile is used.
pub(crate) fn to_rgb_in_place(pixels: &mut [u8]) {
    for i in 0..pixels.len() / 4 {
        let rgb = rgb_of([
            pixels[4 * i],
            pixels[4 * i + 1],
            pixels[4 * i + 2],
            pixels[4 * i + 3],
        ]);
        pixels[3 * i..3 * i + 3].copy_from_slice(&rgb);
    }
}

/// RGB of one pixel whose four values are inverted: 255 means no ink.
fn rgb_of([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|no_ink| k - divide_by_255(u32::from(255 - no_ink) * u32::from(k)))
}

/// `product / 255`, rounded to nearest, for the product of two bytes.
fn divide_by_255(product: u32) -> u8 {
    let rounded = product + 128;
    // At most 255, since the product is at most 255 * 255.
    (((rounded >> 8) + rounded) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Pillow 13.0: `Image.new("CMYK", (1, 1), ink).convert("RGB")`.
    const PILLOW: [([u8; 4], [u8; 3]); 6] = [
        ([0, 0, 0, 0], [255, 255, 255]),
        ([255, 255, 255, 255], [0, 0, 0]),
        ([10, 200, 30, 60], [187, 42, 172]),
        ([255, 0, 128, 1], [0, 254, 127]),
        ([1, 2, 3, 254], [1, 1, 1]),
        ([77, 130, 5, 128], [89, 62, 125]),
    ];

    #[test]
    fn equals_pillow() {
        let mut pixels: Vec<u8> = PILLOW
            .iter()
            .flat_map(|(ink, _)| ink.map(|v| 255 - v))
            .collect();
        to_rgb_in_place(&mut pixels);
        let expected: Vec<u8> = PILLOW.iter().flat_map(|&(_, rgb)| rgb).collect();
        assert_eq!(pixels[..expected.len()], expected);
    }

    #[test]
    fn division_rounds_to_nearest_and_never_exceeds_its_second_factor() {
        for a in 0..=255u32 {
            for b in 0..=255u32 {
                let exact = (f64::from(a * b) / 255.0).round();
                let ours = divide_by_255(a * b);
                assert_eq!(f64::from(ours), exact, "{a} * {b}");
                assert!(u32::from(ours) <= b);
            }
        }
    }
}
