//! Short but whole runs: they learn, they count, and they stop with a reason.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::{CLASSES, alone, data_set, image, key, metrics, recipe, train};
use imshard_trainer::checkpoint;
use imshard_trainer::checkpoint::Checkpoint;
use imshard_trainer::evaluate::Evaluation;
use imshard_trainer::evaluate::multi_crop::Crops;
use imshard_trainer::evaluate::predict::GUESSES;
use imshard_trainer::evaluate::trained_network;
use imshard_trainer::evaluate::trained_network::{LoadOptions, TrainedNetwork};
use imshard_trainer::log::metrics::Line;
use imshard_trainer::network::NetworkError;
use imshard_trainer::recipe::{Layer, OnError, Recipe};
use imshard_trainer::{Resume, RunError};
use tempfile::TempDir;

fn with_data(train: usize, val: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), train, val);
    dir
}

fn trained(path: &Path, more: &[(&str, &str)]) -> (Recipe, TrainedNetwork) {
    let path = path.to_str().unwrap();
    let flags = more.iter().copied().chain([("ckpt_path", path)]);
    let (resolved, checkpoint) =
        trained_network::resolve(&[Layer::from_flags(flags).unwrap()]).unwrap();
    let network = TrainedNetwork::load(
        &resolved.recipe,
        checkpoint.as_ref(),
        &LoadOptions::default(),
    )
    .unwrap();
    (resolved.recipe, network)
}

fn validate(path: &Path, more: &[(&str, &str)]) -> Evaluation {
    trained(path, more)
        .1
        .validate(Crops::One, &AtomicBool::new(false), &mut |_| {})
        .unwrap()
        .unwrap()
        .evaluation
}

fn last(recipe: &Recipe) -> Checkpoint {
    Checkpoint::latest(&recipe.ckpt_save_dir).unwrap().unwrap()
}

#[test]
fn a_small_network_learns_three_colours() {
    let _turn = alone();
    let dir = with_data(60, 13);
    let recipe = Recipe {
        batch_size: NonZeroU32::new(12).unwrap(),
        epoch_size: NonZeroU64::new(8).unwrap(),
        decay_epochs: 7,
        lr: 0.05,
        drop_rate: 0.0,
        re_prob: 0.0,
        keep_checkpoint_max: NonZeroUsize::new(2).unwrap(),
        ..recipe(dir.path())
    };
    train(&recipe, &Resume::No).unwrap();

    let lines = metrics(&recipe.ckpt_save_dir);
    let losses: Vec<f32> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Train(train) => Some(train.loss),
            _ => None,
        })
        .collect();
    assert_eq!(losses.len(), 8 * 5);
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!(mean(&losses[35..]) < 0.7 * mean(&losses[..5]), "{losses:?}");

    let Some(Line::Validation { evaluation, .. }) = lines.last() else {
        panic!("the last line is {:?}", lines.last());
    };
    // 13 images in batches of 12: the last one counts, and only once.
    assert_eq!(evaluation.images, 13);
    assert!(evaluation.top1 > 0.9, "{evaluation:?}");
    assert_eq!(evaluation.top5, 1.0);

    let names = checkpoint::list(&recipe.ckpt_save_dir).unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["inception_v4-7_5", "inception_v4-8_5"]);

    // The checkpoint alone is enough, and the batch size does not affect validation.
    let path = last(&recipe).dir().to_owned();
    let again = validate(&path, &[]);
    assert_eq!(
        Evaluation {
            seconds: 0.0,
            ..again
        },
        Evaluation {
            seconds: 0.0,
            ..*evaluation
        }
    );
    let rebatched = validate(&path, &[("batch_size", "13"), ("workers", "3")]);
    assert_eq!(
        (rebatched.images, rebatched.top1),
        (again.images, again.top1)
    );
    assert!(
        (rebatched.loss - again.loss).abs() < 1e-5,
        "{rebatched:?} {again:?}"
    );

    // Prediction sees the same pixels as validation.
    let (_, network) = trained(&path, &[("label_smoothing", "0")]);
    let mut predictor = network.predictor().unwrap();
    let mut loss = 0.0;
    for number in 0..13 {
        let file = dir.path().join("one.jpg");
        fs::write(&file, image(number % CLASSES, number)).unwrap();
        let prediction = predictor.predict(&file, GUESSES).unwrap();
        assert_eq!(prediction.guesses.len(), CLASSES);
        let of_label = prediction
            .guesses
            .iter()
            .find(|guess| guess.class == number % CLASSES)
            .unwrap();
        assert_eq!(of_label.name, format!("colour {}", number % CLASSES));
        loss -= f64::from(of_label.probability).ln() / 13.0;
    }
    let unsmoothed = validate(&path, &[("label_smoothing", "0")]).loss;
    assert!(
        (loss - unsmoothed).abs() < 1e-5,
        "{loss} is not {unsmoothed}"
    );
}

