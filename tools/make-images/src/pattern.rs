//! The content of a generated image: two random colours in a pattern, with noise. The pattern is the class.
//!
//! Colour, size, position and angle are random for every image, so that only the pattern tells the class. Every pattern
//! survives cropping, flipping and scaling.

use std::f64::consts::TAU;

use crate::Random;

/// The classes, in the order of their labels.
pub const CLASSES: [&str; 5] = ["blobs", "checker", "rings", "solid", "stripes"];

/// RGB pixels, interleaved, of an image of `CLASSES[class]`.
pub fn picture(class: usize, width: u32, height: u32, random: &mut Random) -> Vec<u8> {
    let colours = contrasting(random);
    let coverage = arrangement(class, f64::from(width.min(height)), random);
    let noise = random.uniform(2.0, 14.0);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let share = coverage(f64::from(x), f64::from(y));
            for (a, b) in colours[0].iter().zip(colours[1]) {
                let value = a + (b - a) * share + random.uniform(-noise, noise);
                pixels.push(value.clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

/// Two colours that differ clearly.
fn contrasting(random: &mut Random) -> [[f64; 3]; 2] {
    loop {
        let (a, b) = (random.colour(), random.colour());
        let distance: f64 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
        if distance > 220.0 {
            return [a, b];
        }
    }
}

/// The share of the second colour at a point: 0 to 1.
fn arrangement(class: usize, side: f64, random: &mut Random) -> Box<dyn Fn(f64, f64) -> f64> {
    let period = side * random.uniform(0.10, 0.22);
    let angle = random.uniform(0.0, std::f64::consts::PI);
    let phase = random.uniform(0.0, period);
    let along = move |x: f64, y: f64| x * angle.cos() + y * angle.sin() + phase;
    let across = move |x: f64, y: f64| y * angle.cos() - x * angle.sin() + phase;
    let bar = move |at: f64| f64::from((at / period).rem_euclid(1.0) < 0.5);
    match CLASSES[class % CLASSES.len()] {
        "blobs" => {
            let waves: Vec<[f64; 3]> = (0..6)
                .map(|_| {
                    let (angle, turns) = (random.uniform(0.0, TAU), random.uniform(2.5, 5.0));
                    [
                        angle.cos() * turns / side,
                        angle.sin() * turns / side,
                        random.uniform(0.0, TAU),
                    ]
                })
                .collect();
            Box::new(move |x, y| {
                let sum: f64 = waves
                    .iter()
                    .map(|[u, v, p]| (TAU * (x * u + y * v) + p).sin())
                    .sum();
                (0.5 + sum / 5.0).clamp(0.0, 1.0)
            })
        }
        "checker" => Box::new(move |x, y| (bar(along(x, y)) + bar(across(x, y))) % 2.0),
        "rings" => {
            let (cx, cy) = (
                random.uniform(0.25, 0.75) * side,
                random.uniform(0.25, 0.75) * side,
            );
            Box::new(move |x, y| bar((x - cx).hypot(y - cy)))
        }
        "solid" => {
            let slope = random.uniform(0.2, 0.8) / side;
            Box::new(move |x, y| (along(x, y) * slope).rem_euclid(2.0).min(1.0))
        }
        _ => Box::new(move |x, y| bar(along(x, y))),
    }
}
