//! What the pipeline adds to the kernels that it runs. Compares a plain loop that decodes and resamples records with a
//! loader with one worker that delivers the same records in batches. Also measures the plan and the shuffles by
//! themselves.
//!
//! `cargo bench -p benches --bench loader`. For rates on real images, use `shard bench`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use augment::{FusedResampler, RandomResizedCrop, SampleRng};
use codec::{Decoder, Encoding, Native, Sampling, encode_jpeg};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loader::{Loader, LoaderConfig, Plan, PlanSpec, Shuffle};
use record::{Io, NewRecord, Shard, ShardWriter, Split};

/// The mean size of ImageNet's training images.
const IMAGE: (u32, u32) = (468, 401);
const SIDE: u32 = 299;
const RECORDS: u64 = 64;
const BATCH: u32 = 16;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .without_plots();
    targets = pipeline, plans
}
criterion_main!(benches);

fn pipeline(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let split = split(&dir.path().join("train-00000-of-00001.shard"));
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(u64::from(BATCH)));

    let mut worker = Bare::new();
    group.bench_function("bare kernels, a batch", |b| b.iter(|| worker.batch(&split)));
    for workers in [1, 2] {
        let mut loader = Loader::start(split.clone(), config(workers)).unwrap();
        group.bench_function(format!("loader with {workers} worker(s), a batch"), |b| {
            b.iter(|| black_box(loader.next().unwrap().unwrap().len()));
        });
    }
}

/// Crop, scale and flip, with nothing else around it.
struct Bare {
    decoder: Decoder,
    resampler: FusedResampler,
    crop: RandomResizedCrop,
    out: Vec<u8>,
    scratch: Vec<u8>,
    position: u64,
}

impl Bare {
    fn new() -> Self {
        Bare {
            decoder: Decoder::new().unwrap(),
            resampler: FusedResampler::new(),
            crop: RandomResizedCrop::default(),
            out: vec![0; (SIDE * SIDE * 3 * BATCH) as usize],
            scratch: Vec::new(),
            position: 0,
        }
    }

    fn batch(&mut self, split: &Split) {
        for image in self.out.chunks_exact_mut((SIDE * SIDE * 3) as usize) {
            let mut rng = SampleRng::new(1, 0, self.position);
            let record = self.position % RECORDS;
            self.position += 1;
            let payload = split.bytes(record, &mut self.scratch).unwrap();
            let crop = self.crop.sample(IMAGE.0, IMAGE.1, &mut rng);
            let Native::Planes(planes) = self
                .decoder
                .decode_native(Encoding::Jpeg, payload, Some(crop))
                .unwrap()
            else {
                continue;
            };
            self.resampler
                .run(&planes, crop, SIDE, SIDE, rng.chance(0.5), image)
                .unwrap();
        }
        black_box(&self.out);
    }
}

fn config(workers: usize) -> LoaderConfig {
    LoaderConfig::train(BATCH, SIDE)
        .with_seed(1)
        .with_epochs(u64::MAX)
        .with_workers(workers)
        .with_slots(3)
}

fn split(path: &Path) -> Arc<Split> {
    let mut writer = ShardWriter::create(path).unwrap();
    let (width, height) = IMAGE;
    for number in 0..RECORDS as u32 {
        // Waves and noise: about as many coefficients as a photograph's.
        let pixels: Vec<u8> = (0..width * height * 3)
            .map(|at| {
                let noise = (at.wrapping_mul(2_654_435_761).wrapping_add(number) >> 27) as f32;
                (128.0 + 80.0 * ((at / 3 % width + at / 1404) as f32 * 0.05).sin() + noise) as u8
            })
            .collect();
        let file = encode_jpeg(&pixels, width, height, 92, Sampling::S444).unwrap();
        let (encoding, payload) = codec::pack(&file, Encoding::Jpeg);
        let record = NewRecord {
            key: &format!("made/{number}"),
            label: number,
            width,
            height,
            encoding: encoding.to_tag(),
        };
        writer.push(&record, &payload).unwrap();
    }
    writer.finish(b"").unwrap();
    let shard = Shard::open(path, Io::Map).unwrap();
    Arc::new(Split::new("train", vec![shard]))
}

/// Where a sample of ImageNet is, and what to read ahead of it.
fn plans(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    for (name, shuffle) in [
        ("full", Shuffle::Full),
        (
            "window",
            Shuffle::Window(NonZeroU64::MIN.saturating_add(16_383)),
        ),
    ] {
        let plan = Plan::new(PlanSpec {
            records: 1_281_167,
            seed: 42,
            epoch: 3,
            rank: 0,
            world: 8,
            batch: 32,
            drop_last: true,
            shuffle,
            sampling: loader::Sampling::default(),
        })
        .unwrap();
        let mut position = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                position = (position + 977) % 1_281_167;
                (plan.record(position), plan.ahead(position, 64))
            });
        });
    }
}
