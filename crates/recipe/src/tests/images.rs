//! What the keys of images become in a loader's settings.

use std::num::NonZeroU64;

use loader::{LoaderConfig, Preprocess, Sampling, Shuffle, Train};

use crate::Recipe;

fn train(json: &str) -> Result<LoaderConfig, String> {
    let recipe: Recipe = serde_json::from_str(json).map_err(|error| error.to_string())?;
    recipe.training_config().map_err(|error| error.to_string())
}

fn transform(json: &str) -> Train {
    let Preprocess::Train(train) = train(json).unwrap().preprocess else {
        panic!()
    };
    train
}

#[test]
fn a_policy_takes_the_place_of_jitter() {
    assert!(transform("{}").jitter.is_some());
    let both = transform(r#"{"auto_augment": "autoaug-mstd0.5", "color_jitter": 0.4}"#);
    assert!(both.jitter.is_none() && both.policy.is_some());
    let neither = transform(r#"{"auto_augment": "None", "color_jitter": null}"#);
    assert!(neither.jitter.is_none() && neither.policy.is_none());
}

#[test]
fn the_mean_fills_what_is_erased_or_beyond_the_image() {
    let full = transform(r#"{"re_prob": 0.25, "mean": [10.4, 20.5, 30.6]}"#);
    assert_eq!(full.erase.unwrap().fill, [10, 21, 31]);
    assert_eq!(full.warp.fill, [10, 21, 31]);
}

#[test]
fn what_is_erased_gets_the_value_that_it_would_have_after_normalisation() {
    let fill = |more: &str| {
        let json =
            format!(r#"{{"re_prob": 1, "mean": [100, 110, 120], "std": [50, 60, 70], {more}}}"#);
        transform(&json).erase.unwrap().fill
    };
    assert_eq!(fill(r#""re_value": 0"#), [100, 110, 120]);
    assert_eq!(fill(r#""re_value": -0.5"#), [75, 80, 85]);
    // Bytes end at 0 and 255.
    assert_eq!(fill(r#""re_value": [-3, 1, 2]"#), [0, 170, 255]);
    assert!(
        train(r#"{"re_value": "random"}"#)
            .unwrap_err()
            .contains("expected a number, or three")
    );
}

#[test]
fn samples_repeats_and_splits() {
    let sampling = |json| train(json).unwrap().sampling;
    for off in [
        "{}",
        r#"{"aug_repeats": 0}"#,
        r#"{"aug_repeats": 1, "num_samples": null}"#,
    ] {
        assert_eq!(sampling(off), Sampling::default(), "{off}");
    }
    assert_eq!(sampling(r#"{"aug_repeats": 3}"#).repeats.get(), 3);
    assert_eq!(
        sampling(r#"{"num_samples": 99}"#).limit,
        NonZeroU64::new(99)
    );
    assert!(transform(r#"{"aug_splits": 3, "auto_augment": "augmix"}"#).splits);
    let said = |json| train(json).unwrap_err();
    assert!(said(r#"{"aug_repeats": 3, "num_samples": 9}"#).contains("together with aug_repeats"));
    assert!(said(r#"{"aug_splits": 3}"#).contains("auto_augment"));
    assert!(said(r#"{"aug_splits": 2, "auto_augment": "augmix"}"#).contains("must be 3"));
}

#[test]
fn orders() {
    let order = |json| train(json).unwrap().shuffle;
    assert_eq!(order("{}"), Shuffle::Full);
    assert_eq!(
        order(r#"{"shuffle": false, "shuffle_window": 9}"#),
        Shuffle::None
    );
    assert_eq!(
        order(r#"{"shuffle_window": 9}"#),
        Shuffle::Window(NonZeroU64::new(9).unwrap())
    );
    assert_eq!(order(r#"{"shuffle_window": 0}"#), Shuffle::Full);
}

#[test]
fn mixing_is_off_unless_asked_for() {
    assert!(train("{}").unwrap().mix.is_none());
    assert!(train(r#"{"cutmix": 1.0}"#).unwrap().mix.is_some());
}

#[test]
fn impossible_values_are_refused() {
    let said = |json| train(json).unwrap_err();
    assert!(said(r#"{"auto_augment": "autoag"}"#).contains("autoag"));
    assert!(said(r#"{"mixup": -1}"#).contains("mixup"));
    assert!(
        said(r#"{"std": [0, 1, 1]}"#).contains("std"),
        "{}",
        said(r#"{"std": [0, 1, 1]}"#)
    );
    assert!(said(r#"{"color_jitter": "much"}"#).contains("or none"));
}

#[test]
fn validation_follows_the_recipe() {
    let json = r#"{"batch_size": 7, "image_resize": 96, "crop_pct": 0.5, "interpolation": "bicubic", "readahead": 3}"#;
    let config = serde_json::from_str::<Recipe>(json)
        .unwrap()
        .evaluation_config();
    assert_eq!((config.batch, config.size), (7, 96));
    assert_eq!(
        (config.epochs, config.drop_last, config.seed),
        (1, false, 42)
    );
    assert_eq!(config.tuning.readahead, 3);
    let Preprocess::Eval { crop_pct, filter } = config.preprocess else {
        panic!()
    };
    assert_eq!((crop_pct, filter), (0.5, loader::Filter::Bicubic));
}
