//! In the steady state nothing is allocated: once a buffer has met its largest image, it asks for no more memory.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use imshard_augment::{
    Adjustment, Augmenter, EvalCrop, Filter, FusedResampler, Interpolation, Job, Level, Normalize,
    Plane, Planes, Policy, Region, Resampler, RgbView, SampleRng, Warp,
};

/// Counts each thread's requests to the system's allocator.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work` twice, and counts only the second time.
fn second_time(mut work: impl FnMut()) -> u64 {
    work();
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

const SIDE: u32 = 75;
const BYTES: usize = (3 * SIDE * SIDE) as usize;
const IMAGE: (u32, u32) = (120, 90);

fn crops() -> [Region; 3] {
    [(0, 0, 120, 90), (7, 3, 60, 80), (50, 20, 9, 5)].map(|(x, y, width, height)| Region {
        x,
        y,
        width,
        height,
    })
}

#[test]
fn the_counter_counts() {
    assert_eq!(second_time(|| drop(Vec::<u8>::with_capacity(9))), 1);
}

#[test]
fn resamplers_keep_their_buffers() {
    let pixels: Vec<u8> = (0..3 * IMAGE.0 * IMAGE.1).map(|i| (i * 7) as u8).collect();
    let image = RgbView::packed(&pixels, IMAGE.0, IMAGE.1).unwrap();
    let mut out = vec![0; BYTES];
    for &level in Level::available() {
        let mut resampler = Resampler::with_level(level);
        let exact = second_time(|| {
            for filter in [
                Filter::Nearest,
                Filter::Bilinear,
                Filter::Bicubic,
                Filter::PlainBilinear,
            ] {
                let eval = EvalCrop::new(SIDE, 0.875, filter).unwrap();
                let eval = eval.job(IMAGE.0, IMAGE.1).unwrap();
                resampler.run(image, &eval, &mut out).unwrap();
                for crop in crops() {
                    let job = Job::new(crop, SIDE, SIDE, filter).unwrap();
                    let job = job.flipped(true, true);
                    resampler.run(image, &job, &mut out).unwrap();
                }
            }
        });
        assert_eq!(exact, 0, "{level:?}");

        let plane = |(across, down)| Plane {
            data: &pixels,
            stride: IMAGE.0 as usize,
            region: Region::whole(IMAGE.0.div_ceil(across), IMAGE.1.div_ceil(down)),
        };
        let mut resampler = FusedResampler::with_level(level);
        let fused = second_time(|| {
            for ratio in [Some((1, 1)), Some((2, 2)), Some((2, 1)), None] {
                let view = Planes {
                    image: IMAGE,
                    luma: plane((1, 1)),
                    chroma: ratio.map(|ratio| [plane(ratio); 2]),
                    ratio: ratio.unwrap_or((1, 1)),
                };
                for crop in crops() {
                    resampler
                        .run(&view, crop, SIDE, SIDE, true, &mut out)
                        .unwrap();
                    resampler
                        .run_rgb(&image, crop, SIDE, SIDE, false, &mut out)
                        .unwrap();
                }
            }
        });
        assert_eq!(fused, 0, "{level:?}");
    }
}

#[test]
fn policies_jitter_and_normalisation_keep_their_buffers() {
    let mut image: Vec<u8> = (0..BYTES).map(|i| (i * i / 91) as u8).collect();
    let mut planes = vec![0.0; BYTES];
    for &level in Level::available() {
        let normalize = Normalize::default().with_level(level);
        assert_eq!(
            second_time(|| normalize.apply(&image, &mut planes).unwrap()),
            0
        );
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let warp = Warp {
                interpolation,
                ..Warp::default()
            };
            for policy in [
                "autoaug",
                "autoaug-mindcv",
                "randaug-m9-n2-mstd0.5",
                "trivialaugwide",
                "3a",
                "augmix",
            ] {
                let parsed: Policy = policy.parse().unwrap();
                let mut augmenter = Augmenter::with_level(warp, level);
                let allocated = second_time(|| {
                    for position in 0..60 {
                        let rng = &mut SampleRng::new(1, 0, position);
                        augmenter
                            .apply(&parsed, &mut image, SIDE, SIDE, rng)
                            .unwrap();
                    }
                });
                assert_eq!(allocated, 0, "{policy} {level:?}");
            }
        }
    }
    let jitter = second_time(|| {
        for adjust in [
            Adjustment::Brightness,
            Adjustment::Contrast,
            Adjustment::Saturation,
        ] {
            adjust(0.7).apply(&mut image);
        }
    });
    assert_eq!(jitter, 0);
}
