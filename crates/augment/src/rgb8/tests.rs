#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// Bytes of up to 300 pixels.
fn images() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<[u8; 3]>(), 0..300).prop_map(Vec::into_flattened)
}

fn factors() -> impl Strategy<Value = f32> {
    prop_oneof![
        0.0f32..2.0,
        -1e9f32..1e9,
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::NEG_INFINITY)
    ]
}

proptest! {
    #[test]
    fn tables_are_looked_up_at_every_level(mut pixels in images(), seed in any::<[u8; 3]>()) {
        let tables = seed.map(|seed| IDENTITY.map(|level| level.wrapping_mul(seed | 1) ^ seed));
        let expected: Vec<u8> =
            pixels.iter().enumerate().map(|(i, &level)| tables[i % 3][usize::from(level)]).collect();
        let image = pixels.clone();
        for &level in Level::available() {
            pixels.copy_from_slice(&image);
            map(level, &mut pixels, &tables);
            prop_assert!(pixels == expected, "{level:?}");
        }
    }

    #[test]
    fn luma_adds_up_at_every_level(pixels in images()) {
        let expected = scalar::luma_sum(&pixels);
        for &level in Level::available() {
            prop_assert_eq!(luma_sum(level, &pixels), expected, "{:?}", level);
        }
    }

    #[test]
    fn saturation_is_the_same_at_every_level(image in images(), factor in factors()) {
        let mut expected = image.clone();
        scalar::saturate(&mut expected, factor);
        for &level in Level::available() {
            let mut pixels = image.clone();
            saturate(level, &mut pixels, factor);
            prop_assert!(pixels == expected, "{level:?}");
        }
    }

    #[test]
    fn sharpening_is_the_same_at_every_level(
        width in 2usize..90,
        bytes in prop::collection::vec(any::<u8>(), 9 * 90),
        factor in factors(),
    ) {
        let row = 3 * width;
        let rows = [&bytes[..row], &bytes[row..2 * row], &bytes[2 * row..3 * row]];
        let mut sums = vec![0; row];
        let mut expected = rows[1].to_vec();
        scalar::sharpen_row(rows, factor, &mut sums, &mut expected);
        for &level in Level::available() {
            let mut out = rows[1].to_vec();
            sharpen_row(level, rows, factor, &mut sums, &mut out);
            prop_assert!(out == expected, "{level:?}");
        }
    }

    #[test]
    fn pixels_spread_into_words_at_every_level(pixels in images()) {
        let expected: Vec<u32> =
            pixels.as_chunks::<3>().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 0])).collect();
        for &level in Level::available() {
            let mut words = vec![9; expected.len()];
            spread(level, &pixels, &mut words);
            prop_assert!(words == expected, "{level:?}");
        }
    }

    #[test]
    fn channels_split_at_every_level(pixels in images()) {
        let count = pixels.len() / 3;
        for &level in Level::available() {
            let mut planes = [(); 3].map(|()| vec![7; count.next_multiple_of(64) + 64]);
            split(level, &pixels, planes.each_mut().map(Vec::as_mut_slice));
            for (channel, plane) in planes.iter().enumerate() {
                let expected = pixels.iter().skip(channel).step_by(3);
                prop_assert!(plane[..count].iter().eq(expected), "{level:?}");
            }
        }
    }

    #[test]
    fn levels_are_counted_and_bounded(pixels in images()) {
        let mut expected = [[0u32; 256]; 3];
        for (i, &level) in pixels.iter().enumerate() {
            expected[i % 3][usize::from(level)] += 1;
        }
        prop_assert!(count(&pixels) == expected);
        let bounds = expected.map(|histogram| {
            let low = histogram.iter().position(|&count| count > 0);
            let high = histogram.iter().rposition(|&count| count > 0);
            (low.unwrap_or(255) as u8, high.unwrap_or(0) as u8)
        });
        prop_assert_eq!(extremes(&pixels), bounds);
    }
}

#[test]
fn no_sum_of_luma_overflows() {
    let pixels = vec![255; 3 * ((1 << 24) + 5)];
    for &level in Level::available() {
        assert_eq!(luma_sum(level, &pixels), 255 * ((1 << 24) + 5));
    }
}
