//! LibTorch computes the same as flex: the networks' outputs, whole runs, and the validation on one of a network
//! trained on the other.
#![cfg(feature = "tch")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use common::{alone, data_set, metrics, recipe, train};
use imshard_trainer::checkpoint::Checkpoint;
use imshard_trainer::evaluate::Evaluation;
use imshard_trainer::evaluate::multi_crop::Crops;
use imshard_trainer::evaluate::trained_network;
use imshard_trainer::evaluate::trained_network::{LoadOptions, TrainedNetwork};
use imshard_trainer::log::metrics::Line;
use imshard_trainer::recipe::{Layer, Recipe};
use imshard_trainer::step::loss::{Criterion, Targets};
use imshard_trainer::{Resume, device, network};
use inception::{NamedVisitor, Role};
use tempfile::TempDir;

fn with_data(train: usize, val: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    data_set(&dir.path().join("data"), train, val);
    dir
}

/// Without dropout, which draws from the device's own generator.
fn on(device: &str, dir: &Path) -> Recipe {
    Recipe {
        device: device.to_owned(),
        ckpt_save_dir: dir.join(device),
        drop_rate: 0.0,
        ..recipe(dir)
    }
}

/// Images of noise.
fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let count = shape.iter().product::<usize>();
    let pixels: Vec<f32> = (0..count as u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 22) as f32 - 2.0)
        .collect();
    Tensor::from_data(TensorData::new(pixels, shape), device)
}

/// Logits of the recipe's network.
fn logits(recipe: &Recipe, shape: [usize; 4], name: &str) -> Vec<f32> {
    let device = device::select(name).unwrap();
    let model = network::build(recipe, 10, &device).unwrap();
    let logits = model.forward(images(shape, &device));
    logits.into_data().try_to_vec().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    assert!(scale > 0.0, "the logits are not all 0");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * scale,
            "{found} for {expected}"
        );
    }
}

#[test]
fn the_small_network_gives_the_same_logits() {
    let recipe = recipe(Path::new(""));
    let shape = [2, 3, 75, 75];
    assert_close(
        &logits(&recipe, shape, "tch"),
        &logits(&recipe, shape, "flex"),
        1e-4,
    );
}

#[test]
fn the_full_network_gives_the_same_logits() {
    let recipe = Recipe::default();
    let shape = [2, 3, 299, 299];
    assert_close(
        &logits(&recipe, shape, "tch"),
        &logits(&recipe, shape, "flex"),
        1e-3,
    );
}

/// Every parameter's gradient of the mean loss, one after another.
struct Gathered<'a> {
    gradients: &'a Gradients,
    values: Vec<f32>,
}

impl NamedVisitor for Gathered<'_> {
    fn visit<const D: usize>(&mut self, name: &str, role: Role, tensor: &Param<Tensor<D>>) {
        if role == Role::Statistic {
            return;
        }
        let gradient = tensor.val().grad(self.gradients);
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        let values: Vec<f32> = gradient.into_data().try_to_vec().unwrap();
        self.values.extend(values);
    }
}

fn gradients(recipe: &Recipe, shape: [usize; 4], name: &str) -> Vec<f32> {
    let device = device::select(name).unwrap().autodiff();
    let model = network::build(recipe, 10, &device).unwrap();
    let labels: Vec<u32> = (0..shape[0] as u32).collect();
    let targets = Targets::labels(&labels, &device);
    let logits = model.forward(images(shape, &device));
    let gradients = Criterion::new(recipe).of(logits, &targets).backward();
    let mut gathered = Gathered {
        gradients: &gradients,
        values: Vec::new(),
    };
    model.visit_named(&mut gathered);
    gathered.values
}

