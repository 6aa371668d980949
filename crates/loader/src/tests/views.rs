//! Repeated augmentation and augmentation splits: the same records or crops again, with other draws.

use std::num::{NonZeroU32, NonZeroU64};

use augment::RandomErasing;

use super::fixture::{Delivered, SIZE, Shards, all, eval, floats, train};
use crate::{Erase, Loader, LoaderConfig, Preprocess, Sampling, Train, VIEWS};

const IMAGE: usize = (SIZE * SIZE * 3) as usize;

fn repeating(repeats: u32, config: LoaderConfig) -> LoaderConfig {
    let sampling = Sampling {
        repeats: NonZeroU32::new(repeats).unwrap(),
        limit: None,
    };
    LoaderConfig { sampling, ..config }
}

fn splitting(change: impl FnOnce(&mut Train), config: LoaderConfig) -> LoaderConfig {
    let Preprocess::Train(mut train) = config.preprocess else {
        panic!()
    };
    (train.splits, train.jitter) = (true, None);
    change(&mut train);
    LoaderConfig {
        preprocess: Preprocess::Train(train),
        ..config
    }
}

/// Like the fixture's configurations, and the result of a run from each of its cursors.
fn independent_of_pipeline_and_resumable(shards: &Shards, config: &LoaderConfig) -> Vec<Delivered> {
    let split = shards.split();
    let expected = all(&split, config.clone());
    for (workers, slots) in [(1, 1), (5, 2)] {
        let other = LoaderConfig {
            workers,
            slots,
            ..config.clone()
        };
        assert!(all(&split, other) == expected, "{workers} workers");
    }
    for (done, batch) in expected.iter().enumerate() {
        let rest = LoaderConfig {
            start: batch.next,
            ..config.clone()
        };
        assert!(all(&split, rest) == expected[done + 1..], "after {done}");
    }
    expected
}

#[test]
fn a_record_is_repeated_in_a_row_and_augmented_anew() {
    let shards = Shards::of_jpegs(23);
    let batches = independent_of_pipeline_and_resumable(&shards, &repeating(3, train(4, 2)));
    assert_eq!(batches.len(), 12);
    for epoch in batches.chunks(6) {
        let records: Vec<u64> = epoch
            .iter()
            .flat_map(|batch| batch.records.clone())
            .collect();
        assert_eq!(records.len(), 23);
        for run in records.chunks(3) {
            assert!(run.iter().all(|record| *record == run[0]), "{records:?}");
        }
        let images: Vec<&[u8]> = epoch
            .iter()
            .flat_map(|batch| batch.bytes.chunks(IMAGE))
            .collect();
        for run in images[..21].chunks(3) {
            assert!(run[0] != run[1] && run[1] != run[2] && run[0] != run[2]);
        }
    }
}

#[test]
fn ranks_share_the_repeats_of_one_big_rank() {
    let split = Shards::of_jpegs(23).split();
    let one = all(&split, repeating(3, train(6, 1)));
    let ranks: Vec<Vec<Delivered>> = (0..3)
        .map(|rank| {
            let config = LoaderConfig {
                world: 3,
                rank,
                ..train(2, 1)
            };
            all(&split, repeating(3, config))
        })
        .collect();
    for (step, expected) in one.iter().enumerate() {
        for (index, position) in expected.positions.iter().enumerate() {
            let part = &ranks[index % 3][step];
            assert_eq!(part.positions[index / 3], *position);
            assert_eq!(part.records[index / 3], expected.records[index]);
            let image =
                |delivered: &Delivered, at: usize| delivered.bytes[at * IMAGE..][..IMAGE].to_vec();
            assert!(
                image(part, index / 3) == image(expected, index),
                "the same pixels on any rank"
            );
        }
    }
}

#[test]
fn an_epoch_may_be_a_part_of_the_set() {
    let shards = Shards::of_jpegs(23);
    let sampling = Sampling {
        limit: NonZeroU64::new(10),
        ..Sampling::default()
    };
    let config = LoaderConfig {
        sampling,
        ..train(4, 3)
    };
    let batches = independent_of_pipeline_and_resumable(&shards, &config);
    let sizes: Vec<usize> = batches.iter().map(|batch| batch.records.len()).collect();
    assert_eq!(sizes, [4, 4, 2, 4, 4, 2, 4, 4, 2]);
    let whole = all(&shards.split(), train(4, 3));
    assert_eq!(
        batches[0],
        Delivered {
            next: batches[0].next,
            ..all(&shards.split(), train(4, 3)).swap_remove(0)
        }
    );
    assert_ne!(batches[3].records, batches[0].records);
    assert_eq!(whole.len(), 18);
}

