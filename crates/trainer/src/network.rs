//! From a recipe to a network with weights in it.

use std::path::Path;

use burn::tensor::Device;
use inception::weights::{self, Completeness, Report};
use inception::{Network, NetworkConfig, WeightsError};
use tracing::warn;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::error::TrainError;
use crate::recipe::Recipe;

/// The network of `recipe` with `classes` outputs and its initial weights, which depend on the
/// recipe alone.
///
/// # Errors
/// The recipe's numbers make no network.
pub fn build(recipe: &Recipe, classes: usize, device: &Device) -> Result<Network, TrainError> {
    let config = NetworkConfig {
        num_classes: classes,
        drop_rate: recipe.drop_rate,
        width: recipe.width,
        blocks: recipe.blocks.unwrap_or(recipe.model.blocks()),
        bn_momentum: recipe.bn_momentum,
        residual_scale: recipe.residual_scale,
        init: recipe.init,
        ..NetworkConfig::of(recipe.model)
    };
    Ok(config.init(recipe.seed, device)?)
}

/// Puts the weights at `path` (a checkpoint's directory or a `.safetensors` file) into `model`, all
/// of them. Of a checkpoint with a moving average, that.
///
/// # Errors
/// They cannot be read, or are those of another network.
pub fn load(model: Network, path: &Path) -> Result<Network, TrainError> {
    let (model, _) = weights::load(model, weights_file(path)?, Completeness::Exact)?;
    Ok(model)
}

/// As [`load`], to train on from there: a classifier of another number of classes starts anew.
///
/// # Errors
/// As [`load`].
pub fn load_to_finetune(model: Network, path: &Path) -> Result<Network, TrainError> {
    let file = weights_file(path)?;
    let classifier = model.architecture().classifier();
    let (model, report) = weights::load(model, &file, Completeness::Partial)?;
    if report.is_exact() {
        return Ok(model);
    }
    if !only_the_classifier_differs(&report, classifier) {
        let report = Box::new(report);
        return Err(WeightsError::Mismatch { path: file, report }.into());
    }
    warn!("{}: {report}; the classifier starts anew", file.display());
    Ok(model)
}

fn only_the_classifier_differs(report: &Report, classifier: &str) -> bool {
    report.missing.is_empty()
        && report.unused.is_empty()
        && report
            .misshaped
            .iter()
            .all(|tensor| tensor.name.starts_with(classifier))
}

fn weights_file(path: &Path) -> Result<std::path::PathBuf, TrainError> {
    if path.is_dir() {
        let checkpoint = Checkpoint::open(path)?;
        Ok(checkpoint
            .average_path()
            .unwrap_or_else(|| checkpoint.model_path()))
    } else if path.exists() {
        Ok(path.to_owned())
    } else {
        Err(CheckpointError::Missing {
            path: path.to_owned(),
        }
        .into())
    }
}
