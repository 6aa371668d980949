//! Small shards of small JPEGs, configurations for them, and batches in a form that can be compared.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use augment::{ColorJitter, Filter, Normalize, RandomErasing};
use codec::{Encoding, Sampling, encode_jpeg};
use record::{Io, NewRecord, Shard, ShardWriter, Split};
use tempfile::TempDir;

use crate::worker::Job;
use crate::{
    Batch, Cursor, Erase, Images, Loader, LoaderConfig, LoaderError, Output, Preprocess, Shuffle,
    Train,
};

/// Side of the images in the batches.
pub(super) const SIZE: u32 = 16;

/// A payload to be stored, and the size that its index entry claims.
pub(super) struct Source {
    pub(super) payload: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A JPEG whose pixels and size differ from one number to the next.
pub(super) fn jpeg(number: usize) -> Source {
    let (width, height) = (20 + (number % 5) as u32 * 3, 18 + (number % 7) as u32 * 2);
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x as usize, y as usize)))
        .flat_map(|(x, y)| {
            [
                x * 7 + number * 11,
                y * 9 + number * 5,
                (x + y) * 3 + number * 29,
            ]
            .map(|v| v as u8)
        })
        .collect();
    let payload = encode_jpeg(&pixels, width, height, 90, Sampling::S420).unwrap();
    Source {
        payload,
        width,
        height,
    }
}

/// Shards in their own directory, which is removed with them.
pub(super) struct Shards {
    dir: TempDir,
    files: Vec<PathBuf>,
}

impl Shards {
    /// `count` JPEGs over three shards of unequal size.
    pub(super) fn of_jpegs(count: usize) -> Shards {
        let sources: Vec<Source> = (0..count).map(jpeg).collect();
        Shards::of(sources)
    }

    /// The label of a record is its number, and its key names it. Files are stored seek-indexed if possible.
    pub(super) fn of(sources: Vec<Source>) -> Shards {
        let mut shards = Shards {
            dir: TempDir::new().unwrap(),
            files: Vec::new(),
        };
        let (first, second) = (sources.len() / 2, sources.len() * 3 / 4);
        for range in [0..first, first..second, second..sources.len()] {
            let path = shards
                .dir
                .path()
                .join(format!("train-{:05}-of-00003.shard", shards.files.len()));
            let mut writer = ShardWriter::create(&path).unwrap();
            for number in range {
                let Source {
                    payload,
                    width,
                    height,
                } = &sources[number];
                let (encoding, payload) = codec::pack(payload, Encoding::Jpeg);
                let record = NewRecord {
                    key: &key(number),
                    label: number as u32,
                    width: *width,
                    height: *height,
                    encoding: encoding.to_tag(),
                };
                writer.push(&record, &payload).unwrap();
            }
            writer.finish(b"").unwrap();
            shards.files.push(path);
        }
        shards
    }

    pub(super) fn split(&self) -> Arc<Split> {
        self.open(Io::Map)
    }

    pub(super) fn open(&self, io: Io) -> Arc<Split> {
        let shards = self
            .files
            .iter()
            .map(|path| Shard::open(path, io).unwrap())
            .collect();
        Arc::new(Split::new("train", shards))
    }

    /// Flips a bit in the middle of a record's payload.
    pub(super) fn damage(&self, record: u64) {
        let split = self.split();
        let (shard, index) = split.locate(record).unwrap();
        let entry = shard.entry(index).unwrap();
        let offset = entry.offset + u64::from(entry.length / 2);
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(shard.path())
            .unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
    }
}

pub(super) fn key(number: usize) -> String {
    format!("class{}/image{number}.jpg", number % 3)
}

/// Everything that draws random numbers is on.
pub(super) fn train(batch: u32, epochs: u64) -> LoaderConfig {
    LoaderConfig {
        workers: 2,
        slots: 3,
        drop_last: false,
        seed: 42,
        epochs,
        preprocess: Preprocess::Train(Train {
            vflip: 0.5,
            jitter: Some(ColorJitter::new(0.4, 0.4, 0.4).unwrap()),
            policy: Some("autoaug".parse().unwrap()),
            erase: Some(Erase {
                erasing: RandomErasing::new(0.5).unwrap(),
                fill: [124, 116, 104],
            }),
            ..Train::default()
        }),
        ..LoaderConfig::train(batch, SIZE)
    }
}

pub(super) fn eval(batch: u32) -> LoaderConfig {
    LoaderConfig {
        shuffle: Shuffle::None,
        preprocess: Preprocess::Eval {
            crop_pct: 0.875,
            filter: Filter::Bilinear,
        },
        ..train(batch, 1)
    }
}

pub(super) fn floats(config: LoaderConfig) -> LoaderConfig {
    LoaderConfig {
        output: Output::F32Nchw(Normalize::default()),
        ..config
    }
}

/// Everything that a consumer can see of a batch.
#[derive(Debug, PartialEq)]
pub(super) struct Delivered {
    pub(super) cursor: (u64, u64),
    pub(super) next: Cursor,
    pub(super) bytes: Vec<u8>,
    pub(super) floats: Vec<f32>,
    pub(super) labels: Vec<u32>,
    pub(super) records: Vec<u64>,
    pub(super) positions: Vec<u64>,
    pub(super) keys: Vec<String>,
    pub(super) skipped: Vec<String>,
}

impl From<Batch<'_>> for Delivered {
    fn from(batch: Batch<'_>) -> Delivered {
        let (bytes, floats) = match batch.images() {
            Images::U8(bytes) => (bytes.to_vec(), vec![]),
            Images::F32(floats) => (vec![], floats.to_vec()),
        };
        Delivered {
            cursor: (batch.epoch(), batch.step()),
            next: batch.next_cursor(),
            bytes,
            floats,
            labels: batch.labels().to_vec(),
            records: batch.records().to_vec(),
            positions: batch.positions().to_vec(),
            keys: batch.keys().map(str::to_owned).collect(),
            skipped: batch.skipped().iter().map(ToString::to_string).collect(),
        }
    }
}

pub(super) fn start(split: &Arc<Split>, config: LoaderConfig) -> Loader {
    Loader::start(split.clone(), config).unwrap()
}

/// Like [`start`], with a fault in the worker that gets a record.
pub(super) fn sabotaged(split: &Arc<Split>, config: LoaderConfig, sabotage: fn(u64)) -> Loader {
    let mut job = Job::new(split.clone(), &config).unwrap();
    job.sabotage = sabotage;
    Loader::start_job(job, &config).unwrap()
}

pub(super) fn next(loader: &mut Loader) -> Option<Result<Delivered, LoaderError>> {
    Some(loader.next()?.map(Delivered::from))
}

/// Everything to the end, without an error.
pub(super) fn all(split: &Arc<Split>, config: LoaderConfig) -> Vec<Delivered> {
    let mut loader = start(split, config);
    let batches: Result<_, _> = std::iter::from_fn(|| next(&mut loader)).collect();
    batches.unwrap()
}
