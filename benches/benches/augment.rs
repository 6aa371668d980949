//! Every hot stage of `augment` on generated pixels of ImageNet's mean size, at each instruction level. It measures
//! neither decoding nor the pipeline; `shard bench` measures the pipeline.
//!
//! `cargo bench -p benches --bench augment [FILTER]`. Times are per image of 299 x 299 unless the name says otherwise.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use augment::{
    Adjustment, Augmenter, EvalCrop, Filter, FusedResampler, Interpolation, Job, Level, Normalize,
    Op, Plane, Planes, Policy, RandomErasing, RandomResizedCrop, Region, Resampler, RgbView,
    SampleRng, Warp, fill_rect,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// The mean size of ImageNet's training images.
const IMAGE: (u32, u32) = (468, 401);
/// A crop of the mean area: 41 % of the image.
const CROP: Region = Region {
    x: 84,
    y: 72,
    width: 300,
    height: 256,
};
const SIDE: u32 = 299;
const BYTES: usize = (3 * SIDE * SIDE) as usize;
/// Images of a batch. As in training, outputs leave the caches between two visits.
const BATCH: usize = 32;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(20)
        .without_plots();
    targets = fused, exact, operations, policies, erasing, normalise
}
criterion_main!(benches);

fn fused(c: &mut Criterion) {
    let samples = photograph(3 * IMAGE.0, IMAGE.1);
    let mut batch = vec![0; BATCH * BYTES];
    let mut group = c.benchmark_group("fused");
    for &level in Level::available() {
        let mut resampler = FusedResampler::with_level(level);
        for (name, ratio) in [("444", Some((1, 1))), ("420", Some((2, 2))), ("gray", None)] {
            let view = planes(&samples, ratio);
            group.bench_function(format!("mean_crop/{name}/{level:?}"), |b| {
                let out = &mut batch[..BYTES];
                b.iter(|| resampler.run(&view, CROP, SIDE, SIDE, false, black_box(out)));
            });
        }
        let view = RgbView::packed(&samples, IMAGE.0, IMAGE.1).unwrap();
        group.bench_function(format!("mean_crop/rgb/{level:?}"), |b| {
            let out = &mut batch[..BYTES];
            b.iter(|| resampler.run_rgb(&view, CROP, SIDE, SIDE, false, black_box(out)));
        });
        let crops = drawn_crops();
        group.bench_function(format!("drawn_crops/{level:?}"), |b| {
            let mut index = 0;
            b.iter(|| {
                let (crop, flip, ratio) = crops[index % crops.len()];
                let out = &mut batch[index % BATCH * BYTES..][..BYTES];
                index += 1;
                resampler.run(&planes(&samples, ratio), crop, SIDE, SIDE, flip, out)
            });
        });
    }
}

/// A crop, whether it is mirrored, and luma samples per chroma sample; `None` for gray.
type Drawn = (Region, bool, Option<(u32, u32)>);

/// Crops as in training, with 4:4:4, 4:2:0 and gray interleaved in the shares of ImageNet's files.
fn drawn_crops() -> Vec<Drawn> {
    let recipe = RandomResizedCrop::default();
    (0..200u64)
        .map(|i| {
            let mut rng = SampleRng::new(0, 0, i);
            let ratio = match i * 37 % 100 {
                0..76 => Some((1, 1)),
                76..98 => Some((2, 2)),
                _ => None,
            };
            (recipe.sample(IMAGE.0, IMAGE.1, &mut rng), i % 2 == 0, ratio)
        })
        .collect()
}

fn exact(c: &mut Criterion) {
    let pixels = photograph(IMAGE.0, IMAGE.1);
    let image = RgbView::packed(&pixels, IMAGE.0, IMAGE.1).unwrap();
    let mut out = vec![0; BYTES];
    let mut group = c.benchmark_group("exact");
    let filters = [
        Filter::Nearest,
        Filter::Bilinear,
        Filter::Bicubic,
        Filter::PlainBilinear,
    ];
    for filter in filters {
        let train = Job::new(CROP, SIDE, SIDE, filter).unwrap();
        let eval = EvalCrop::new(SIDE, 0.875, filter).unwrap();
        let eval = eval.job(IMAGE.0, IMAGE.1).unwrap();
        for &level in Level::available() {
            let mut resampler = Resampler::with_level(level);
            for (name, job) in [("mean_crop", train), ("eval", eval)] {
                group.bench_function(format!("{name}/{filter:?}/{level:?}"), |b| {
                    b.iter(|| resampler.run(image, &job, black_box(&mut out)));
                });
            }
        }
    }
}

