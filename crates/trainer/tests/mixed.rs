//! Runs in mixed precision on LibTorch: they learn, with f32 masters that resume bit for bit. How close a step is to
//! f32 is tested in `inception` (tests/half.rs).
#![cfg(feature = "tch")]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;

use common::{alone, data_set, metrics, recipe, train};
use imshard_trainer::Resume;
use imshard_trainer::checkpoint::Checkpoint;
use imshard_trainer::log::metrics::Line;
use imshard_trainer::recipe::{AmpDtype, AmpLevel, LossScaleType, Recipe};
use tempfile::TempDir;

fn with_data(train: usize, val: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), train, val);
    dir
}

fn on_torch(dir: &Path, level: AmpLevel, dtype: AmpDtype) -> Recipe {
    Recipe {
        device: "tch".to_owned(),
        ckpt_save_dir: dir.join(format!("{level:?}-{dtype:?}")),
        drop_rate: 0.0,
        amp_level: level,
        amp_dtype: dtype,
        ..recipe(dir)
    }
}

fn losses(recipe: &Recipe) -> Vec<f32> {
    let lines = metrics(&recipe.ckpt_save_dir);
    let of = |line: Line| match line {
        Line::Train(line) => Some(line.loss),
        _ => None,
    };
    lines.into_iter().filter_map(of).collect()
}

#[test]
fn a_run_learns_too() {
    let _turn = alone();
    let dir = with_data(60, 6);
    let run = |level| {
        let recipe = Recipe {
            batch_size: NonZeroU32::new(12).unwrap(),
            epoch_size: NonZeroU64::new(4).unwrap(),
            decay_epochs: 3,
            re_prob: 0.0,
            ..on_torch(dir.path(), level, AmpDtype::Bf16)
        };
        train(&recipe, &Resume::No).unwrap();
        losses(&recipe)
    };
    let (full, half) = (run(AmpLevel::O0), run(AmpLevel::O2));
    println!("f32  {full:?}\nbf16 {half:?}");
    assert_eq!((full.len(), half.len()), (20, 20));
    assert_ne!(full, half);
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    for losses in [full, half] {
        let (first, last) = (mean(&losses[..5]), mean(&losses[15..]));
        assert!(last < 0.85 * first, "{last} after {first}");
    }
}

/// The tensors of a checkpoint's file, whose header says their types.
fn tensors(checkpoint: &Checkpoint, file: &str) -> Vec<u8> {
    let bytes = fs::read(checkpoint.dir().join(file)).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
    let types = header.matches("\"dtype\":").count();
    assert!(
        types > 20 && header.matches("\"dtype\":\"F32\"").count() == types,
        "{header}"
    );
    bytes
}

#[test]
fn masters_are_f32_and_a_resumed_run_is_the_same_bit_for_bit() {
    let _turn = alone();
    let dir = with_data(16, 3);
    let whole = Recipe {
        ckpt_save_steps: NonZeroU64::new(3),
        loss_scale: 256.0,
        loss_scale_type: LossScaleType::Dynamic,
        ..on_torch(dir.path(), AmpLevel::O2, AmpDtype::Fp16)
    };
    train(&whole, &Resume::No).unwrap();
    let expected = Checkpoint::latest(&whole.ckpt_save_dir).unwrap().unwrap();
    assert_eq!(expected.state().steps, 8);

    let resumed = Recipe {
        ckpt_save_dir: dir.path().join("resumed"),
        ..whole.clone()
    };
    let from = whole.ckpt_save_dir.join("inception_v4-1_3");
    train(&resumed, &Resume::From(from)).unwrap();
    let found = Checkpoint::latest(&resumed.ckpt_save_dir).unwrap().unwrap();
    assert_eq!(found.state().steps, 8);
    for file in ["model.safetensors", "optimizer.safetensors"] {
        assert!(tensors(&found, file) == tensors(&expected, file), "{file}");
    }
}

/// A scale at which every gradient is beyond fp16 is halved until they are not; no batch is lost to
/// the weights.
#[test]
fn a_scale_beyond_fp16_is_lowered_until_it_fits() {
    let _turn = alone();
    let dir = with_data(48, 3);
    let recipe = Recipe {
        loss_scale: 2f64.powi(24),
        loss_scale_type: LossScaleType::Dynamic,
        ..on_torch(dir.path(), AmpLevel::O2, AmpDtype::Fp16)
    };
    train(&recipe, &Resume::No).unwrap();
    let last = Checkpoint::latest(&recipe.ckpt_save_dir).unwrap().unwrap();
    let state = last.state();
    let scale = state.learner.scale.value();
    assert!(scale < 2f64.powi(24) && scale >= 1.0, "{scale}");
    assert!(state.learner.updates < state.steps && state.learner.updates > 0);
    assert!(losses(&recipe).iter().all(|loss| loss.is_finite()));
}