#[test]
fn views_are_cropped_alike_and_only_the_first_is_clean() {
    let shards = Shards::of_jpegs(9);
    let split = shards.split();
    let plain = |train: &mut Train| train.erase = None;
    let config = splitting(plain, train(4, 2));
    let batches = independent_of_pipeline_and_resumable(&shards, &config);
    let unsplit = LoaderConfig {
        preprocess: Preprocess::Train(Train {
            vflip: 0.5,
            ..Train::default()
        }),
        ..train(4, 2)
    };
    let mut distinct = 0;
    for (batch, clean) in batches.iter().zip(all(&split, unsplit)) {
        assert_eq!(
            (&batch.labels, &batch.records),
            (&clean.labels, &clean.records)
        );
        assert_eq!(batch.bytes.len(), VIEWS * clean.bytes.len());
        for (views, clean) in batch
            .bytes
            .chunks(VIEWS * IMAGE)
            .zip(clean.bytes.chunks(IMAGE))
        {
            assert!(
                views[..IMAGE] == *clean,
                "the first view has neither jitter nor policy"
            );
            let (one, other) = views[IMAGE..].split_at(IMAGE);
            distinct +=
                usize::from(one != clean) + usize::from(other != clean) + usize::from(one != other);
        }
    }
    // A policy may leave an image unchanged; most images do change.
    assert!(distinct > 2 * 18, "{distinct} of 54 pairs differ");
}

#[test]
fn each_view_is_erased_for_itself_and_floats_are_its_bytes() {
    let split = Shards::of_jpegs(9).split();
    let erasing = |train: &mut Train| {
        train.policy = Some("augmix".parse().unwrap());
        let erasing = RandomErasing::new(1.0).unwrap();
        train.erase = Some(Erase {
            erasing,
            fill: [1, 2, 3],
        });
    };
    let bytes = all(&split, splitting(erasing, train(4, 1)));
    let erased = |image: &[u8]| -> Vec<usize> {
        let pixels = image.chunks(3).enumerate();
        pixels
            .filter(|(_, pixel)| *pixel == [1, 2, 3])
            .map(|(at, _)| at)
            .collect()
    };
    let mut alike = 0;
    for views in bytes
        .iter()
        .flat_map(|batch| batch.bytes.chunks(VIEWS * IMAGE))
    {
        let places: Vec<Vec<usize>> = views.chunks(IMAGE).map(erased).collect();
        assert!(places.iter().all(|pixels| !pixels.is_empty()));
        alike += usize::from(places[0] == places[1]) + usize::from(places[1] == places[2]);
    }
    assert!(
        alike <= 2,
        "{alike} pairs of 18 are erased at the same place"
    );
    let floats = all(&split, splitting(erasing, floats(train(4, 1))));
    for (bytes, floats) in bytes.iter().zip(floats) {
        for (pixels, planes) in bytes.bytes.chunks(IMAGE).zip(floats.floats.chunks(IMAGE)) {
            let mut expected = vec![0.0; IMAGE];
            augment::Normalize::default()
                .apply(pixels, &mut expected)
                .unwrap();
            assert!(planes == expected);
        }
    }
}

#[test]
fn a_record_that_fails_takes_all_its_views_with_it() {
    let shards = Shards::of_jpegs(8);
    shards.damage(2);
    let config = LoaderConfig {
        on_error: crate::OnError::Skip,
        shuffle: crate::Shuffle::None,
        ..splitting(|train| train.erase = None, train(4, 1))
    };
    let damaged = all(&shards.split(), config.clone());
    let whole = all(&Shards::of_jpegs(8).split(), config);
    assert_eq!(damaged[0].records, [0, 1, 3]);
    let item = VIEWS * IMAGE;
    assert!(damaged[0].bytes[..2 * item] == whole[0].bytes[..2 * item]);
    assert!(damaged[0].bytes[2 * item..] == whole[0].bytes[3 * item..]);
}

#[test]
fn views_are_not_mixed() {
    let mixing = LoaderConfig {
        mix: Some(augment::BatchMix::new(0.2, 0.0, 1.0).unwrap()),
        ..splitting(|_| {}, train(4, 1))
    };
    let split = Shards::of_jpegs(8).split();
    let error = Loader::start(split.clone(), mixing)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("cannot be mixed"), "{error}");
    assert_eq!(eval(4).preprocess.views(), 1);
}
