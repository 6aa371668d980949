//! Damaged records, undecodable images, panics and dead workers give an error with a name, or a counted gap, and never
//! a hang.

use std::panic::panic_any;

use super::fixture::{
    Delivered, SIZE, Shards, Source, all, eval, jpeg, key, next, sabotaged, start, train,
};
use crate::{Fault, LoaderConfig, LoaderError, OnError, SampleError};

const COUNT: usize = 12;
const BAD: u64 = 7; // the second record of the second shard

fn skip(config: LoaderConfig) -> LoaderConfig {
    LoaderConfig {
        on_error: OnError::Skip,
        ..config
    }
}

fn sample_error(result: Option<Result<Delivered, LoaderError>>) -> SampleError {
    match result {
        Some(Err(LoaderError::Sample(error))) => *error,
        other => panic!("no sample error but {other:?}"),
    }
}

/// JPEGs with another payload in the place of `BAD`.
fn with_bad(bad: Source) -> Shards {
    let mut sources: Vec<Source> = (0..COUNT).map(jpeg).collect();
    sources[BAD as usize] = bad;
    Shards::of(sources)
}

/// The batches of a run over sound shards, without the images of record `BAD`.
fn expected_without_bad(config: LoaderConfig) -> Vec<Delivered> {
    let image = (SIZE * SIZE * 3) as usize;
    let mut batches = all(&Shards::of_jpegs(COUNT).split(), config);
    for batch in &mut batches {
        if let Some(place) = batch.records.iter().position(|&record| record == BAD) {
            batch.bytes.drain(place * image..(place + 1) * image);
            batch.labels.remove(place);
            batch.records.remove(place);
            batch.positions.remove(place);
            batch.keys.remove(place);
        }
    }
    batches
}

fn assert_skips_only_bad(shards: &Shards, config: &LoaderConfig, message: &str) {
    let mut found = all(&shards.split(), skip(config.clone()));
    let mut skipped = vec![];
    found
        .iter_mut()
        .for_each(|batch| skipped.append(&mut batch.skipped));
    assert!(found == expected_without_bad(config.clone()));
    assert_eq!(skipped.len() as u64, config.epochs);
    for said in skipped {
        assert!(
            said.contains("train-00001-of-00003.shard: record 1 (class1/image7.jpg)"),
            "{said}"
        );
        assert!(said.contains(message), "{said}");
    }
}

fn assert_fails_at_bad(shards: &Shards, message: &str) {
    let mut loader = start(&shards.split(), eval(4));
    assert_eq!(next(&mut loader).unwrap().unwrap().records, [0, 1, 2, 3]);
    let error = sample_error(next(&mut loader));
    assert_eq!(
        (error.record, error.record_in_shard, &error.key),
        (BAD, 1, &key(7))
    );
    assert!(
        error.shard.ends_with("train-00001-of-00003.shard"),
        "{}",
        error.shard.display()
    );
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(
        next(&mut loader).unwrap().unwrap().records,
        [8, 9, 10, 11],
        "the following step is intact"
    );
    assert!(next(&mut loader).is_none());
    assert_eq!(loader.stats().failures, 1);
}

#[test]
fn a_flipped_bit_is_found_named_and_skipped() {
    let shards = Shards::of_jpegs(COUNT);
    shards.damage(BAD);
    assert_fails_at_bad(&shards, "is damaged");
    assert_skips_only_bad(&shards, &eval(4), "is damaged");
    assert_skips_only_bad(&shards, &train(5, 3), "is damaged");
}

#[test]
fn what_is_no_image_is_found_named_and_skipped() {
    let shards = with_bad(Source {
        payload: b"GIF89a and so on".to_vec(),
        width: 30,
        height: 30,
    });
    assert_fails_at_bad(&shards, "neither JPEG nor PNG");
    assert_skips_only_bad(&shards, &train(4, 2), "neither JPEG nor PNG");
}

#[test]
fn a_size_that_the_index_has_wrong_is_found_named_and_skipped() {
    let Source {
        payload,
        width,
        height,
    } = jpeg(BAD as usize);
    for (wrong_width, wrong_height) in [(width + 1, height), (width, height - 1), (4000, 4000)] {
        let shards = with_bad(Source {
            payload: payload.clone(),
            width: wrong_width,
            height: wrong_height,
        });
        let message = format!(
            "the index says {wrong_width} x {wrong_height} pixels, but the image has {width} x {height}"
        );
        assert_fails_at_bad(&shards, &message);
        assert_skips_only_bad(&shards, &train(4, 2), &message);
    }
}