#[test]
fn a_training_step_has_the_same_gradients() {
    let recipe = Recipe {
        drop_rate: 0.0,
        ..recipe(Path::new(""))
    };
    let [on_flex, on_torch] =
        ["flex", "tch"].map(|name| gradients(&recipe, [8, 3, 139, 139], name));
    assert_eq!(on_torch.len(), on_flex.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values
            .map(|value| f64::from(value).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let off = norm(&mut on_torch.iter().zip(&on_flex).map(|(a, b)| a - b));
    let whole = norm(&mut on_flex.iter().copied());
    println!("gradients differ by {off:.3e} of {whole:.3e}");
    assert!(whole > 0.0 && off <= 1e-2 * whole, "{off} of {whole}");
}

fn losses(recipe: &Recipe) -> Vec<f32> {
    let of = |line: Line| match line {
        Line::Train(line) => Some(line.loss),
        _ => None,
    };
    let lines = metrics(&recipe.ckpt_save_dir);
    lines.into_iter().filter_map(of).collect()
}

/// Batch normalisation over a few pixels of a few images amplifies rounding. So does every step.
#[test]
fn a_run_has_the_same_losses_as_on_flex() {
    let _turn = alone();
    let dir = with_data(24, 3);
    let [on_flex, on_torch] = ["flex", "tch"].map(|name| {
        let recipe = Recipe {
            batch_size: NonZeroU32::new(12).unwrap(),
            lr: 1e-3,
            ..on(name, dir.path())
        };
        train(&recipe, &Resume::No).unwrap();
        losses(&recipe)
    });
    println!("flex {on_flex:?}, LibTorch {on_torch:?}");
    assert_eq!((on_torch.len(), on_flex.len()), (4, 4));
    for ((found, expected), tolerance) in
        on_torch.iter().zip(&on_flex).zip([1e-3, 1e-3, 0.03, 0.05])
    {
        let off = (found - expected).abs();
        assert!(off <= tolerance * expected, "{on_torch:?} for {on_flex:?}");
    }
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
        re_prob: 0.0,
        ..on("tch", dir.path())
    };
    train(&recipe, &Resume::No).unwrap();
    let losses = losses(&recipe);
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!(mean(&losses[35..]) < 0.7 * mean(&losses[..5]), "{losses:?}");
    let last = Checkpoint::latest(&recipe.ckpt_save_dir).unwrap().unwrap();
    let found = validate(last.dir(), "tch");
    assert!(found.top1 > 0.9, "{found:?}");
}

fn validate(checkpoint: &Path, device: &str) -> Evaluation {
    let flags = [
        ("ckpt_path", checkpoint.to_str().unwrap()),
        ("device", device),
    ];
    let (resolved, checkpoint) =
        trained_network::resolve(&[Layer::from_flags(flags).unwrap()]).unwrap();
    let loading = LoadOptions::default();
    let network = TrainedNetwork::load(&resolved.recipe, checkpoint.as_ref(), &loading).unwrap();
    let found = network.validate(Crops::One, &AtomicBool::new(false), &mut |_| {});
    found.unwrap().unwrap().evaluation
}

#[test]
fn what_was_trained_on_one_is_validated_and_continued_on_the_other() {
    let _turn = alone();
    let dir = with_data(16, 9);
    let torch = on("tch", dir.path());
    train(&torch, &Resume::No).unwrap();
    let checkpoint = Checkpoint::latest(&torch.ckpt_save_dir).unwrap().unwrap();

    let [on_flex, on_torch] = ["flex", "tch"].map(|name| validate(checkpoint.dir(), name));
    assert_eq!(
        (on_torch.images, on_torch.top1),
        (on_flex.images, on_flex.top1)
    );
    assert!((on_torch.loss - on_flex.loss).abs() < 1e-3 * on_flex.loss);

    let longer = Recipe {
        device: "flex".to_owned(),
        epoch_size: torch.epoch_size.saturating_add(1),
        ..torch
    };
    train(&longer, &Resume::From(checkpoint.dir().to_owned())).unwrap();
    let last = Checkpoint::latest(&longer.ckpt_save_dir).unwrap().unwrap();
    assert_eq!(last.state().steps, checkpoint.state().steps + 4);
}