#[test]
fn a_loss_that_explodes_stops_the_run_and_names_the_batch() {
    let _turn = alone();
    let dir = with_data(8, 4);
    let recipe = Recipe {
        lr: 1e30,
        warmup_epochs: 0,
        shuffle: false,
        nonfinite_skips: 1,
        epoch_size: NonZeroU64::new(4).unwrap(),
        ckpt_save_steps: NonZeroU64::new(1),
        ..recipe(dir.path())
    };
    let error = train(&recipe, &Resume::No).unwrap_err();
    let message = error.to_string();
    let RunError::Diverged {
        step,
        keys,
        in_a_row,
        saved,
        checkpoint,
        ..
    } = error
    else {
        panic!("{message}");
    };
    // The first update ruins the weights. The second step is skipped, and the third is one too many.
    assert_eq!((step, in_a_row), (3, 2));
    assert_eq!(keys.len(), 4);
    assert!(message.contains(&key("train", 0, 0)), "{message}");
    assert_eq!(saved, last(&recipe).dir());
    assert_eq!(last(&recipe).state().learner.updates, 1);
    let before = Checkpoint::open(&checkpoint.unwrap()).unwrap();
    assert_eq!(before.state().steps, 2);
    // Every step has its line, and a resumed run adds to them.
    let steps = || {
        metrics(&recipe.ckpt_save_dir)
            .iter()
            .filter(|line| matches!(line, Line::Train(_)))
            .count()
    };
    assert_eq!(steps(), 3);
    let again = train(&recipe, &Resume::Latest).unwrap_err();
    assert!(
        matches!(
            again,
            RunError::Diverged {
                step: 4,
                in_a_row: 3,
                ..
            }
        ),
        "{again}"
    );
    assert_eq!(steps(), 4);
}

#[test]
fn a_damaged_record_fails_by_name_or_is_skipped() {
    let _turn = alone();
    let dir = with_data(8, 4);
    let shard = dir.path().join("data/train-00000-of-00001.shard");
    let mut bytes = fs::read(&shard).unwrap();
    let third = image(2, 2);
    let at = bytes
        .windows(third.len())
        .position(|window| window == third)
        .unwrap();
    bytes[at + third.len() / 2] ^= 0x10;
    fs::write(&shard, bytes).unwrap();

    let recipe = Recipe {
        epoch_size: NonZeroU64::MIN,
        warmup_epochs: 0,
        ..recipe(dir.path())
    };
    let message = train(&recipe, &Resume::No).unwrap_err().to_string();
    assert!(
        message.contains(&key("train", 2, 2)) && message.contains("train-00000"),
        "{message}"
    );

    let skipping = Recipe {
        on_error: OnError::Skip,
        ckpt_save_dir: dir.path().join("skipping"),
        ..recipe
    };
    train(&skipping, &Resume::No).unwrap();
    assert_eq!(last(&skipping).state().steps, 2);
}

#[test]
fn classes_must_agree() {
    let dir = with_data(8, 4);
    let recipe = Recipe {
        num_classes: NonZeroUsize::new(1000),
        ..recipe(dir.path())
    };
    let message = train(&recipe, &Resume::No).unwrap_err().to_string();
    assert!(
        message.contains("num_classes is 1000") && message.contains("has 3 classes"),
        "{message}"
    );
    let nowhere = Recipe {
        data_dir: dir.path().join("nowhere"),
        ..recipe
    };
    let message = train(&nowhere, &Resume::No).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn weights_alone_start_another_run() {
    let _turn = alone();
    let dir = with_data(8, 4);
    let first = Recipe {
        epoch_size: NonZeroU64::MIN,
        warmup_epochs: 0,
        ..recipe(dir.path())
    };
    train(&first, &Resume::No).unwrap();
    let weights = last(&first).model_path();

    // From a file, with a learning rate of 0: validation must give the same result as before.
    let second = Recipe {
        ckpt_path: Some(weights.clone()),
        ckpt_save_dir: dir.path().join("second"),
        lr: 0.0,
        bn_momentum: 0.0,
        ..first.clone()
    };
    train(&second, &Resume::No).unwrap();
    let before = validate(last(&first).dir(), &[]);
    let after = validate(last(&second).dir(), &[]);
    assert_eq!((before.loss, before.top1), (after.loss, after.top1));

    // Weights of another network are refused.
    let wider = Recipe {
        width: 0.3,
        ckpt_save_dir: dir.path().join("third"),
        batch_size: NonZeroU32::new(2).unwrap(),
        ..second
    };
    assert!(matches!(
        train(&wider, &Resume::No),
        Err(RunError::Network(NetworkError::Weights(_)))
    ));

    // A weights file contains no recipe and no classes.
    let path = weights.to_str().unwrap();
    let flags = [("ckpt_path", path), ("width", "0.1"), ("blocks", "1,1,1")];
    let (resolved, none) = trained_network::resolve(&[Layer::from_flags(flags).unwrap()]).unwrap();
    assert!(none.is_none());
    let error = TrainedNetwork::load(&resolved.recipe, None, &LoadOptions::default())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("--num-classes"), "{error}");
    let data_dir = first.data_dir.to_str().unwrap();
    let more = [
        ("width", "0.1"),
        ("blocks", "1,1,1"),
        ("image_resize", "75"),
        ("data_dir", data_dir),
        ("label_smoothing", "0.1"),
    ];
    assert_eq!(validate(&weights, &more).top1, before.top1);
}
