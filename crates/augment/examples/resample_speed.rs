//! Microseconds per stage on made pixels: `cargo run --release -p augment --example resample_speed`.
//! A quick look for whoever works on the kernels, not the benchmark that figures are quoted from.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use augment::{
    ColorJitter, CropRect, Filter, Job, Normalize, RandomResizedCrop, Resampler, RgbView, SampleRng,
};

const SIDE: u32 = 299;

fn main() -> Result<(), Box<dyn Error>> {
    let mut resampler = Resampler::new();
    let mut out = vec![0; 3 * (SIDE * SIDE) as usize];
    for (width, height) in [(320, 260), (200, 160), (500, 375), (1200, 900)] {
        let pixels: Vec<u8> = (0..3 * width * height)
            .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let view = RgbView::packed(&pixels, width, height)?;
        for filter in [
            Filter::Nearest,
            Filter::Bilinear,
            Filter::Bicubic,
            Filter::PlainBilinear,
        ] {
            let job = Job::new(CropRect::whole(width, height), SIDE, SIDE, filter)?;
            let mut result = Ok(());
            let time = fastest(|| result = resampler.run(view, &job, black_box(&mut out)));
            result?;
            report(
                &format!("{width}x{height} -> {SIDE}x{SIDE} {filter:?}"),
                time,
            );
        }
    }

    let normalize = Normalize::default();
    let mut planes = vec![0.0; out.len()];
    let mut result = Ok(());
    report(
        "normalise to f32 CHW",
        fastest(|| result = normalize.apply(&out, black_box(&mut planes))),
    );
    result?;

    let jitter = ColorJitter::new(0.4, 0.4, 0.4)?.sample(&mut SampleRng::new(0, 0, 0));
    for adjustment in jitter {
        report(
            &format!("{adjustment:?}"),
            fastest(|| adjustment.apply(black_box(&mut out))),
        );
    }

    let crop = RandomResizedCrop::default();
    let mut position = 0;
    let time = fastest(|| {
        for _ in 0..1000 {
            position += 1;
            black_box(crop.sample(500, 375, &mut SampleRng::new(1, 2, position)));
        }
    });
    report("generator and crop of one sample", time / 1000);
    Ok(())
}

/// The fastest of many runs: what the machine can do when nobody disturbs it.
fn fastest(mut run: impl FnMut()) -> Duration {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

fn report(what: &str, time: Duration) {
    println!("{what:44} {:9.2} us", time.as_secs_f64() * 1e6);
}
