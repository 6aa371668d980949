//! A region decodes exactly as in a full decode, whatever the file.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{cut, decode, jpeg};
use imshard_codec::{
    CodecError, Decoder, EncodeOptions, Encoding, JpegColor, Region, Restart, Sampling,
};
use proptest::prelude::*;

fn options() -> impl Strategy<Value = EncodeOptions> {
    let sampling = prop::sample::select(vec![
        Sampling::S444,
        Sampling::S422,
        Sampling::S420,
        Sampling::S440,
        Sampling::S411,
    ]);
    let color = prop::sample::select(vec![
        JpegColor::YCbCr,
        JpegColor::YCbCr,
        JpegColor::YCbCr,
        JpegColor::Gray,
        JpegColor::Rgb,
        JpegColor::Cmyk,
        JpegColor::Ycck,
    ]);
    let restart = prop::sample::select(vec![
        Restart::None,
        Restart::None,
        Restart::Rows(1),
        Restart::Mcus(3),
    ]);
    (
        sampling,
        color,
        any::<bool>(),
        prop::bool::weighted(0.1),
        any::<bool>(),
        restart,
        30..=100u8,
    )
        .prop_map(
            |(sampling, color, progressive, arithmetic, optimize, restart, quality)| {
                EncodeOptions {
                    quality,
                    sampling,
                    color,
                    progressive,
                    arithmetic,
                    optimize,
                    restart,
                }
            },
        )
}

/// A size, and a region inside it.
fn window() -> impl Strategy<Value = (u32, u32, Region)> {
    let side = || prop_oneof![1..=3u32, 1..=40u32, 1..=150u32];
    (side(), side()).prop_flat_map(|(width, height)| {
        (0..width, 0..height).prop_flat_map(move |(x, y)| {
            (1..=width - x, 1..=height - y).prop_map(move |(w, h)| {
                (
                    width,
                    height,
                    Region {
                        x,
                        y,
                        width: w,
                        height: h,
                    },
                )
            })
        })
    })
}

/// A seek-indexed record and its source file give the same pixels, at every level.
fn assert_indexed_is_exact(file: &[u8], window: Region) {
    let (Encoding::Jpeg, record) = imshard_codec::pack(file, Encoding::Jpeg) else {
        return; // of a kind that is not indexed
    };
    let ((width, height), full, _) = decode(file);
    let whole = Region::whole(width, height);
    let expected = cut(&full, width as usize * 3, whole, window);
    for &level in imshard_codec::Level::available() {
        let mut decoder = Decoder::with_level(level).unwrap();
        let decoded = decoder
            .decode(Encoding::Jpeg, &record, Some(window))
            .unwrap();
        let part = cut(decoded.pixels, decoded.stride, decoded.region, window);
        assert!(
            part == expected,
            "{level:?}: {window} of {width}x{height} differs"
        );
        let all = decoder.decode(Encoding::Jpeg, &record, None).unwrap();
        assert!(all.pixels == full, "{level:?}: {width}x{height} differs");
    }
}

fn assert_exact(file: &[u8], window: Region) {
    let ((width, height), full, _) = decode(file);
    let expected = cut(
        &full,
        width as usize * 3,
        Region::whole(width, height),
        window,
    );
    let mut decoder = Decoder::new().unwrap();
    let part = decoder
        .decode(Encoding::Source, file, Some(window))
        .unwrap();
    assert_eq!(part.image, (width, height));
    assert_eq!(part.pixels.len(), part.stride * part.region.height as usize);
    assert!(part.region.is_inside(&Region::whole(width, height)));
    assert_eq!(part.warning, None);
    assert!(
        cut(part.pixels, part.stride, part.region, window) == expected,
        "{window} of {width}x{height} differs"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_region_equals_the_full_decode(
        options in options(),
        (width, height, window) in window(),
        seed in any::<u32>(),
    ) {
        let file = jpeg(&options, width, height, seed);
        assert_exact(&file, window);
        assert_indexed_is_exact(&file, window);
    }
}

/// Frame headers with the usual ratios in unusual numbers, and ratios that libjpeg-turbo decodes
/// but cannot crop.
#[test]
fn unusual_sampling_factors() {
    let plain = jpeg(&EncodeOptions::new(90, Sampling::S444), 75, 50, 1);
    let frame = plain
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let cases = [
        ([0x21, 0x21, 0x21], 32..63), // 4:4:4
        ([0x12, 0x12, 0x12], 40..61), // 4:4:4
        ([0x22, 0x12, 0x12], 32..63), // 4:2:2
        ([0x22, 0x21, 0x21], 32..63), // 4:4:0
        ([0x41, 0x11, 0x11], 32..65), // 4:1:1
        ([0x42, 0x11, 0x11], 0..75),  // 4:1:0
        ([0x31, 0x11, 0x11], 0..75),
    ];
    for (factors, columns) in cases {
        let mut file = plain.clone();
        for (component, factor) in factors.into_iter().enumerate() {
            file[frame + 11 + 3 * component] = factor;
        }
        // The entropy-coded data no longer fits, which is a warning; geometry is what counts here.
        let ((width, height), full, _) = decode(&file);
        let window = Region {
            x: 41,
            y: 0,
            width: 20,
            height: 3,
        };
        let mut decoder = Decoder::new().unwrap();
        let part = decoder
            .decode(Encoding::Source, &file, Some(window))
            .unwrap();
        assert_eq!(
            part.region.x..part.region.x + part.region.width,
            columns,
            "{factors:x?}"
        );
        let expected = cut(
            &full,
            width as usize * 3,
            Region::whole(width, height),
            window,
        );
        assert!(
            cut(part.pixels, part.stride, part.region, window) == expected,
            "{factors:x?}"
        );
    }
}

#[test]
fn a_region_is_not_the_whole_image_in_disguise() {
    let file = jpeg(&EncodeOptions::new(90, Sampling::S420), 300, 200, 5);
    let mut decoder = Decoder::new().unwrap();
    let wanted = Region {
        x: 100,
        y: 60,
        width: 50,
        height: 40,
    };
    let part = decoder
        .decode(Encoding::Source, &file, Some(wanted))
        .unwrap();
    assert_eq!(
        part.region,
        Region {
            x: 96,
            y: 60,
            width: 56,
            height: 40
        }
    );
}

#[test]
fn regions_outside_the_image_are_refused() {
    let file = jpeg(&EncodeOptions::new(90, Sampling::S420), 20, 10, 5);
    let mut decoder = Decoder::new().unwrap();
    for (x, y, width, height) in [
        (0, 0, 21, 1),
        (19, 9, 1, 2),
        (5, 5, 0, 1),
        (u32::MAX, 0, 2, 1),
    ] {
        let region = Region {
            x,
            y,
            width,
            height,
        };
        let error = decoder
            .decode(Encoding::Source, &file, Some(region))
            .unwrap_err();
        assert_eq!(
            error,
            CodecError::Region {
                region,
                width: 20,
                height: 10
            }
        );
    }
}