#[test]
fn an_index_entry_without_pixels_is_found_and_named() {
    let payload = jpeg(BAD as usize).payload;
    assert_fails_at_bad(
        &with_bad(Source {
            payload,
            width: 0,
            height: 24,
        }),
        "holds no pixels",
    );
}

#[test]
fn a_truncated_jpeg_is_a_counted_warning() {
    let Source {
        mut payload,
        width,
        height,
    } = jpeg(BAD as usize);
    payload.truncate(payload.len() * 3 / 4);
    let shards = with_bad(Source {
        payload,
        width,
        height,
    });
    let mut loader = start(&shards.split(), eval(4));
    let mut records = 0;
    while let Some(batch) = next(&mut loader) {
        records += batch.unwrap().records.len();
    }
    assert_eq!(records, COUNT);
    let stats = loader.stats();
    assert_eq!(
        (stats.warnings, stats.failures, stats.images),
        (1, 0, COUNT as u64)
    );
}

#[test]
fn all_of_a_batch_may_be_skipped() {
    let shards = Shards::of_jpegs(4);
    (0..4).for_each(|record| shards.damage(record));
    let batches = all(&shards.split(), skip(eval(2)));
    assert!(batches.iter().all(|batch| batch.labels.is_empty()
        && batch.bytes.is_empty()
        && batch.skipped.len() == 2));
    assert_eq!(batches.len(), 2);
}

#[test]
fn a_panic_in_a_worker_is_an_error_and_the_worker_goes_on() {
    let shards = Shards::of_jpegs(COUNT);
    let split = shards.split();
    let sabotage = |record| {
        if record == BAD {
            panic_any(format!("no luck with {record}"));
        }
    };
    let mut loader = sabotaged(
        &split,
        LoaderConfig {
            workers: 1,
            ..eval(4)
        },
        sabotage,
    );
    assert!(next(&mut loader).unwrap().is_ok());
    let error = sample_error(next(&mut loader));
    assert!(
        matches!(&error.fault, Fault::Panic(said) if said == "no luck with 7"),
        "{error:?}"
    );
    assert!(error.to_string().contains("image7.jpg"), "{error}");
    assert_eq!(next(&mut loader).unwrap().unwrap().records, [8, 9, 10, 11]);
    assert!(next(&mut loader).is_none());

    let mut loader = sabotaged(&split, skip(eval(12)), sabotage);
    let batch = next(&mut loader).unwrap().unwrap();
    assert_eq!(batch.records, [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
    assert_eq!(batch.skipped.len(), 1);
}

/// Panics again when the thrown value is dropped; nothing in a worker catches that.
struct Stubborn;

impl Drop for Stubborn {
    fn drop(&mut self) {
        panic!("I will not be thrown away");
    }
}

fn kill_the_worker(record: u64) {
    if record == BAD {
        panic_any(Stubborn);
    }
}

#[test]
fn a_worker_that_dies_costs_its_record_and_nothing_else() {
    let shards = Shards::of_jpegs(COUNT);
    let mut loader = sabotaged(&shards.split(), skip(eval(4)), kill_the_worker);
    assert_eq!(next(&mut loader).unwrap().unwrap().records, [0, 1, 2, 3]);
    let batch = next(&mut loader).unwrap().unwrap();
    assert_eq!(batch.records, [4, 5, 6]);
    assert!(
        batch.skipped[0].contains("the worker thread ended"),
        "{:?}",
        batch.skipped
    );
    assert_eq!(next(&mut loader).unwrap().unwrap().records, [8, 9, 10, 11]);
    assert!(next(&mut loader).is_none());
}

#[test]
fn when_all_workers_are_dead_the_consumer_is_told() {
    let shards = Shards::of_jpegs(COUNT);
    let mut loader = sabotaged(
        &shards.split(),
        LoaderConfig {
            workers: 1,
            ..eval(4)
        },
        kill_the_worker,
    );
    assert!(next(&mut loader).unwrap().is_ok());
    let error = sample_error(next(&mut loader));
    assert!(matches!(error.fault, Fault::WorkerLost), "{error:?}");
    assert!(matches!(
        next(&mut loader),
        Some(Err(LoaderError::WorkersGone))
    ));
    assert!(next(&mut loader).is_none());
}
