//! A run that is stopped and resumed equals an uninterrupted run.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use common::{alone, data_set, metrics, recipe, train};
use imshard_trainer::checkpoint::Checkpoint;
use imshard_trainer::log::metrics::{Line, RESULT_FILE};
use imshard_trainer::recipe::{
    KeepPolicy, LossName, LossScaleType, OptimizerName, Recipe, Scheduler,
};
use imshard_trainer::run;
use imshard_trainer::run::Outcome;
use imshard_trainer::{Resume, RunError};

/// 200 steps: 20 epochs of 10, validated every fifth.
fn two_hundred(dir: &Path, run: &str) -> Recipe {
    Recipe {
        ckpt_save_dir: dir.join(run),
        ckpt_save_steps: NonZeroU64::new(5),
        keep_checkpoint_max: NonZeroUsize::new(100).unwrap(),
        epoch_size: NonZeroU64::new(20).unwrap(),
        decay_epochs: 19,
        val_interval: NonZeroU64::new(5).unwrap(),
        ..recipe(dir)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn last(dir: &Path) -> Checkpoint {
    Checkpoint::latest(dir).unwrap().unwrap()
}

fn files(checkpoint: &Checkpoint) -> Vec<Vec<u8>> {
    ["model.safetensors", "optimizer.safetensors"]
        .map(|file| fs::read(checkpoint.dir().join(file)).unwrap())
        .into()
}

#[test]
fn a_run_may_go_on_in_a_folder_that_is_not_there_yet() {
    let _turn = alone();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), 40, 9);
    let whole = Recipe {
        epoch_size: NonZeroU64::new(1).unwrap(),
        decay_epochs: 1,
        ..two_hundred(dir.path(), "whole")
    };
    train(&whole, &Resume::No).unwrap();
    let elsewhere = Recipe {
        ckpt_save_dir: dir.path().join("elsewhere"),
        ..whole.clone()
    };
    let from = whole.ckpt_save_dir.join("inception_v4-1_5");
    train(&elsewhere, &Resume::From(from)).unwrap();
    let (found, expected) = (last(&elsewhere.ckpt_save_dir), last(&whole.ckpt_save_dir));
    assert_eq!(found.state().steps, 10);
    assert!(files(&found) == files(&expected));
}

#[test]
fn two_hundred_steps_are_a_hundred_and_a_hundred() {
    let _turn = alone();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), 40, 9);
    let whole = two_hundred(dir.path(), "whole");
    assert_eq!(train(&whole, &Resume::No).unwrap(), Outcome::Finished);
    let expected = last(&whole.ckpt_save_dir);
    assert_eq!(expected.state().steps, 200);

    // Killed, as seen from the disk: a checkpoint, and logs that have continued since. Once at the end of an epoch,
    // once in the middle of one.
    for (name, steps) in [("inception_v4-10_10", 100), ("inception_v4-19_5", 185)] {
        let resumed = two_hundred(dir.path(), name);
        copy(
            &whole.ckpt_save_dir.join(name),
            &resumed.ckpt_save_dir.join(name),
        );
        for log in ["metrics.jsonl", RESULT_FILE] {
            fs::copy(
                whole.ckpt_save_dir.join(log),
                resumed.ckpt_save_dir.join(log),
            )
            .unwrap();
        }
        assert_eq!(last(&resumed.ckpt_save_dir).state().steps, steps);
        assert_eq!(train(&resumed, &Resume::Latest).unwrap(), Outcome::Finished);

        let found = last(&resumed.ckpt_save_dir);
        assert!(
            files(&found) == files(&expected),
            "weights or velocities differ after {name}"
        );
        assert_eq!(found.state().cursor, expected.state().cursor);
        assert_eq!(found.state().progress.best, expected.state().progress.best);
        assert_eq!(
            metrics(&resumed.ckpt_save_dir),
            metrics(&whole.ckpt_save_dir)
        );
        let rows = |recipe: &Recipe| {
            fs::read_to_string(recipe.ckpt_save_dir.join(RESULT_FILE))
                .unwrap()
                .lines()
                .count()
        };
        assert_eq!(rows(&resumed), 21);
        assert_eq!(rows(&resumed), rows(&whole));
    }
}

