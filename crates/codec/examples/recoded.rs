//! Sizes and speeds of the `recoded` encoding beside `jpeg`, on one core:
//! `IMAGES=DIR cargo run --release -p codec --example recoded`.
//!
//! Tables are trained on every other JPEG below DIR; sizes are those of the others. Each record is unpacked and
//! compared with its file. A region like that of random-resized-crop is decoded into planes, at each level of
//! instructions that the processor has: microseconds an image, the mean over the images of each one's best round.
//! With `TABLES=FILE`, the tables are trained on all and written there.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codec::{Decoder, Encoding, Level, Native, Region, TableTrainer, pack, pack_with, unpack_with};

const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::var_os("IMAGES").ok_or("set IMAGES to a directory of JPEG files")?;
    let mut paths = Vec::new();
    list(Path::new(&directory), &mut paths)?;
    let files: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let files: Vec<Vec<u8>> = files
        .into_iter()
        .filter(|file| codec::sniff(file).is_ok())
        .collect();
    if files.len() < 2 {
        return Err("there are no two JPEG files below that directory".into());
    }
    if let Some(out) = std::env::var_os("TABLES") {
        let mut trainer = TableTrainer::new();
        files.iter().for_each(|file| trainer.add(file));
        std::fs::write(out, trainer.finish()?.as_bytes())?;
    }

    let start = Instant::now();
    let mut trainer = TableTrainer::new();
    files.iter().step_by(2).for_each(|file| trainer.add(file));
    let tables = Arc::new(trainer.finish()?);
    println!(
        "tables: {} bytes, {:.1?} for {} files",
        tables.as_bytes().len(),
        start.elapsed(),
        files.len() / 2
    );

    let start = Instant::now();
    let recoded: Vec<_> = files
        .iter()
        .map(|file| pack_with(file, Encoding::Recoded, &tables))
        .collect();
    let each = start.elapsed() / files.len() as u32;
    println!("packed in {each:.0?} an image");
    for (file, (encoding, payload)) in files.iter().zip(&recoded) {
        if unpack_with(*encoding, payload, &tables)? != *file {
            return Err("a file did not come back".into());
        }
    }
    let jpeg: Vec<_> = files
        .iter()
        .map(|file| pack(file, Encoding::Jpeg))
        .collect();
    for (name, first) in [("trained on", 0), ("others", 1)] {
        let sum = |of: &dyn Fn(usize) -> usize| {
            let half = (first..files.len()).step_by(2);
            half.clone().map(of).sum::<usize>() as f64 / half.count() as f64
        };
        let source = sum(&|i| files[i].len());
        let (new, old) = (sum(&|i| recoded[i].1.len()), sum(&|i| jpeg[i].1.len()));
        let other = sum(&|i| usize::from(recoded[i].0 != Encoding::Recoded));
        println!(
            "{name:>10}: source {source:.0}, jpeg {old:.0} ({:.4}), recoded {new:.0} ({:.4}) bytes an image; \
             {:.1} % not recoded",
            old / source,
            new / source,
            other * 100.0
        );
    }

    let mut random = Random(7);
    let mut regions = Vec::new();
    for file in &files {
        let info = codec::sniff(file)?;
        regions.push(random.crop(info.width, info.height));
    }
    for &level in Level::available().iter().rev() {
        let mut decoder = Decoder::with_level(level)?.with_tables(tables.clone());
        let mut best = [
            vec![Duration::MAX; files.len()],
            vec![Duration::MAX; files.len()],
        ];
        for _ in 0..ROUNDS {
            for (packed, best) in [&jpeg, &recoded].into_iter().zip(&mut best) {
                for (i, (encoding, payload)) in packed.iter().enumerate() {
                    let start = Instant::now();
                    if let Native::Planes(planes) =
                        decoder.decode_native(*encoding, black_box(payload), Some(regions[i]))?
                    {
                        black_box(planes.luma.data);
                    }
                    best[i] = best[i].min(start.elapsed());
                }
            }
        }
        let [jpeg, recoded] =
            best.map(|best| best.iter().sum::<Duration>().as_secs_f64() * 1e6 / files.len() as f64);
        println!(
            "{level:?}: a crop takes jpeg {jpeg:.1} us, recoded {recoded:.1} us: {:.2} times as fast",
            jpeg / recoded
        );
    }
    Ok(())
}

fn list(directory: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            list(&path, into)?;
        } else {
            into.push(path);
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
