//! From a recipe to a network with weights in it.

use std::path::Path;

use burn::tensor::Device;
use inception::weights;
pub use inception::weights::Completeness;
use inception::weights::Selection;
use inception::{ConfigError, Network, NetworkConfig, Summary, WeightsError};
use tracing::warn;
pub use weight_files::Precision;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::device;
use crate::device::DeviceError;
use crate::recipe::{Recipe, architecture, initialisation, training_precision};

/// Why there is no such network, or why it has no weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The settings of the network.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A weights file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// Which weights to use if there are two copies: the trained ones, or their moving average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The average if a checkpoint has one, else the weights.
    #[default]
    Usual,
    /// The trained weights.
    Weights,
    /// The moving average; an error if there is none.
    Average,
}

/// The configuration of the network of `recipe`, with `classes` outputs.
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

/// The network of `recipe`, with `classes` outputs and initial weights, which depend only on the recipe.
///
/// # Errors
/// The recipe's settings do not give a valid network.
pub fn build(recipe: &Recipe, classes: usize, device: &Device) -> Result<Network, NetworkError> {
    Ok(config(recipe, classes).init(recipe.seed, device)?)
}

/// The layers of the network of `recipe` for images of its size, with 1000 classes if the recipe does not say how
/// many.
///
/// # Errors
/// The recipe's settings do not give a valid network.
pub fn summary(recipe: &Recipe) -> Result<Summary, NetworkError> {
    let classes = recipe.num_classes.map_or(1000, std::num::NonZeroUsize::get);
    let size = recipe.image_resize.get() as usize;
    let device = device::select(&recipe.device)?;
    Ok(Summary::of(&config(recipe, classes), size, &device)?)
}

/// Loads all weights at `path` (a checkpoint directory or a weights file) into `model`. If a checkpoint has a moving
/// average, it is used.
///
/// # Errors
/// They cannot be read, or belong to another network.
pub fn load(model: Network, path: &Path) -> Result<Network, NetworkError> {
    load_some(model, path, Wanted::Usual, Completeness::Exact)
}

/// Like [`load`], to fine-tune: a classifier with another number of classes keeps its initial weights.
///
/// # Errors
/// As [`load`].
pub fn load_to_finetune(model: Network, path: &Path) -> Result<Network, NetworkError> {
    load_some(model, path, Wanted::Usual, Completeness::AnyClassifier)
}

/// Like [`load`], but `wanted` says which copy of the weights, and `completeness` how much of it.
///
/// # Errors
/// As [`load`].
pub fn load_some(
    model: Network,
    path: &Path,
    wanted: Wanted,
    completeness: Completeness,
) -> Result<Network, NetworkError> {
    let (file, selection) = weights_file(path, wanted)?;
    let (model, report) = weights::load(model, &file, selection, completeness)?;
    if !report.is_exact() {
        warn!(
            "{}: {report}; the rest keep their initial values",
            file.display()
        );
    }
    Ok(model)
}

/// Writes the weights at `from` (a checkpoint directory or a weights file), or their moving average, to a weights
/// file. Returns the number of tensors.
///
/// # Errors
/// They cannot be read or written, a value is too large for `precision`, or there is no average.
pub fn convert(
    from: &Path,
    wanted: Wanted,
    to: &Path,
    precision: Precision,
) -> Result<usize, NetworkError> {
    let (file, selection) = weights_file(from, wanted)?;
    weight_files::convert(file, selection, to, precision).map_err(of_a_file)
}

fn of_a_file(error: weight_files::Error) -> NetworkError {
    inception::WeightsError::from(error).into()
}

/// The file that holds the wanted copy, and where in the file it is.
fn weights_file(
    path: &Path,
    wanted: Wanted,
) -> Result<(std::path::PathBuf, Selection), NetworkError> {
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
