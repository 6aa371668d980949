//! A loader that has seen its images allocates no more: counted with the global allocator, over all
//! threads. A process of its own, so that no other test's allocations are counted.
#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::sync::Arc;

use codec::{Encoding, Sampling, encode_jpeg};
use imshard_loader::{Cursor, Loader, LoaderConfig, LoaderRecipe, OnError, Output};
use record::{Io, NewRecord, Shard, ShardWriter, Split};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RECIPE: &str = r#"{
    "batch_size": 4, "image_resize": 75, "vflip": 0.5, "auto_augment": "autoaug", "re_prob": 0.5,
    "mixup": 0.2, "cutmix": 1.0
}"#;

const SPLITS: &str = r#"{
    "batch_size": 4, "image_resize": 75, "auto_augment": "augmix", "aug_splits": 3, "aug_repeats": 2, "re_prob": 0.5
}"#;

#[test]
fn nothing_is_allocated_for_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let split = split(&dir.path().join("train-00000-of-00001.shard"));
    let recipe: LoaderRecipe = serde_json::from_str(RECIPE).unwrap();
    let bytes = recipe.train(Cursor::start(1), u64::MAX, 2, 3).unwrap();
    let floats = LoaderConfig {
        output: Output::F32Nchw(recipe.normalize().unwrap()),
        on_error: OnError::Skip,
        ..bytes.clone()
    };
    let splits: LoaderRecipe = serde_json::from_str(SPLITS).unwrap();
    let views = splits.train(Cursor::start(1), u64::MAX, 2, 3).unwrap();
    for config in [bytes, floats, views] {
        let mut loader = Loader::start(split.clone(), config).unwrap();
        let mut take = |batches: usize| {
            for _ in 0..batches {
                assert_eq!(loader.next().unwrap().unwrap().len(), 4);
            }
        };
        // Long enough for every worker to have met every image and operation.
        take(400);
        let region = Region::new(ALLOCATOR);
        take(400);
        let change = region.change();
        assert!(
            change.allocations + change.reallocations <= 2,
            "1600 images took {change:?}"
        );
    }
}

fn split(path: &std::path::Path) -> Arc<Split> {
    let mut writer = ShardWriter::create(path).unwrap();
    for number in 0..16u32 {
        let (width, height) = (90 + number, 130 - number);
        let pixels: Vec<u8> = (0..width * height * 3)
            .map(|at| ((at * (number + 3)) >> 3) as u8)
            .collect();
        let sampling = [Sampling::S420, Sampling::S444][number as usize % 2];
        let file = encode_jpeg(&pixels, width, height, 90, sampling).unwrap();
        let (encoding, payload) = codec::pack(&file, Encoding::Jpeg);
        let record = NewRecord {
            key: &format!("a/{number}"),
            label: number,
            width,
            height,
            encoding: encoding.to_tag(),
        };
        writer.push(&record, &payload).unwrap();
    }
    writer.finish(b"").unwrap();
    Arc::new(Split::new(
        "train",
        vec![Shard::open(path, Io::Map).unwrap()],
    ))
}
