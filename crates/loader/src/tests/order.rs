//! The delivered batches are the same for any number of workers, slots and ranks, and from any cursor.

use std::collections::HashMap;
use std::num::NonZeroU64;

use augment::{Filter, Normalize};
use codec::{Decoder, Encoding};
use record::Io;

use super::fixture::{Delivered, SIZE, Shards, Source, all, eval, floats, jpeg, key, start, train};
use crate::{Cursor, Decode, LoaderConfig, Preprocess, Shuffle, Train, Tuning};

const COUNT: usize = 23;

#[test]
fn workers_and_slots_change_nothing() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let windowed = LoaderConfig {
        shuffle: Shuffle::Window(NonZeroU64::new(7).unwrap()),
        ..train(4, 3)
    };
    for config in [train(4, 3), eval(5), floats(train(4, 2)), windowed] {
        let expected = all(
            &split,
            LoaderConfig {
                workers: 1,
                slots: 1,
                ..config.clone()
            },
        );
        for (workers, slots) in [(1, 4), (2, 1), (2, 3), (7, 2), (7, 5)] {
            let found = all(
                &split,
                LoaderConfig {
                    workers,
                    slots,
                    ..config.clone()
                },
            );
            assert!(found == expected, "{workers} workers, {slots} slots");
        }
        for tuning in [(0, true), (1, false), (1000, true)] {
            let (readahead, pin) = tuning;
            let tuning = Tuning { readahead, pin };
            let found = all(
                &split,
                LoaderConfig {
                    tuning,
                    ..config.clone()
                },
            );
            assert!(found == expected, "{tuning:?}");
        }
        let preads = all(&shards.open(Io::Pread), config);
        assert!(preads == expected, "by positioned reads");
    }
}

#[test]
fn ranks_together_are_one_big_rank() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let one = all(&split, train(6, 2));
    let ranks: Vec<_> = (0..3)
        .map(|rank| {
            all(
                &split,
                LoaderConfig {
                    world: 3,
                    rank,
                    ..train(2, 2)
                },
            )
        })
        .collect();
    for (step, expected) in one.iter().enumerate() {
        let mut together: Vec<&Delivered> = ranks.iter().map(|rank| &rank[step]).collect();
        assert!(
            together
                .iter()
                .all(|part| (part.cursor, part.next) == (expected.cursor, expected.next))
        );
        let joined = |part: fn(&Delivered) -> &[u8]| {
            together
                .iter()
                .flat_map(|d| part(d).to_vec())
                .collect::<Vec<_>>()
        };
        assert!(joined(|part| &part.bytes) == expected.bytes, "step {step}");
        together.retain(|part| !part.labels.is_empty());
        assert_eq!(
            together
                .iter()
                .flat_map(|part| part.records.clone())
                .collect::<Vec<_>>(),
            expected.records
        );
        assert_eq!(
            together
                .iter()
                .flat_map(|part| part.positions.clone())
                .collect::<Vec<_>>(),
            expected.positions
        );
    }
    assert!(ranks.iter().all(|rank| rank.len() == one.len()));
}

#[test]
fn a_run_resumes_anywhere_as_if_it_had_not_stopped() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let whole = all(&split, train(5, 3));
    assert_eq!(whole.len(), 15);
    for (done, batch) in whole.iter().enumerate() {
        let rest = all(
            &split,
            LoaderConfig {
                start: batch.next,
                ..train(5, 3)
            },
        );
        assert!(rest == whole[done + 1..], "after {done}");
    }
}

#[test]
fn the_cursor_follows_what_was_delivered_not_what_was_prefetched() {
    let shards = Shards::of_jpegs(COUNT);
    let mut loader = start(
        &shards.split(),
        LoaderConfig {
            slots: 6,
            ..train(5, 2)
        },
    );
    assert_eq!(loader.steps_per_epoch(), 5);
    for turn in 0..10 {
        let at = Cursor {
            epoch: turn / 5,
            step: turn % 5,
        };
        assert_eq!(loader.cursor(), at);
        let batch = loader.next().unwrap().unwrap();
        assert_eq!((batch.epoch(), batch.step()), (at.epoch, at.step));
        drop(batch);
    }
    assert_eq!(loader.cursor(), Cursor { epoch: 2, step: 0 });
    assert!(loader.next().is_none());
}

#[test]
fn every_epoch_has_every_record_once_and_another_order() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let batches = all(&split, train(4, 3));
    let mut orders = vec![];
    for epoch in 0..3 {
        let of_epoch: Vec<_> = batches
            .iter()
            .filter(|batch| batch.cursor.0 == epoch)
            .collect();
        let sizes: Vec<usize> = of_epoch.iter().map(|batch| batch.labels.len()).collect();
        assert_eq!(sizes, [4, 4, 4, 4, 4, 3]);
        let order: Vec<u64> = of_epoch
            .iter()
            .flat_map(|batch| batch.records.clone())
            .collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..COUNT as u64).collect::<Vec<_>>());
        let positions: Vec<u64> = of_epoch
            .iter()
            .flat_map(|batch| batch.positions.clone())
            .collect();
        assert_eq!(positions, (0..COUNT as u64).collect::<Vec<_>>());
        orders.push(order);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2]);
}

