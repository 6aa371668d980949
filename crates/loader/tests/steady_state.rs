//! A loader that has seen its images allocates no more: counted with the global allocator, over all
//! threads. A process of its own, so that no other test's allocations are counted.
#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::num::NonZeroU32;
use std::sync::Arc;

use codec::{Encoding, Sampling, encode_jpeg};
use imshard_loader::{
    BatchMix, Erase, Loader, LoaderConfig, Normalize, OnError, Output, Preprocess, RandomErasing,
    Sampling as Visits, Train,
};
use record::{Io, NewRecord, Shard, ShardWriter, Split};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Endless batches of four small images, with a policy and erasing.
fn config(policy: &str, vflip: f64, splits: bool) -> LoaderConfig {
    let train = Train {
        vflip,
        policy: Some(policy.parse().unwrap()),
        erase: Some(Erase {
            erasing: RandomErasing::new(0.5).unwrap(),
            fill: Normalize::default().rounded_mean(),
        }),
        splits,
        ..Train::default()
    };
    LoaderConfig::train(4, 75)
        .with_seed(1)
        .with_epochs(u64::MAX)
        .with_workers(2)
        .with_slots(3)
        .with_preprocess(Preprocess::Train(train))
}

#[test]
fn nothing_is_allocated_for_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let split = split(&dir.path().join("train-00000-of-00001.shard"));
    let mix = BatchMix::new(0.2, 1.0, 1.0).unwrap();
    let bytes = config("autoaug", 0.5, false).with_mix(Some(mix));
    let floats = bytes
        .clone()
        .with_output(Output::F32Nchw(Normalize::default()))
        .with_on_error(OnError::Skip);
    let views = config("augmix", 0.0, true).with_sampling(Visits {
        repeats: NonZeroU32::new(2).unwrap(),
        ..Visits::default()
    });
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
