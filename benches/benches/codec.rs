//! The hot stages of `codec`: regions to planes from both indexed encodings at each instruction level, exact RGB, and
//! packing. Times are per image.
//!
//! `cargo bench -p benches --bench codec` uses generated pictures, `IMAGES=DIR cargo bench -p benches --bench codec`
//! all JPEGs below DIR. Regions are drawn as in training.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::{drawn_region, files_below};
use codec::{
    Decoder, EncodeOptions, Encoding, ImageFile, Level, Native, Region, Sampling, TableTrainer,
    Tables, pack, pack_file, pack_with, sniff,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// The mean size of ImageNet's training images.
const IMAGE: (u32, u32) = (468, 401);
/// Generated pictures. A single image would stay in the cache.
const MADE: u32 = 12;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10)
        .without_plots();
    targets = decoding, packing
}
criterion_main!(benches);

/// Files that both encodings accept, and a region of each.
struct Images {
    files: Vec<Vec<u8>>,
    regions: Vec<Region>,
    tables: Arc<Tables>,
}

impl Images {
    fn new() -> Self {
        let all = match std::env::var_os("IMAGES") {
            Some(directory) => files_below(Path::new(&directory))
                .unwrap()
                .into_iter()
                .map(|path| std::fs::read(path).unwrap())
                .collect(),
            None => (0..MADE).map(made).collect::<Vec<_>>(),
        };
        let mut trainer = TableTrainer::new();
        all.iter().for_each(|file| trainer.add(file));
        let tables = Arc::new(trainer.finish().unwrap());
        let files: Vec<_> = all
            .into_iter()
            .filter(|file| pack(file, Encoding::Jpeg).0 == Encoding::Jpeg)
            .collect();
        assert!(!files.is_empty(), "there is no baseline JPEG");
        let regions = files.iter().zip(0..).map(|(file, position)| {
            let info = sniff(file).unwrap();
            drawn_region(info.width, info.height, position)
        });
        Images {
            regions: regions.collect(),
            files,
            tables,
        }
    }

    fn packed(&self, wanted: Encoding) -> Vec<(Encoding, Vec<u8>)> {
        let packed = self.files.iter().map(|file| {
            let (encoding, payload) = pack_with(file, wanted, &self.tables);
            (encoding, payload.into_owned())
        });
        packed.collect()
    }

    fn decoder(&self, level: Level) -> Decoder {
        let decoder = Decoder::with_level(level).unwrap();
        decoder.with_tables(self.tables.clone())
    }

    /// Measures work on all images in turn, and reports the mean.
    fn each(&self, c: &mut Criterion, name: &str, mut work: impl FnMut(usize)) {
        c.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                let start = Instant::now();
                for _ in 0..rounds {
                    (0..self.files.len()).for_each(&mut work);
                }
                start.elapsed() / self.files.len() as u32
            });
        });
    }
}

fn decoding(c: &mut Criterion) {
    let images = Images::new();
    let encodings =
        [Encoding::Jpeg, Encoding::Recoded].map(|wanted| (wanted, images.packed(wanted)));
    for &level in Level::available().iter().rev() {
        for (name, regions) in [("region", true), ("whole image", false)] {
            for (wanted, packed) in &encodings {
                let mut decoder = images.decoder(level);
                images.each(c, &format!("{name} to planes, {wanted}, {level:?}"), |i| {
                    let (encoding, payload) = &packed[i];
                    let region = regions.then(|| images.regions[i]);
                    let native = decoder.decode_native(*encoding, black_box(payload), region);
                    if let Native::Planes(planes) = native.unwrap() {
                        black_box(planes.luma.data);
                    }
                });
            }
        }
    }
    let corner = Region {
        x: 0,
        y: 0,
        width: 1,
        height: 1,
    };
    for (wanted, packed) in &encodings {
        let mut decoder = images.decoder(Level::best());
        images.each(c, &format!("one pixel to planes, {wanted}"), |i| {
            let (encoding, payload) = &packed[i];
            black_box(
                decoder
                    .decode_native(*encoding, payload, Some(corner))
                    .is_ok(),
            );
        });
        images.each(c, &format!("region to exact RGB, {wanted}"), |i| {
            let (encoding, payload) = &packed[i];
            let decoded = decoder.decode(*encoding, payload, Some(images.regions[i]));
            black_box(decoded.unwrap().pixels);
        });
    }
    let mut decoder = images.decoder(Level::best());
    images.each(c, "region to exact RGB, source (libjpeg-turbo)", |i| {
        let file = black_box(&images.files[i]);
        let decoded = decoder.decode(Encoding::Source, file, Some(images.regions[i]));
        black_box(decoded.unwrap().pixels);
    });
}

fn packing(c: &mut Criterion) {
    let images = Images::new();
    for wanted in [Encoding::Jpeg, Encoding::Recoded] {
        images.each(c, &format!("pack, {wanted}"), |i| {
            black_box(pack_with(
                black_box(&images.files[i]),
                wanted,
                &images.tables,
            ));
        });
    }
    images.each(c, "one walk over a header", |i| {
        black_box(ImageFile::read(black_box(&images.files[i])).is_ok());
    });
    let mut decoder = images.decoder(Level::best());
    images.each(c, "header, health and pack, jpeg", |i| {
        let file = ImageFile::read(black_box(&images.files[i])).unwrap();
        black_box(decoder.file_health(&file));
        black_box(pack_file(&file, Encoding::Jpeg, None));
    });
    images.each(c, "health of the source (libjpeg-turbo)", |i| {
        black_box(decoder.health(Encoding::Source, black_box(&images.files[i])));
    });
}

/// Waves, edges and noise in a JPEG: about as many coefficients as a photograph's.
fn made(number: u32) -> Vec<u8> {
    let (width, height) = IMAGE;
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|at| {
            let (x, y) = (at / 3 % width, at / 3 / width);
            let noise = at.wrapping_mul(2_654_435_761).wrapping_add(number << 20) >> 28;
            let edge = (x / (20 + number) + y / 31) % 2 * 50;
            let wave = 60.0 * ((x + y * (1 + number % 3)) as f32 * 0.05).sin();
            (90.0 + wave + (noise + edge) as f32) as u8
        })
        .collect();
    let sampling = [Sampling::S444, Sampling::S420][usize::from(number % 4 == 3)];
    let options = EncodeOptions {
        optimize: true,
        ..EncodeOptions::new(90, sampling)
    };
    options.encode(&pixels, width, height).unwrap()
}