#[test]
fn labels_records_and_keys_belong_together() {
    let shards = Shards::of_jpegs(COUNT);
    for batch in all(&shards.split(), train(4, 1)) {
        for ((&label, &record), name) in batch.labels.iter().zip(&batch.records).zip(&batch.keys) {
            assert_eq!(u64::from(label), record);
            assert_eq!(*name, key(record as usize));
        }
    }
}

#[test]
fn the_last_incomplete_batch_can_be_dropped() {
    let shards = Shards::of_jpegs(COUNT);
    let batches = all(
        &shards.split(),
        LoaderConfig {
            drop_last: true,
            ..train(4, 2)
        },
    );
    assert_eq!(
        batches
            .iter()
            .map(|batch| batch.labels.len())
            .collect::<Vec<_>>(),
        [4; 10]
    );
}

#[test]
fn a_rank_without_a_share_of_the_last_step_gets_an_empty_batch() {
    let shards = Shards::of_jpegs(9);
    let config = LoaderConfig {
        world: 4,
        rank: 3,
        ..train(2, 2)
    };
    let sizes: Vec<usize> = all(&shards.split(), config)
        .iter()
        .map(|batch| batch.labels.len())
        .collect();
    assert_eq!(sizes, [2, 0, 2, 0]);
}

/// Images that need no scaling come through as decoded, each at its place.
#[test]
fn pixels_are_those_of_the_record() {
    let source = |number| {
        let pixels: Vec<u8> = (0..SIZE * SIZE * 3)
            .map(|i| (i as usize * 3 + number * 17) as u8)
            .collect();
        let payload = codec::encode_jpeg(&pixels, SIZE, SIZE, 95, codec::Sampling::S444).unwrap();
        Source {
            payload,
            width: SIZE,
            height: SIZE,
        }
    };
    let shards = Shards::of((0..10).map(source).collect());
    let whole = Preprocess::Eval {
        crop_pct: 1.0,
        filter: Filter::Bilinear,
    };
    let config = LoaderConfig {
        shuffle: Shuffle::Full,
        preprocess: whole,
        workers: 3,
        ..eval(4)
    };
    let mut decoder = Decoder::new().unwrap();
    for batch in all(&shards.split(), config) {
        for (image, &record) in batch
            .bytes
            .chunks((SIZE * SIZE * 3) as usize)
            .zip(&batch.records)
        {
            let payload = source(record as usize).payload;
            let expected = decoder.decode(Encoding::Source, &payload, None).unwrap();
            assert!(image == expected.pixels, "record {record}");
        }
    }
}

#[test]
fn floats_are_the_normalised_bytes() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let image = (SIZE * SIZE * 3) as usize;
    for (bytes, floats) in all(&split, train(4, 1))
        .iter()
        .zip(all(&split, floats(train(4, 1))))
    {
        assert_eq!(bytes.records, floats.records);
        assert_eq!(bytes.bytes.len(), floats.floats.len());
        for (pixels, planes) in bytes.bytes.chunks(image).zip(floats.floats.chunks(image)) {
            let mut expected = vec![0.0; image];
            Normalize::default().apply(pixels, &mut expected).unwrap();
            assert!(planes == expected);
        }
    }
}

#[test]
fn augmentation_differs_by_epoch_and_not_by_run() {
    let shards = Shards::of(vec![jpeg(1)]);
    let split = shards.split();
    let images: Vec<Vec<u8>> = all(&split, train(1, 8))
        .into_iter()
        .map(|batch| batch.bytes)
        .collect();
    let mut counts: HashMap<&Vec<u8>, u32> = HashMap::new();
    images
        .iter()
        .for_each(|image| *counts.entry(image).or_default() += 1);
    assert_eq!(counts.len(), 8, "each epoch draws anew");
    let again: Vec<Vec<u8>> = all(&split, train(1, 8))
        .into_iter()
        .map(|batch| batch.bytes)
        .collect();
    assert!(again == images);
}

/// Colours that change slowly, so that only rounding distinguishes the two ways.
fn smooth(number: usize) -> Source {
    let (width, height) = (60 + number as u32 * 7, 50 + number as u32 * 3);
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| [60 + x, 200 - y, 90 + (x + y) / 2].map(|v| v as u8))
        .collect();
    let sampling = [codec::Sampling::S444, codec::Sampling::S420][number % 2];
    let payload = codec::encode_jpeg(&pixels, width, height, 95, sampling).unwrap();
    Source {
        payload,
        width,
        height,
    }
}

#[test]
fn fast_is_close_to_exact_and_not_the_same() {
    let split = Shards::of((0..12).map(smooth).collect()).split();
    let plain = |decode| LoaderConfig {
        decode,
        preprocess: Preprocess::Train(Train::default()),
        ..train(4, 2)
    };
    let (fast, exact) = (
        all(&split, plain(Decode::Fast)),
        all(&split, plain(Decode::Exact)),
    );
    assert!(fast != exact, "the fast way was not taken");
    for (fast, exact) in fast.iter().zip(&exact) {
        assert_eq!(fast.records, exact.records);
        let differences = fast.bytes.iter().zip(&exact.bytes);
        let worst = differences.map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(4), "{worst:?} levels apart");
    }
}
