//! Microseconds an image of the fused resampler, at each level and by part, on made planes with crops
//! like those of ImageNet: `cargo run --release -p augment --example fused_speed`.
//!
//! A quick look for whoever works on the kernels, not the benchmark that figures are quoted from. With
//! an argument (`scalar`, `avx2`, `avx512`) it makes 100 crops at that level and reports nothing, for a
//! profiler that counts instructions.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use augment::{
    CropRect, FusedError, FusedResampler, Level, PlaneView, RandomResizedCrop, RgbView, SampleRng,
    YccView,
};

const SIDE: u32 = 299;

/// The images' mean size.
const IMAGE: (u32, u32) = (468, 401);

const CROPS: usize = 100;

/// Images in a batch.
const BATCH: usize = 32;

/// Bytes of an output.
const SLOT: usize = (3 * SIDE * SIDE) as usize;

/// The mean crop.
const TYPICAL: CropRect = CropRect {
    x: 84,
    y: 72,
    width: 300,
    height: 256,
};

fn main() -> Result<(), Box<dyn Error>> {
    let samples = noise(3 * (IMAGE.0 * IMAGE.1) as usize);
    let work = crops();
    let mut batch = vec![0; BATCH * SLOT];
    if let Some(name) = std::env::args().nth(1) {
        let level = Level::available()
            .iter()
            .find(|level| format!("{level:?}").eq_ignore_ascii_case(&name))
            .ok_or("this processor has no such level")?;
        let mut resampler = FusedResampler::with_level(*level);
        for (i, crop) in work.iter().enumerate() {
            run_one(&mut resampler, i, crop, &samples, &mut batch)?;
        }
        return Ok(());
    }
    let mean = |side: fn(&Crop) -> u32| work.iter().map(side).sum::<u32>() / CROPS as u32;
    let (width, height) = (mean(|crop| crop.rect.width), mean(|crop| crop.rect.height));
    println!("{CROPS} crops of {width}x{height} on average, to {SIDE}x{SIDE}; us an image");

    for &level in Level::available() {
        let mut resampler = FusedResampler::with_level(level);
        println!("{level:?}");
        let mixed = fastest_of_each(&mut resampler, &work, &samples, &mut batch)?;
        println!("  the mix of crops: {:.1}", micros(mixed));
        for ratio in [Some((1, 1)), Some((2, 2)), None] {
            let view = view(&samples, ratio);
            let mut time = |crop: CropRect, height| {
                let mut out = vec![0; (3 * SIDE * height) as usize];
                let mut run = || resampler.run(&view, crop, SIDE, height, false, &mut out);
                run()?;
                let mut outcome = Ok(());
                let time = fastest(|| outcome = run());
                outcome.map(|()| micros(time))
            };
            let all = time(TYPICAL, SIDE)?;
            // Twice as many output rows need no more rows across, and one needs hardly any.
            let down = time(TYPICAL, 2 * SIDE)? - all;
            let tables = time(
                CropRect {
                    height: 1,
                    ..TYPICAL
                },
                1,
            )?;
            let across = all - down - tables;
            let name = match ratio {
                Some((1, 1)) => "4:4:4",
                Some(_) => "4:2:0",
                None => "gray",
            };
            println!(
                "  {TYPICAL}, {name}: {all:.1} = tables {tables:.1}, across {across:.1}, down and colour {down:.1}"
            );
        }
        let view = RgbView::packed(&samples, IMAGE.0, IMAGE.1)?;
        let out = &mut batch[..SLOT];
        let mut outcome = Ok(());
        let time = fastest(|| outcome = resampler.run_rgb(&view, TYPICAL, SIDE, SIDE, false, out));
        outcome?;
        println!("  {TYPICAL}, RGB: {:.1}", micros(time));
    }
    Ok(())
}

/// The mean over all crops of the fastest time for each: the machine is seldom undisturbed for long.
fn fastest_of_each(
    resampler: &mut FusedResampler,
    work: &[Crop],
    samples: &[u8],
    batch: &mut [u8],
) -> Result<Duration, FusedError> {
    let mut best = [Duration::MAX; CROPS];
    for _ in 0..100 {
        for (i, (crop, best)) in work.iter().zip(&mut best).enumerate() {
            let start = Instant::now();
            run_one(resampler, i, crop, samples, batch)?;
            *best = start.elapsed().min(*best);
        }
    }
    Ok(best.iter().sum::<Duration>() / CROPS as u32)
}

struct Crop {
    rect: CropRect,
    flip: bool,
    /// None for gray.
    ratio: Option<(u32, u32)>,
}

/// Crops as training takes them, in the shares in which ImageNet's files are subsampled.
fn crops() -> Vec<Crop> {
    let recipe = RandomResizedCrop::default();
    (0..CROPS)
        .map(|i| {
            let mut rng = SampleRng::new(0, 0, i as u64);
            Crop {
                rect: recipe.sample(IMAGE.0, IMAGE.1, &mut rng),
                flip: i % 2 == 0,
                ratio: match i {
                    0..76 => Some((1, 1)),
                    76..98 => Some((2, 2)),
                    _ => None,
                },
            }
        })
        .collect()
}

/// Into the slots of a batch in turn, so that outputs leave the nearest caches as they do in training.
fn run_one(
    resampler: &mut FusedResampler,
    index: usize,
    crop: &Crop,
    samples: &[u8],
    batch: &mut [u8],
) -> Result<(), FusedError> {
    let out = &mut batch[index % BATCH * SLOT..][..SLOT];
    let view = view(samples, crop.ratio);
    resampler.run(&view, crop.rect, SIDE, SIDE, crop.flip, black_box(out))
}

/// A whole image out of made samples.
fn view(samples: &[u8], ratio: Option<(u32, u32)>) -> YccView<'_> {
    let (width, height) = IMAGE;
    let plane = |index: usize, ratio: (u32, u32)| PlaneView {
        data: &samples[index * (width * height) as usize..],
        stride: width as usize,
        width: width.div_ceil(ratio.0),
        height: height.div_ceil(ratio.1),
        x: 0,
        y: 0,
    };
    YccView {
        luma: plane(0, (1, 1)),
        chroma: ratio.map(|ratio| [plane(1, ratio), plane(2, ratio)]),
        ratio: ratio.unwrap_or((1, 1)),
    }
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// The fastest of many runs: what the machine can do when nobody disturbs it.
fn fastest(mut run: impl FnMut()) -> Duration {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
