//! From a recipe to a network with weights in it.

use std::path::Path;

use burn::tensor::Device;
use inception::weights;
pub use inception::weights::Completeness;
use inception::weights::Selection;
use inception::{Network, NetworkConfig, Summary};
use tracing::warn;
pub use weight_files::Precision;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::device;
use crate::error::TrainError;
use crate::recipe::{Recipe, architecture, initialisation, training_precision};

/// Which weights are taken of two copies: as they were trained, or their moving average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// A checkpoint's average if it keeps one; of other files the weights.
    #[default]
    Usual,
    /// The weights as they were trained.
    Weights,
    /// The average; an error where there is none.
    Average,
}

/// What the network of `recipe` with `classes` outputs is made of.
#[must_use]
pub fn config(recipe: &Recipe, classes: usize) -> NetworkConfig {
    let architecture = architecture(recipe.model);
    NetworkConfig {
        num_classes: classes,
        drop_rate: recipe.drop_rate,
        drop_path_rate: recipe.drop_path_rate,
        width: recipe.width,
        blocks: recipe.blocks.unwrap_or(architecture.blocks()),
        bn_momentum: recipe.bn_momentum,
        residual_scale: recipe.residual_scale,
        init: initialisation(recipe.init),
        precision: training_precision(recipe),
        ..NetworkConfig::of(architecture)
    }
}

/// The network of `recipe` with `classes` outputs and its initial weights, which depend on the
/// recipe alone.
///
/// # Errors
/// The recipe's numbers make no network.
pub fn build(recipe: &Recipe, classes: usize, device: &Device) -> Result<Network, TrainError> {
    Ok(config(recipe, classes).init(recipe.seed, device)?)
}

/// The layers of the network of `recipe`, of 1000 classes where it does not say how many, for images
/// of its size.
///
/// # Errors
/// The recipe's numbers make no network.
pub fn summary(recipe: &Recipe) -> Result<Summary, TrainError> {
    let classes = recipe.num_classes.map_or(1000, std::num::NonZeroUsize::get);
    let size = recipe.image_resize.get() as usize;
    let device = device::select(&recipe.device)?;
    Ok(Summary::of(&config(recipe, classes), size, &device)?)
}

/// Puts the weights at `path` (a checkpoint's directory or a weights file) into `model`, all of
/// them. Of a checkpoint with a moving average, that.
///
/// # Errors
/// They cannot be read, or are those of another network.
pub fn load(model: Network, path: &Path) -> Result<Network, TrainError> {
    load_some(model, path, Wanted::Usual, Completeness::Exact)
}

/// As [`load`], to train on from there: a classifier of another number of classes starts anew.
///
/// # Errors
/// As [`load`].
pub fn load_to_finetune(model: Network, path: &Path) -> Result<Network, TrainError> {
    load_some(model, path, Wanted::Usual, Completeness::AnyClassifier)
}

/// As [`load`], but the copy of the weights, and as much of it, as is asked for.
///
/// # Errors
/// As [`load`].
pub fn load_some(
    model: Network,
    path: &Path,
    wanted: Wanted,
    completeness: Completeness,
) -> Result<Network, TrainError> {
    let (file, selection) = weights_file(path, wanted)?;
    let (model, report) = weights::load(model, &file, selection, completeness)?;
    if !report.is_exact() {
        warn!(
            "{}: {report}; the rest keeps its initial values",
            file.display()
        );
    }
    Ok(model)
}

/// Writes the weights at `from` (a checkpoint's directory or a weights file), or their moving average,
/// to a weights file. Returns how many tensors there were.
///
/// # Errors
/// They cannot be read or written, a value is too large for `precision`, or there is no average.
pub fn convert(
    from: &Path,
    wanted: Wanted,
    to: &Path,
    precision: Precision,
) -> Result<usize, TrainError> {
    let (file, selection) = weights_file(from, wanted)?;
    weight_files::convert(file, selection, to, precision).map_err(of_a_file)
}

fn of_a_file(error: weight_files::Error) -> TrainError {
    inception::WeightsError::from(error).into()
}

/// The file that holds what is asked for, and where in it.
fn weights_file(
    path: &Path,
    wanted: Wanted,
) -> Result<(std::path::PathBuf, Selection), TrainError> {
    if path.is_dir() {
        let checkpoint = Checkpoint::open(path)?;
        let file = match (wanted, checkpoint.average_path()) {
            (Wanted::Usual | Wanted::Average, Some(average)) => average,
            (Wanted::Usual | Wanted::Weights, _) => checkpoint.model_path(),
            (Wanted::Average, None) => {
                let path = path.to_owned();
                return Err(of_a_file(weight_files::Error::NoAverage { path }));
            }
        };
        Ok((file, Selection::Weights))
    } else if path.exists() {
        let selection = match wanted {
            Wanted::Usual | Wanted::Weights => Selection::Weights,
            Wanted::Average => Selection::Average,
        };
        Ok((path.to_owned(), selection))
    } else {
        Err(CheckpointError::Missing {
            path: path.to_owned(),
        }
        .into())
    }
}
