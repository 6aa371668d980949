//! How long decoding takes on one core: `IMAGES=DIR cargo run --release -p codec --example decode_speed`.
//!
//! Reads every JPEG and PNG below DIR into memory, then decodes each whole, and a region of each like
//! those of random-resized-crop (8 to 100 % of the area, 3:4 to 4:3): by libjpeg-turbo to RGB, and
//! stored seek-indexed to planes, with each level of instructions. Prints microseconds an image: the
//! mean over the images of each one's best round, which other work on the machine disturbs least.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codec::{CodecError, Decoder, Encoding, Level, Region, pack, sniff};

const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::var_os("IMAGES").ok_or("set IMAGES to a directory of JPEG files")?;
    let mut files = Vec::new();
    read_images(Path::new(&directory), &mut files)?;
    if files.is_empty() {
        return Err("there is no JPEG or PNG below that directory".into());
    }
    let mut random = Random(7);
    let mut area = 0.0;
    let regions: Vec<_> = files
        .iter()
        .map(|(_, width, height)| {
            let region = random.crop(*width, *height);
            area += f64::from(region.width * region.height) / f64::from(width * height);
            region
        })
        .collect();
    let count = files.len() as u32;
    let mut decoder = Decoder::new()?;
    let whole = best(&files, |_, file| decode(&mut decoder, file, None))?;
    let part = best(&files, |i, file| {
        decode(&mut decoder, file, Some(regions[i]))
    })?;
    let header = best(&files, |_, file| sniff(black_box(file)).map(drop))?;
    println!("{count} images, one core, each one's best of {ROUNDS} rounds; us an image:");
    let us = |time: Duration, count: u32| time.as_secs_f64() * 1e6 / f64::from(count);
    println!("{:>9.2}  sniff", us(header, count));
    println!("{:>9.1}  whole image to RGB", us(whole, count));
    println!(
        "{:>9.1}  region to RGB, {:.1} % of the area",
        us(part, count),
        100.0 * area / f64::from(count)
    );
    let (mut stored, mut parts, mut sources) = (Vec::new(), Vec::new(), 0);
    for ((file, width, height), region) in files.iter().zip(regions) {
        if let (Encoding::Jpeg, payload) = pack(file, Encoding::Jpeg) {
            sources += file.len();
            stored.push((payload.into_owned(), *width, *height));
            parts.push(region);
        }
    }
    let count = stored.len() as u32;
    let payloads: usize = stored.iter().map(|(payload, ..)| payload.len()).sum();
    let corner = Region {
        x: 0,
        y: 0,
        width: 1,
        height: 1,
    };
    println!(
        "{count} of them seek-indexed, in {:.4} of the files' bytes:",
        payloads as f64 / sources as f64
    );
    for level in Level::available() {
        let mut decoder = Decoder::with_level(*level)?;
        let mut planes = |name: &str, region: &dyn Fn(usize) -> Option<Region>| {
            let time = best(&stored, |i, payload| {
                decoder
                    .decode_native(Encoding::Jpeg, black_box(payload), region(i))
                    .map(|planes| drop(black_box(planes)))
            })?;
            println!("{:>9.1}  {level:?}, {name}", us(time, count));
            Ok::<_, CodecError>(())
        };
        planes("whole image to planes", &|_| None)?;
        planes("region to planes", &|i| Some(parts[i]))?;
        planes("one pixel: header, tables, an MCU", &|_| Some(corner))?;
    }
    Ok(())
}

fn decode(decoder: &mut Decoder, file: &[u8], region: Option<Region>) -> Result<(), CodecError> {
    decoder
        .decode(Encoding::Source, black_box(file), region)
        .map(|decoded| {
            black_box(decoded.pixels);
        })
}

/// The sum of each image's shortest time.
fn best(
    files: &[(Vec<u8>, u32, u32)],
    mut work: impl FnMut(usize, &[u8]) -> Result<(), CodecError>,
) -> Result<Duration, CodecError> {
    let mut best = vec![Duration::MAX; files.len()];
    for _ in 0..ROUNDS {
        for (i, (file, ..)) in files.iter().enumerate() {
            let start = Instant::now();
            work(i, file)?;
            best[i] = best[i].min(start.elapsed());
        }
    }
    Ok(best.iter().sum())
}

fn read_images(directory: &Path, into: &mut Vec<(Vec<u8>, u32, u32)>) -> std::io::Result<()> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_images(&path, into)?;
            continue;
        }
        let file = std::fs::read(&path)?;
        if let Ok(info) = sniff(&file) {
            into.push((file, info.width, info.height));
        }
    }
    Ok(())
}

/// A small generator of its own: the example must not need more than the crate.
struct Random(u64);

impl Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn crop(&mut self, width: u32, height: u32) -> Region {
        for _ in 0..10 {
            let area = f64::from(width) * f64::from(height) * self.between(0.08, 1.0);
            let ratio = self.between(0.75f64.ln(), (4.0 / 3.0f64).ln()).exp();
            let (w, h) = (
                (area * ratio).sqrt().round() as u32,
                (area / ratio).sqrt().round() as u32,
            );
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let x = self.between(0.0, f64::from(width - w + 1)) as u32;
                let y = self.between(0.0, f64::from(height - h + 1)) as u32;
                return Region {
                    x,
                    y,
                    width: w,
                    height: h,
                };
            }
        }
        Region::whole(width, height)
    }
}
