//! Mixed batches have the same pixels, labels and shares in every layout, run and pipeline.

use augment::BatchMix;

use super::fixture::{Shards, all, floats, start, train};
use crate::{Cursor, LoaderConfig};

fn mixing(mixup: f64, cutmix: f64, config: LoaderConfig) -> LoaderConfig {
    LoaderConfig {
        mix: Some(BatchMix::new(mixup, cutmix, 1.0).unwrap()),
        ..config
    }
}

#[test]
fn a_batch_is_mixed_with_itself_reversed() {
    let split = Shards::of_jpegs(8).split();
    let plain = all(&split, train(4, 3));
    let mut loader = start(&split, mixing(0.5, 0.0, train(4, 3)));
    let mut shares = Vec::new();
    for expected in plain {
        let batch = loader.next().unwrap().unwrap();
        let share = batch.mixed().lambda();
        shares.push(share);
        assert_eq!(batch.labels(), expected.labels);
        let partners: Vec<u32> = batch.targets().map(|target| target.partner).collect();
        assert_eq!(
            partners,
            expected.labels.iter().rev().copied().collect::<Vec<_>>()
        );
        let crate::Images::U8(mixed) = batch.images() else {
            panic!()
        };
        let bytes = expected.bytes.len() / 4;
        for (index, image) in mixed.chunks(bytes).enumerate() {
            let own = &expected.bytes[index * bytes..][..bytes];
            let other = &expected.bytes[(3 - index) * bytes..][..bytes];
            for ((&mixed, &own), &other) in image.iter().zip(own).zip(other) {
                let exact = share * f32::from(own) + (1.0 - share) * f32::from(other);
                assert!((f32::from(mixed) - exact).abs() <= 0.5);
            }
        }
    }
    shares.dedup();
    assert!(
        shares.len() > 1,
        "every batch has its own share: {shares:?}"
    );
}

#[test]
fn mixing_does_not_depend_on_the_pipeline_and_resumes() {
    let split = Shards::of_jpegs(11).split();
    for config in [
        mixing(0.2, 1.0, train(4, 3)),
        mixing(0.0, 1.0, floats(train(4, 3))),
    ] {
        let expected = all(&split, config.clone());
        let other = LoaderConfig {
            workers: 5,
            slots: 1,
            ..config.clone()
        };
        assert!(all(&split, other) == expected);
        let resumed = LoaderConfig {
            start: Cursor { epoch: 1, step: 2 },
            ..config
        };
        assert!(all(&split, resumed) == expected[5..]);
        assert!(all(&split, train(4, 3)) != expected);
    }
}
