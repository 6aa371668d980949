#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const FILTERS: [Filter; 4] = [
    Filter::Nearest,
    Filter::Bilinear,
    Filter::Bicubic,
    Filter::PlainBilinear,
];

fn noise(len: u32, seed: u32) -> Vec<u8> {
    (0..len)
        .map(|i| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every pass compared with an obvious version: many taps and few, windows and flips at once.
    #[test]
    fn flipped_windows_are_flips_of_windows_of_the_whole(
        (width, height) in (1u32..60, 1u32..60),
        (w, h) in (1u32..60, 1u32..60),
        corner in (0.0f64..1.0, 0.0f64..1.0),
        flips: (bool, bool),
        filter in prop::sample::select(FILTERS.to_vec()),
        seed: u32,
    ) {
        let pixels = noise(3 * width * height, seed);
        let image = RgbView::packed(&pixels, width, height).unwrap();
        let all = Job::new(Region::whole(width, height), w, h, filter).unwrap();
        let mut resampler = Resampler::new();
        let mut whole = vec![0; 3 * (w * h) as usize];
        resampler.run(image, &all, &mut whole).unwrap();

        let (x, y) = ((corner.0 * f64::from(w)) as u32, (corner.1 * f64::from(h)) as u32);
        let window = Region { x, y, width: (w - x).div_ceil(2), height: (h - y).div_ceil(2) };
        let job = all.window(window).unwrap().flipped(flips.0, flips.1);
        let mut part = vec![0; 3 * (window.width * window.height) as usize];
        resampler.run(image, &job, &mut part).unwrap();

        for (row, line) in part.chunks_exact(3 * window.width as usize).enumerate() {
            let row = if flips.1 { window.height - 1 - row as u32 } else { row as u32 };
            for (column, pixel) in line.chunks_exact(3).enumerate() {
                let column = if flips.0 { window.width - 1 - column as u32 } else { column as u32 };
                let at = 3 * ((y + row) * w + x + column) as usize;
                prop_assert_eq!(pixel, &whole[at..at + 3], "row {} column {}", row, column);
            }
        }
    }

    /// The pixels decoded around the crop, and their stride, make no difference.
    #[test]
    fn pixels_outside_of_the_crop_are_never_read(
        (w, h) in (1u32..40, 1u32..40),
        filter in prop::sample::select(FILTERS.to_vec()),
        seed: u32,
    ) {
        let crop = Region { x: 100 + seed % 7, y: 50 + seed % 5, width: 1 + seed % 23, height: 1 + seed % 19 };
        let job = Job::new(crop, w, h, filter).unwrap();
        let region = Region { x: 98, y: 49, width: 40, height: 30 };
        let run = |background: u8| {
            let stride = 3 * region.width as usize + 5;
            let mut data = vec![background; stride * region.height as usize];
            let source = job.source();
            assert!(crop.contains(&source));
            for y in 0..source.height {
                let at = (source.y - region.y + y) as usize * stride + 3 * (source.x - region.x) as usize;
                data[at..at + 3 * source.width as usize].copy_from_slice(&noise(3 * source.width, seed ^ y));
            }
            let mut out = vec![0; 3 * (w * h) as usize];
            Resampler::new().run(RgbView::new(&data, stride, region).unwrap(), &job, &mut out).unwrap();
            out
        };
        prop_assert_eq!(run(0), run(255));
    }

    #[test]
    fn all_levels_give_the_same_bytes(
        (width, height) in (1u32..400, 1u32..60),
        (w, h) in (1u32..130, 1u32..40),
        flips: (bool, bool),
        filter in prop::sample::select(FILTERS.to_vec()),
        seed: u32,
    ) {
        let pixels = noise(3 * width * height, seed);
        let image = RgbView::packed(&pixels, width, height).unwrap();
        let job = Job::new(Region::whole(width, height), w, h, filter).unwrap();
        let job = job.flipped(flips.0, flips.1);
        let run = |level| {
            let mut out = vec![0; 3 * (w * h) as usize];
            Resampler::with_level(level).run(image, &job, &mut out).unwrap();
            out
        };
        let expected = run(Level::SCALAR);
        for &level in Level::available() {
            prop_assert!(run(level) == expected, "{level:?}");
        }
    }

    #[test]
    fn a_flat_image_stays_flat(
        (width, height) in (1u32..200, 1u32..200),
        (w, h) in (1u32..50, 1u32..50),
        filter in prop::sample::select(FILTERS.to_vec()),
        level: u8,
    ) {
        let pixels = vec![level; 3 * (width * height) as usize];
        let mut out = vec![!level; 3 * (w * h) as usize];
        let job = Job::new(Region::whole(width, height), w, h, filter).unwrap();
        Resampler::new().run(RgbView::packed(&pixels, width, height).unwrap(), &job, &mut out).unwrap();
        prop_assert!(out.iter().all(|&byte| byte == level), "{:?}", out);
    }
}

#[test]
fn buffers_are_reused_and_leak_nothing_into_the_next_job() {
    let pixels = noise(3 * 50 * 40, 1);
    let image = RgbView::packed(&pixels, 50, 40).unwrap();
    let mut used = Resampler::new();
    for (w, h, filter) in [
        (30, 30, Filter::Bicubic),
        (7, 9, Filter::Bilinear),
        (30, 3, Filter::PlainBilinear),
    ] {
        let job = Job::new(
            Region {
                x: 3,
                y: 4,
                width: 41,
                height: 33,
            },
            w,
            h,
            filter,
        )
        .unwrap();
        let (mut first, mut second) =
            (vec![0; 3 * (w * h) as usize], vec![1; 3 * (w * h) as usize]);
        used.run(image, &job, &mut first).unwrap();
        Resampler::new().run(image, &job, &mut second).unwrap();
        assert_eq!(first, second);
    }
    let before = (used.strip.capacity(), used.strip.as_ptr());
    let job = Job::new(Region::whole(50, 33), 30, 30, Filter::Bilinear).unwrap();
    used.run(image, &job, &mut [0; 2700]).unwrap();
    assert_eq!(before, (used.strip.capacity(), used.strip.as_ptr()));
}

#[test]
fn wrong_jobs_and_buffers_are_errors() {
    let pixels = noise(3 * 10 * 10, 0);
    let view = RgbView::new(
        &pixels,
        30,
        Region {
            x: 5,
            y: 5,
            width: 10,
            height: 10,
        },
    )
    .unwrap();
    let crop = Region {
        x: 4,
        y: 5,
        width: 10,
        height: 10,
    };
    let job = Job::new(crop, 4, 4, Filter::Bilinear).unwrap();
    let error = Resampler::new().run(view, &job, &mut [0; 48]).unwrap_err();
    assert_eq!(
        error,
        AugmentError::SourceMissing {
            needed: crop,
            available: view.region()
        }
    );
    let job = Job::new(view.region(), 4, 4, Filter::Bilinear).unwrap();
    let error = Resampler::new().run(view, &job, &mut [0; 47]).unwrap_err();
    assert_eq!(
        error,
        AugmentError::OutputLength {
            expected: 48,
            actual: 47
        }
    );
    assert!(Job::new(Region { width: 0, ..crop }, 4, 4, Filter::Bilinear).is_err());
    assert!(Job::new(crop, 4, 0, Filter::Bilinear).is_err());
    let beyond = Region {
        x: 1,
        y: 0,
        width: 4,
        height: 4,
    };
    assert!(matches!(
        job.window(beyond),
        Err(AugmentError::WindowOutside { .. })
    ));
}