#[test]
fn every_optimizer_goes_on_from_the_middle_of_everything() {
    let _turn = alone();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), 12, 4);
    // Each with another schedule, so that all of those continue, too.
    let schedulers = [
        Scheduler::CosineDecay,
        Scheduler::StepDecay,
        Scheduler::PolynomialDecay,
        Scheduler::WarmupCosineDecay,
        Scheduler::OneCycle,
        Scheduler::Cyclic,
        Scheduler::ExponentialDecay,
        Scheduler::Constant,
        Scheduler::MultiStepDecay,
    ];
    let optimizers = OptimizerName::ALL.map(|opt| (opt, false)).into_iter();
    let nesterov = [(OptimizerName::Momentum, true), (OptimizerName::Sgd, true)];
    let optimizers = optimizers.chain(nesterov);
    for ((opt, use_nesterov), scheduler) in optimizers.zip(schedulers.into_iter().cycle()) {
        let nesterov = if use_nesterov { "-nesterov" } else { "" };
        let name = format!("{opt:?}{nesterov}");
        // Three steps per epoch; after five, one batch waits for another.
        let whole = Recipe {
            opt,
            use_nesterov,
            scheduler,
            multi_step_decay_milestones: vec![1],
            lr_epoch_stair: scheduler == Scheduler::ExponentialDecay,
            ckpt_save_dir: dir.path().join(&name),
            ckpt_save_steps: NonZeroU64::new(1),
            ckpt_save_policy: KeepPolicy::None,
            epoch_size: NonZeroU64::new(3).unwrap(),
            gradient_accumulation_steps: NonZeroU64::new(2).unwrap(),
            decay_epochs: 2,
            lr: 0.001,
            ema: true,
            clip_grad: true,
            clip_value: 1.0,
            layer_decay: Some(0.9),
            mixup: 0.2,
            cutmix: 1.0,
            loss: LossName::BinaryCrossEntropy,
            loss_scale: 1024.0,
            loss_scale_type: LossScaleType::Dynamic,
            ..recipe(dir.path())
        };
        assert_eq!(train(&whole, &Resume::No).unwrap(), Outcome::Finished);
        let expected = last(&whole.ckpt_save_dir);
        assert_eq!(expected.state().steps, 9);
        assert_eq!(expected.state().learner.updates, 4);

        let resumed = Recipe {
            ckpt_save_dir: dir.path().join(format!("{name}-resumed")),
            ..whole.clone()
        };
        let middle = "inception_v4-2_2";
        copy(
            &whole.ckpt_save_dir.join(middle),
            &resumed.ckpt_save_dir.join(middle),
        );
        let log = |recipe: &Recipe| recipe.ckpt_save_dir.join("metrics.jsonl");
        fs::copy(log(&whole), log(&resumed)).unwrap();
        train(&resumed, &Resume::Latest).unwrap();
        let found = last(&resumed.ckpt_save_dir);
        assert!(files(&found) == files(&expected), "{name}");
        let average = |of: &Checkpoint| fs::read(of.average_path().unwrap()).unwrap();
        assert!(average(&found) == average(&expected), "{name}");
        // The loss scale and how long it has held are restored, too. The lines have each step's learning rate.
        assert_eq!(found.state().learner, expected.state().learner, "{name}");
        assert_eq!(
            metrics(&resumed.ckpt_save_dir),
            metrics(&whole.ckpt_save_dir),
            "{name}"
        );
    }
}

#[test]
fn a_stop_saves_and_the_resumed_run_closes_the_epoch_once() {
    let _turn = alone();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), 4, 5);
    // One step per epoch, and a stop from the beginning: the validation of epoch 1 is still to come.
    let recipe = recipe(dir.path());
    let outcome = run::train(&recipe, &Resume::No, &AtomicBool::new(true)).unwrap();
    let checkpoint: PathBuf = recipe.ckpt_save_dir.join("inception_v4-1_1");
    assert_eq!(
        outcome,
        Outcome::Interrupted {
            checkpoint: checkpoint.clone()
        }
    );
    let validations = || {
        let lines = metrics(&recipe.ckpt_save_dir);
        lines
            .iter()
            .filter(|line| matches!(line, Line::Validation { .. }))
            .count()
    };
    assert_eq!(validations(), 0);

    assert_eq!(
        train(&recipe, &Resume::From(checkpoint)).unwrap(),
        Outcome::Finished
    );
    assert_eq!(validations(), 2);
    // A finished run stays finished.
    assert_eq!(train(&recipe, &Resume::Latest).unwrap(), Outcome::Finished);
    assert_eq!(
        (validations(), last(&recipe.ckpt_save_dir).state().steps),
        (2, 2)
    );
    // It can be extended, also with MindCV's flags.
    let longer = Recipe {
        epoch_size: NonZeroU64::new(3).unwrap(),
        ckpt_path: Some(last(&recipe.ckpt_save_dir).dir().to_owned()),
        resume_opt: true,
        ..recipe.clone()
    };
    assert_eq!(train(&longer, &Resume::No).unwrap(), Outcome::Finished);
    assert_eq!(
        (validations(), last(&recipe.ckpt_save_dir).state().steps),
        (3, 3)
    );
}

#[test]
fn a_run_goes_on_only_from_its_own_checkpoints_and_over_nobodys() {
    let _turn = alone();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), 8, 5);
    let recipe = Recipe {
        epoch_size: NonZeroU64::MIN,
        warmup_epochs: 0,
        ..recipe(dir.path())
    };
    train(&recipe, &Resume::Latest).unwrap();

    let again = train(&recipe, &Resume::No).unwrap_err();
    assert!(matches!(again, RunError::Occupied { .. }), "{again}");

    let other = Recipe {
        seed: 7,
        width: 0.2,
        ..recipe.clone()
    };
    let message = train(&other, &Resume::Latest).unwrap_err().to_string();
    for part in [
        "seed was 42, now it is 7",
        "width was 0.1, now it is 0.2",
        "inception_v4-1_2",
    ] {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }

    fs::remove_dir_all(&recipe.data_dir).unwrap();
    fs::create_dir(&recipe.data_dir).unwrap();
    data_set(&recipe.data_dir, 12, 5);
    let message = train(&recipe, &Resume::Latest).unwrap_err().to_string();
    assert!(
        message.contains("the number of training images was 8, now it is 12"),
        "{message}"
    );
}
