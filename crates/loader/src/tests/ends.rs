//! Starting loaders that cannot start, and stopping at any time.

use std::thread;
use std::time::Duration;

use augment::Filter;

use super::fixture::{Shards, all, eval, floats, start, train};
use crate::{
    Cursor, Decode, Loader, LoaderConfig, LoaderError, Output, PlanError, Preprocess, Train,
};

fn refusal(shards: &Shards, config: LoaderConfig) -> LoaderError {
    match Loader::start(shards.split(), config) {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[test]
fn an_empty_split_is_refused() {
    let error = refusal(&Shards::of(vec![]), train(4, 1));
    assert!(
        matches!(error, LoaderError::Plan(PlanError::NoRecords)),
        "{error}"
    );
}

#[test]
fn a_batch_beyond_the_split_is_refused_when_it_would_be_dropped() {
    let shards = Shards::of_jpegs(5);
    let error = refusal(
        &shards,
        LoaderConfig {
            drop_last: true,
            ..train(6, 1)
        },
    );
    assert!(
        matches!(
            error,
            LoaderError::Plan(PlanError::NoFullBatch {
                records: 5,
                world: 1,
                batch: 6
            })
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("exceeds the 5 images of an epoch"),
        "{error}"
    );
    assert_eq!(
        all(&shards.split(), train(6, 1))[0].labels.len(),
        5,
        "kept, it is short"
    );
}

#[test]
fn numbers_that_make_no_sense_are_refused_by_name() {
    let shards = Shards::of_jpegs(3);
    let said = |config| refusal(&shards, config).to_string();
    assert!(
        said(LoaderConfig {
            workers: 0,
            ..train(1, 1)
        })
        .starts_with("the number of workers is 0")
    );
    assert!(
        said(LoaderConfig {
            slots: 0,
            ..train(1, 1)
        })
        .starts_with("the number of slots is 0")
    );
    assert!(
        said(LoaderConfig {
            size: 0,
            ..train(1, 1)
        })
        .starts_with("the image size is 0")
    );
    assert!(
        said(LoaderConfig {
            batch: 0,
            ..train(1, 1)
        })
        .contains("batch")
    );
    assert!(
        said(LoaderConfig {
            rank: 2,
            world: 2,
            ..train(1, 1)
        })
        .starts_with("rank 2 of a world of 2")
    );
    let crop = |crop_pct| Preprocess::Eval {
        crop_pct,
        filter: Filter::Bilinear,
    };
    assert!(
        said(LoaderConfig {
            preprocess: crop(1.5),
            ..eval(1)
        })
        .starts_with("crop_pct is 1.5")
    );
    let flip = Preprocess::Train(Train {
        hflip: f64::NAN,
        ..Train::default()
    });
    assert!(
        said(LoaderConfig {
            preprocess: flip,
            ..train(1, 1)
        })
        .starts_with("hflip is NaN")
    );
}

#[test]
fn batches_beyond_memory_are_refused() {
    let shards = Shards::of_jpegs(3);
    let huge = LoaderConfig {
        slots: 1 << 20,
        size: 1 << 20,
        ..floats(train(1 << 20, 1))
    };
    for config in [
        LoaderConfig {
            size: u32::MAX,
            ..huge.clone()
        },
        huge,
    ] {
        assert!(matches!(
            refusal(&shards, config),
            LoaderError::Memory { .. }
        ));
    }
}

#[test]
fn a_cursor_beyond_its_epoch_is_refused_and_the_end_of_one_is_not() {
    let shards = Shards::of_jpegs(10);
    let at = |step| LoaderConfig {
        start: Cursor { epoch: 0, step },
        ..train(5, 2)
    };
    assert!(matches!(
        refusal(&shards, at(3)),
        LoaderError::Cursor { step: 3, steps: 2 }
    ));
    assert_eq!(all(&shards.split(), at(2))[0].cursor, (1, 0));
}

#[test]
fn a_run_that_is_over_ends_at_once() {
    let shards = Shards::of_jpegs(10);
    let over = Cursor { epoch: 2, step: 0 };
    assert!(
        all(
            &shards.split(),
            LoaderConfig {
                start: over,
                ..train(5, 2)
            }
        )
        .is_empty()
    );
}

/// A hang here is a failure: the test would never end.
#[test]
fn a_loader_can_be_dropped_at_any_time() {
    let shards = Shards::of_jpegs(20);
    let split = shards.split();
    for taken in [0, 1, 5] {
        for idle in [
            Duration::ZERO,
            Duration::from_millis(1),
            Duration::from_millis(30),
        ] {
            let mut loader = start(
                &split,
                LoaderConfig {
                    workers: 5,
                    slots: 2,
                    ..train(3, u64::MAX)
                },
            );
            for _ in 0..taken {
                drop(loader.next());
            }
            thread::sleep(idle); // so that workers are at work, or asleep
            drop(loader);
        }
    }
}

#[test]
fn a_loader_may_be_used_from_another_thread_each_time() {
    let shards = Shards::of_jpegs(8);
    let mut loader = start(&shards.split(), train(2, 1));
    for _ in 0..4 {
        loader = thread::spawn(move || {
            assert_eq!(loader.next().unwrap().unwrap().len(), 2);
            loader
        })
        .join()
        .unwrap();
    }
    assert!(loader.next().is_none());
}

#[test]
fn an_endless_run_goes_on_over_many_epochs() {
    let shards = Shards::of_jpegs(3);
    let mut loader = start(
        &shards.split(),
        LoaderConfig {
            decode: Decode::Fast,
            output: Output::U8Nhwc,
            ..train(2, u64::MAX)
        },
    );
    for turn in 0..40 {
        assert_eq!(loader.next().unwrap().unwrap().epoch(), turn / 2);
    }
    assert_eq!(loader.stats().batches, 40);
}
