//! Small data sets and small networks, so that whole runs take seconds.
#![allow(unreachable_pub, dead_code)] // each test binary uses a part of it

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use codec::{Encoding, Sampling, encode_jpeg};
use imshard_trainer::log::metrics::{Line, METRICS_FILE};
use imshard_trainer::recipe::Recipe;
use imshard_trainer::run;
use imshard_trainer::run::Outcome;
use imshard_trainer::{Resume, RunError};
use record::{Class, Manifest, NewRecord, ShardName, ShardWriter, SplitInfo, Version};

pub const CLASSES: usize = 3;

/// flex has one generator of random numbers for the whole process. Runs that are compared must not share it, so each
/// test that trains holds this.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A JPEG of 96 x 80 pixels. Each class has its own colour, each image its own stripes and shade.
pub fn image(class: usize, number: usize) -> Vec<u8> {
    let (width, height) = (96, 80);
    let mut pixels = vec![0; width * height * 3];
    for (index, value) in pixels.iter_mut().enumerate() {
        let (x, channel) = (index / 3 % width, index % 3);
        let stripe = if (x / (4 + number % 5)).is_multiple_of(2) {
            30
        } else {
            0
        };
        let base = if channel == class { 170 } else { 60 };
        *value = u8::try_from(base + stripe + (number * 7) % 30).unwrap();
    }
    encode_jpeg(&pixels, width as u32, height as u32, 90, Sampling::S444).unwrap()
}

pub fn key(split: &str, class: usize, number: usize) -> String {
    format!("class{class}/{split}{number}.JPEG")
}

/// A data set with one shard per split.
pub fn data_set(dir: &Path, train: usize, val: usize) {
    let classes = (0..CLASSES)
        .map(|class| Class {
            synset: format!("class{class}"),
            names: vec![format!("colour {class}")],
        })
        .collect();
    let splits = BTreeMap::from([
        ("train".to_owned(), split(dir, "train", train)),
        ("val".to_owned(), split(dir, "val", val)),
    ]);
    let manifest = Manifest {
        format: Version::CURRENT,
        tool: "test".to_owned(),
        encoding: "source".to_owned(),
        tables: None,
        options: BTreeMap::new(),
        classes,
        splits,
        odd: Vec::new(),
    };
    manifest.write(dir).unwrap();
}

fn split(dir: &Path, split: &str, images: usize) -> SplitInfo {
    let name = ShardName::new(split, 0, 1).unwrap();
    let mut writer = ShardWriter::create(dir.join(name.to_string())).unwrap();
    for number in 0..images {
        let class = number % CLASSES;
        let record = NewRecord {
            key: &key(split, class, number),
            label: class as u32,
            width: 96,
            height: 80,
            encoding: Encoding::Source.to_tag(),
        };
        writer.push(&record, &image(class, number)).unwrap();
    }
    let shard = writer.finish(b"").unwrap();
    SplitInfo {
        layout: "folders".to_owned(),
        records: shard.records,
        bytes: shard.bytes,
        shards: vec![shard],
    }
}

/// A tiny network on 75 px, with everything random switched on; checkpoints and data under `dir`.
pub fn recipe(dir: &Path) -> Recipe {
    Recipe {
        data_dir: dir.join("data"),
        ckpt_save_dir: dir.join("run"),
        workers: NonZeroUsize::new(1),
        log_interval: NonZeroU64::new(1000).unwrap(),
        batch_size: NonZeroU32::new(4).unwrap(),
        image_resize: NonZeroU32::new(75).unwrap(),
        width: 0.1,
        blocks: Some([1, 1, 1]),
        drop_rate: 0.2,
        bn_momentum: 0.1,
        re_prob: 0.25,
        epoch_size: NonZeroU64::new(2).unwrap(),
        lr: 0.02,
        min_lr: 0.0,
        warmup_epochs: 1,
        decay_epochs: 1,
        weight_decay: 4e-5,
        label_smoothing: 0.1,
        val_while_train: true,
        ..Recipe::default()
    }
}

pub fn train(recipe: &Recipe, resume: &Resume) -> Result<Outcome, RunError> {
    run::train(recipe, resume, &AtomicBool::new(false))
}

/// The lines of `metrics.jsonl`, without the values that depend on the clock.
pub fn metrics(dir: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(dir.join(METRICS_FILE)).unwrap();
    let mut lines: Vec<Line> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.retain(|line| !matches!(line, Line::Run(_)));
    for line in &mut lines {
        match line {
            Line::Train(train) => (train.img_per_s, train.data_wait) = (0.0, 0.0),
            Line::Validation { evaluation, .. } => evaluation.seconds = 0.0,
            Line::Run(_) => {}
        }
    }
    lines
}