fn operations(c: &mut Criterion) {
    let image = photograph(SIDE, SIDE);
    let mut group = c.benchmark_group("operation");
    let flat = [
        ("equalize", Op::Equalize),
        ("autocontrast", Op::AutoContrast),
        ("invert", Op::Invert),
        ("posterize", Op::Posterize(4)),
        ("solarize", Op::Solarize(128)),
        ("color", Op::Color(1.5)),
        ("contrast", Op::Contrast(1.5)),
        ("brightness", Op::Brightness(1.5)),
        ("sharpness", Op::Sharpness(1.5)),
        ("gaussian_blur", Op::GaussianBlur(1.5)),
    ];
    let warps = [
        ("shear_x", Op::ShearX(0.15)),
        ("shear_y", Op::ShearY(0.15)),
        ("translate_x", Op::TranslateXRel(0.2)),
        ("translate_y", Op::TranslateYRel(0.2)),
        ("rotate", Op::Rotate(24.0)),
    ];
    let nearest = flat
        .into_iter()
        .chain(warps)
        .map(|op| (op, Interpolation::Nearest));
    let bilinear = warps.into_iter().map(|op| (op, Interpolation::Bilinear));
    for ((name, op), interpolation) in nearest.chain(bilinear) {
        let mut augmenter = Augmenter::new(warp(interpolation));
        group.bench_function(format!("{name}/{interpolation:?}"), |b| {
            b.iter_batched_ref(
                || image.clone(),
                |pixels| augmenter.apply_ops(&[op], pixels, SIDE, SIDE),
                BatchSize::SmallInput,
            );
        });
    }
    group.bench_function("jitter", |b| {
        b.iter_batched_ref(
            || image.clone(),
            |pixels| {
                Adjustment::Brightness(0.8).apply(pixels);
                Adjustment::Contrast(1.3).apply(pixels);
                Adjustment::Saturation(0.7).apply(pixels);
            },
            BatchSize::SmallInput,
        );
    });
}

/// The mean over 500 draws of each policy, and so over all its operations. `recipe` is MindCV's: AutoAugment, then
/// erasing of a quarter of the images.
fn policies(c: &mut Criterion) {
    let image = photograph(SIDE, SIDE);
    let mut batch: Vec<u8> = image.iter().copied().cycle().take(BATCH * BYTES).collect();
    let mut group = c.benchmark_group("policy");
    let erasing = RandomErasing::new(0.25).unwrap();
    for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
        for (name, policy, erase) in [
            ("recipe", "autoaug", true),
            ("recipe-mindcv", "autoaug-mindcv", true),
            ("autoaug", "autoaug", false),
            ("randaug", "randaug-m9-n2-mstd0.5", false),
            ("trivialaugwide", "trivialaugwide", false),
            ("3a", "3a", false),
            ("augmix", "augmix", false),
        ] {
            let policy: Policy = policy.parse().unwrap();
            let mut augmenter = Augmenter::new(warp(interpolation));
            group.bench_function(format!("{name}/{interpolation:?}"), |b| {
                b.iter_custom(|images| {
                    let mut spent = Duration::ZERO;
                    for position in 0..images {
                        let pixels = &mut batch[position as usize % BATCH * BYTES..][..BYTES];
                        pixels.copy_from_slice(&image);
                        let begin = std::time::Instant::now();
                        let rng = &mut SampleRng::new(0, 0, position % 500);
                        augmenter.apply(&policy, pixels, SIDE, SIDE, rng).unwrap();
                        if let Some(rect) = erasing.sample(SIDE, SIDE, rng).filter(|_| erase) {
                            fill_rect(pixels, SIDE, rect, [124, 116, 104]).unwrap();
                        }
                        spent += begin.elapsed();
                    }
                    spent
                });
            });
        }
    }
}

fn erasing(c: &mut Criterion) {
    let mut image = photograph(SIDE, SIDE);
    let rect = Region {
        x: 50,
        y: 60,
        width: 140,
        height: 110,
    };
    c.bench_function("erase/17_percent", |b| {
        b.iter(|| fill_rect(black_box(&mut image), SIDE, rect, [124, 116, 104]));
    });
}

/// `cached`: writes one output again and again. `batch`: writes into the slots of two batches of 34 MB.
fn normalise(c: &mut Criterion) {
    let image = photograph(SIDE, SIDE);
    let mut batch = vec![0.0; 2 * BATCH * BYTES];
    let mut group = c.benchmark_group("normalise");
    for &level in Level::available() {
        let normalize = Normalize::default().with_level(level);
        group.bench_function(format!("cached/{level:?}"), |b| {
            b.iter(|| normalize.apply(&image, black_box(&mut batch[..BYTES])));
        });
        group.bench_function(format!("batch/{level:?}"), |b| {
            let mut slot = 0;
            b.iter(|| {
                slot = (slot + 1) % (2 * BATCH);
                normalize.apply(&image, &mut batch[slot * BYTES..][..BYTES])
            });
        });
    }
    // The least that writing this many bytes costs.
    group.bench_function("batch/fill", |b| {
        let mut slot = 0;
        b.iter(|| {
            slot = (slot + 1) % (2 * BATCH);
            batch[slot * BYTES..][..BYTES].fill(0.5);
        });
    });
}

fn warp(interpolation: Interpolation) -> Warp {
    Warp {
        interpolation,
        ..Warp::default()
    }
}

fn planes(samples: &[u8], ratio: Option<(u32, u32)>) -> Planes<'_> {
    let (width, height) = IMAGE;
    let plane = |index: usize, ratio: (u32, u32)| Plane {
        data: &samples[index * (width * height) as usize..],
        stride: width as usize,
        region: Region::whole(width.div_ceil(ratio.0), height.div_ceil(ratio.1)),
    };
    Planes {
        image: IMAGE,
        luma: plane(0, (1, 1)),
        chroma: ratio.map(|ratio| [plane(1, ratio), plane(2, ratio)]),
        ratio: ratio.unwrap_or((1, 1)),
    }
}

/// Slopes, edges and grain: neighbours are alike, as in photographs, but seldom equal.
fn photograph(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let grain = (x * 73 + y * 179 + c * 31).wrapping_mul(2_654_435_761) >> 28;
                let edge = if (x / 37 + y / 53).is_multiple_of(2) {
                    60
                } else {
                    0
                };
                pixels.push(((x + y + 40 * c) / 4 + edge + grain).min(255) as u8);
            }
        }
    }
    pixels
}
