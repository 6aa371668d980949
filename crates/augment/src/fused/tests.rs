//! Compares every level with the portable one, and the portable one with the definition in floating point.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod image;

use proptest::prelude::*;

use super::*;
use crate::Plane;
use image::*;

proptest! {
    #[test]
    fn all_levels_give_the_same_bytes(
        crop in crops(),
        size in sizes(),
        ratio in ratios(),
        gray in prop::bool::weighted(0.1),
        flip in any::<bool>(),
        padding in prop_oneof![Just(0usize), 0usize..70],
        seed in any::<u32>(),
    ) {
        let image = Image::new(crop, ratio, gray, padding, noise(seed));
        let expected = image.run(Level::SCALAR, crop, size, flip);
        for &level in Level::available() {
            prop_assert!(image.run(level, crop, size, flip) == expected, "{level:?}");
        }
    }

    #[test]
    fn interleaved_pixels_are_three_planes(
        crop in crops(),
        size in sizes(),
        flip in any::<bool>(),
        padding in 0usize..70,
        seed in any::<u32>(),
    ) {
        let (width, height) = (crop.width as usize, crop.height as usize);
        let mut noise = noise(seed);
        let planes: [Vec<u8>; 3] = std::array::from_fn(|plane| {
            let at = |i: usize| noise(plane, (i % width) as u32, (i / width) as u32);
            (0..width * height).map(at).collect()
        });
        let stride = 3 * width + padding;
        let mut pixels = vec![9; stride * (height - 1) + 3 * width].into_boxed_slice();
        for (plane, samples) in planes.iter().enumerate() {
            for (i, &sample) in samples.iter().enumerate() {
                pixels[i / width * stride + 3 * (i % width) + plane] = sample;
            }
        }
        let view = RgbView::new(&pixels, stride, crop).unwrap();
        let grays = planes.map(|data| {
            let plane = Samples { data: data.into(), stride: width, region: crop };
            let image = Image { luma: plane, chroma: None, ratio: (1, 1) };
            image.run(Level::SCALAR, crop, size, flip)
        });
        for &level in Level::available() {
            let mut out = vec![0; (3 * size.0 * size.1) as usize];
            FusedResampler::with_level(level)
                .run_rgb(&view, crop, size.0, size.1, flip, &mut out)
                .unwrap();
            for (i, pixel) in out.as_chunks::<3>().0.iter().enumerate() {
                prop_assert_eq!(*pixel, [0, 1, 2].map(|plane| grays[plane][3 * i]), "{:?}", level);
            }
        }
    }

    #[test]
    fn mirroring_mirrors(crop in crops(), size in sizes(), ratio in ratios(), seed in any::<u32>()) {
        let image = Image::new(crop, ratio, false, 0, noise(seed));
        let plain = image.run(Level::SCALAR, crop, size, false);
        let flipped = image.run(Level::SCALAR, crop, size, true);
        let width = size.0 as usize;
        let (plain, flipped) = (plain.as_chunks::<3>().0, flipped.as_chunks::<3>().0);
        for (plain, flipped) in plain.chunks(width).zip(flipped.chunks(width)) {
            prop_assert!(plain.iter().eq(flipped.iter().rev()));
        }
    }

    #[test]
    fn what_is_constant_stays_constant(
        crop in crops(),
        size in sizes(),
        ratio in ratios(),
        levels in any::<[u8; 3]>(),
    ) {
        let image = Image::new(crop, ratio, false, 0, |plane, _, _| levels[plane]);
        let sums = levels.map(|level| 128 * (i16::from(level) - 128));
        let expected = colour::rgb(sums[0], sums[1], sums[2]);
        let out = image.run(Level::best(), crop, size, false);
        prop_assert!(out.as_chunks::<3>().0.iter().all(|&pixel| pixel == expected));
    }

    #[test]
    fn a_scale_of_one_changes_nothing(
        crop in crops(),
        flip in any::<bool>(),
        gray in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let image = Image::new(crop, (1, 1), gray, 0, noise(seed));
        let out = image.run(Level::best(), crop, (crop.width, crop.height), flip);
        let mut noise = noise(seed);
        for (i, pixel) in out.as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (i as u32 % crop.width, i as u32 / crop.width);
            let x = if flip { crop.width - 1 - x } else { x };
            let levels = [0, 1, 2].map(|plane| noise(plane, crop.x + x, crop.y + y));
            let [luma, cb, cr] = levels.map(|level| 128 * (i16::from(level) - 128));
            let expected = if gray { [levels[0]; 3] } else { colour::rgb(luma, cb, cr) };
            prop_assert_eq!(*pixel, expected);
        }
    }

    #[test]
    fn weights_are_those_of_the_triangle(
        begin in 0u32..100,
        extent in prop_oneof![1u32..2000, 1u32..70_000],
        ratio in 1u32..5,
        outputs in 1u32..400,
        reversed in any::<bool>(),
    ) {
        let span = Span { begin, extent, ratio, outputs, reversed };
        let mut axis = Axis::default();
        axis.fill(&span);
        let mut expected = triangle((begin, extent), ratio, outputs);
        if reversed {
            expected.reverse();
        }
        let first = span.samples().0;
        for (output, expected) in expected.into_iter().enumerate() {
            let (mut sum, mut given, mut due) = (0, 0.0, 0.0);
            let mut expected = expected.into_iter().peekable();
            for tap in 0..axis.taps() {
                let weight = axis.weights(tap)[output];
                let sample = first + axis.starts()[output] + tap as u32;
                sum += u32::from(weight);
                given += f64::from(weight) / 128.0;
                prop_assert!(weight == 0 || sample <= first + axis.last_sample() as u32);
                while let Some((_, exact)) = expected.next_if(|&(at, _)| at <= sample) {
                    due += exact;
                }
                prop_assert!((given - due).abs() < 0.5 / 128.0 + 1e-3, "{given} {due} {axis:?}");
            }
            prop_assert_eq!(sum, 128);
        }
    }

    #[test]
    fn more_than_the_crop_changes_nothing(
        crop in crops(),
        size in sizes(),
        ratio in ratios(),
        seed in any::<u32>(),
    ) {
        let whole = Region::whole(crop.x + crop.width + 9, crop.y + crop.height + 5);
        let tight = Image::new(crop, ratio, false, 0, noise(seed));
        let wide = Image::new(whole, ratio, false, 3, noise(seed));
        prop_assert!(
            tight.run(Level::best(), crop, size, false) == wide.run(Level::best(), crop, size, false)
        );
    }
}

