//! Microseconds per operation and per image of each policy on made pixels of 299 x 299:
//! `cargo run --release -p augment --example policy_speed`.
//! A quick look for whoever works on the operations, not the benchmark that figures are quoted from.
//!
//! The shortest of many rounds, so that what else the machine does disturbs it little.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use augment::{AugmentError, Augmenter, Interpolation, Op, Policy, SampleRng, Warp};

const SIDE: u32 = 299;

fn main() -> Result<(), Box<dyn Error>> {
    let image = image();
    for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
        let warp = Warp {
            interpolation,
            ..Warp::default()
        };
        let mut augmenter = Augmenter::new(warp);
        println!("{interpolation:?}");
        for op in OPERATIONS {
            report(&format!("  {op:?}"), ROUNDS, || {
                let mut pixels = image.clone();
                let begin = Instant::now();
                augmenter.apply_ops(&[op], black_box(&mut pixels), SIDE, SIDE)?;
                Ok(begin.elapsed())
            })?;
        }
        for name in POLICIES {
            let policy: Policy = name.parse()?;
            // The mean over the same images in each round.
            report(&format!("  {name}, mean"), 10, || {
                let mut total = Duration::ZERO;
                let mut pixels = image.clone();
                for position in 0..IMAGES {
                    pixels.copy_from_slice(&image);
                    let begin = Instant::now();
                    let mut rng = SampleRng::new(0, 0, position);
                    augmenter.apply(&policy, black_box(&mut pixels), SIDE, SIDE, &mut rng)?;
                    total += begin.elapsed();
                }
                Ok(total / IMAGES as u32)
            })?;
        }
    }
    Ok(())
}

const ROUNDS: u32 = 60;
const IMAGES: u64 = 500;
const POLICIES: [&str; 7] = [
    "autoaug",
    "autoaugr",
    "autoaug-mindcv",
    "randaug-m9-n2-mstd0.5",
    "trivialaugwide",
    "3a",
    "augmix",
];
const OPERATIONS: [Op; 16] = [
    Op::Identity,
    Op::ShearX(0.15),
    Op::ShearY(0.15),
    Op::TranslateXRel(0.2),
    Op::TranslateYRel(0.2),
    Op::Rotate(24.0),
    Op::AutoContrast,
    Op::Equalize,
    Op::Invert,
    Op::Posterize(4),
    Op::Solarize(128),
    Op::Color(1.5),
    Op::Contrast(1.5),
    Op::Brightness(1.5),
    Op::Sharpness(1.5),
    Op::GaussianBlur(1.5),
];

/// A gradient with noise: neighbours are alike, as in photographs, but not equal.
fn image() -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            for c in 0..3 {
                let noise = (x * 73 + y * 179 + c * 31).wrapping_mul(2_654_435_761) >> 27;
                pixels.push(((x + y + 40 * c) / 3 + noise) as u8);
            }
        }
    }
    pixels
}

fn report(
    name: &str,
    rounds: u32,
    mut round: impl FnMut() -> Result<Duration, AugmentError>,
) -> Result<(), AugmentError> {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        best = best.min(round()?);
    }
    println!("{name:<32} {:8.1} us", best.as_secs_f64() * 1e6);
    Ok(())
}