#[test]
fn pictures_come_close_to_the_exact_result() {
    let cases = [
        (300, 256, (1, 1)),
        (150, 200, (1, 1)),
        (120, 90, (2, 2)),
        (333, 280, (2, 2)),
        (200, 300, (2, 1)),
        (640, 480, (1, 2)),
        (500, 700, (4, 1)),
        (1300, 900, (1, 1)),
    ];
    for (width, height, ratio) in cases {
        let crop = Region {
            x: 13,
            y: 7,
            width,
            height,
        };
        let image = Image::new(crop, ratio, false, 0, scene);
        let out = image.run(Level::best(), crop, (151, 149), false);
        let expected = image.reference(crop, (151, 149));
        let (mut squares, mut worst) = (0.0, 0.0f64);
        for (pixel, exact) in out.as_chunks::<3>().0.iter().zip(&expected) {
            for (&level, exact) in pixel.iter().zip(exact) {
                let error = f64::from(level) - exact;
                squares += error * error;
                worst = worst.max(error.abs());
            }
        }
        let psnr = 20.0 * 255f64.log10() - 10.0 * (squares / (3 * expected.len()) as f64).log10();
        println!("{width}x{height} {ratio:?}: {psnr:.2} dB, {worst:.2}");
        assert!(psnr > 48.0, "{width}x{height} {ratio:?}: {psnr} dB");
        assert!(worst <= 2.5, "{width}x{height} {ratio:?}: {worst} levels");
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let crop = Region {
        x: 10,
        y: 10,
        width: 31,
        height: 20,
    };
    let image = Image::new(crop, (2, 2), false, 0, scene);
    let mut out = [0; 3 * 8 * 8];
    let mut run = |view: &Planes<'_>, crop, len: usize| {
        FusedResampler::new().run(view, crop, 8, 8, false, &mut out[..len])
    };
    let view = image.view();
    assert_eq!(run(&view, crop, 192), Ok(()));

    let message = run(&view, Region { width: 32, ..crop }, 192)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the crop needs the luma samples 32x20 at (10, 10), but the view holds 31x20 at (10, 10)"
    );
    let mut short = view;
    short.chroma.as_mut().unwrap()[1].region.height -= 1;
    let error = run(&short, crop, 192).unwrap_err();
    assert!(matches!(error, FusedError::NotCovered { plane: "Cr", .. }));
    let mut short = view;
    short.luma.data = &short.luma.data[1..];
    let error = run(&short, crop, 192).unwrap_err();
    assert!(matches!(
        error,
        FusedError::ShortPlane { plane: "luma", .. }
    ));
    let mut overlapping = view;
    overlapping.luma.stride -= 1;
    let error = run(&overlapping, crop, 192).unwrap_err();
    assert!(matches!(error, FusedError::ShortPlane { .. }));

    let error = run(&view, crop, 191).unwrap_err();
    assert!(matches!(
        error,
        FusedError::OutputLength { expected: 192, .. }
    ));
    let error = run(&view, Region { height: 0, ..crop }, 192).unwrap_err();
    assert!(matches!(error, FusedError::Size { .. }));
    let far = Region {
        x: u32::MAX,
        ..crop
    };
    let error = run(&view, far, 192).unwrap_err();
    assert!(matches!(error, FusedError::NotCovered { .. }));
    let odd = Planes {
        ratio: (0, 1),
        ..view
    };
    assert!(matches!(
        run(&odd, crop, 192),
        Err(FusedError::Ratio { .. })
    ));
}

#[test]
fn one_resampler_serves_crops_of_all_sizes_in_turn() {
    for &level in Level::available() {
        let mut resampler = FusedResampler::with_level(level);
        for (width, height, size, ratio) in [
            (700, 500, 70, (1, 1)),
            (3, 2, 90, (2, 2)),
            (90, 90, 90, (1, 1)),
            (1, 900, 33, (4, 1)),
            (64, 64, 65, (2, 1)),
        ] {
            let crop = Region::whole(width, height);
            let image = Image::new(crop, ratio, false, 0, noise(width));
            let mut out = vec![0; (3 * size * size) as usize];
            resampler
                .run(&image.view(), crop, size, size, true, &mut out)
                .unwrap();
            assert!(out == image.run(Level::SCALAR, crop, (size, size), true));
        }
    }
}
