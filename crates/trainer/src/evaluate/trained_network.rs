//! A trained network, ready to validate or to predict. Its weights, classes and recipe come from a checkpoint. Or its
//! weights come from a file, and the rest from the user.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use inception::Inference;
use record::Class;

use crate::checkpoint::Checkpoint;
use crate::data::Data;
use crate::log::live_progress::ValidationStatus;
use crate::network::{Completeness, Wanted};
use crate::recipe::{
    Architecture, Layer, OnError, Purpose, Recipe, RecipeError, Resolved, UnknownArchitecture,
    evaluation_precision,
};
use crate::{device, network};

use super::class_counts::ClassCounts;
use super::ensemble::evaluate_ensemble;
use super::multi_crop::Crops;
use super::predict::Predictor;
use super::{EvaluateError, Evaluation, evaluate_in_detail};

/// A trained network, folded for inference, with its recipe, classes and device.
pub struct TrainedNetwork {
    recipe: Recipe,
    classes: Vec<Class>,
    /// The network, and the others in its ensemble.
    models: Vec<Inference>,
    device: Device,
}

/// What to load besides the recipe's `ckpt_path`, and how to load it.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The weights, or their moving average.
    pub wanted: Wanted,
    /// Whether tensors that are missing or have another shape may keep their initial values.
    pub partial: bool,
    /// Networks whose outputs are averaged with those of the first.
    pub ensemble: Vec<EnsembleMember>,
}

/// Another network in an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnsembleMember {
    /// Which network a weights file belongs to; `None` means the recipe's. A checkpoint knows its own.
    pub model: Option<Architecture>,
    /// A checkpoint directory or a weights file.
    pub path: PathBuf,
}

impl FromStr for EnsembleMember {
    type Err = UnknownArchitecture;

    /// `PATH`, or `MODEL=PATH`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (model, path) = match text.split_once('=') {
            Some((model, path)) => (Some(model.parse()?), path),
            None => (None, text),
        };
        let path = path.into();
        Ok(EnsembleMember { model, path })
    }
}

/// Resolves the recipe of an evaluation. If `ckpt_path` is one of our checkpoints, it brings its own recipe, which
/// `layers` override.
///
/// # Errors
/// As for [`Recipe::resolve`]; or there is no `ckpt_path`; or the checkpoint is damaged.
pub fn resolve(layers: &[Layer]) -> Result<(Resolved, Option<Checkpoint>), EvaluateError> {
    let alone = Recipe::resolve(&Recipe::default(), layers, Purpose::Evaluate)?;
    let path = alone
        .recipe
        .ckpt_path
        .as_ref()
        .ok_or(EvaluateError::NoWeights)?;
    if !path.is_dir() {
        return Ok((alone, None));
    }
    let checkpoint = Checkpoint::open(path)?;
    // A recipe that lets training skip damaged records does not let validation skip them.
    let base = Recipe {
        on_error: OnError::Fail,
        ..checkpoint.state().recipe.clone()
    };
    let resolved = Recipe::resolve(&base, layers, Purpose::Evaluate)?;
    Ok((resolved, Some(checkpoint)))
}

impl TrainedNetwork {
    /// Loads the weights in the recipe's `ckpt_path`. If neither a checkpoint nor the recipe says how many classes
    /// there are, the data set in `data_dir` does.
    ///
    /// # Errors
    /// The weights are missing, damaged or belong to another network; or the number of classes is unknown.
    pub fn load(
        recipe: &Recipe,
        checkpoint: Option<&Checkpoint>,
        loading: &LoadOptions,
    ) -> Result<Self, EvaluateError> {
        let device = device::select(&recipe.device)?;
        let path = recipe.ckpt_path.as_ref().ok_or(EvaluateError::NoWeights)?;
        let classes = match checkpoint {
            Some(checkpoint) => checkpoint.state().classes.clone(),
            None => classes_of_data(recipe),
        };
        let count = recipe
            .num_classes
            .map_or(classes.len(), std::num::NonZeroUsize::get);
        if count == 0 {
            let missing = "num_classes: a weights file does not say how many classes there \
                           are; pass --num-classes, or --data-dir with the data set";
            return Err(RecipeError::Invalid(vec![missing.to_owned()]).into());
        }
        let precision = evaluation_precision(recipe);
        let load = |recipe: &Recipe, path: &Path| {
            let completeness = match loading.partial {
                true => Completeness::Partial,
                false => Completeness::Exact,
            };
            let model = network::build(recipe, count, &device)?;
            let model = network::load_some(model, path, loading.wanted, completeness)?;
            Ok::<_, EvaluateError>(model.fold(precision))
        };
        let mut models = vec![load(recipe, path)?];
        for member in &loading.ensemble {
            models.push(load(&recipe_of(member, recipe)?, &member.path)?);
        }
        let classes = if classes.len() == count {
            classes
        } else {
            Vec::new()
        };
        Ok(TrainedNetwork {
            recipe: recipe.clone(),
            classes,
            models,
            device,
        })
    }

    /// Validates on `crops` of every image of the data set's `val_split`. Returns `None` if `stop` is set before the
    /// end. `progress` is called as it goes.
    ///
    /// # Errors
    /// The data set cannot be read, or has other classes.
    pub fn validate(
        &self,
        crops: Crops,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&ValidationStatus),
    ) -> Result<Option<Validated>, EvaluateError> {
        let data = Data::open(&self.recipe)?;
        let recipe = data.complete(&self.recipe)?;
        let synset = |class: &Class| class.synset.clone();
        let known = self
            .classes
            .iter()
            .map(synset)
            .zip(data.classes().iter().map(synset));
        if let Some((index, (network, data))) = known
            .enumerate()
            .find(|(_, (network, data))| network != data)
        {
            let data_dir = recipe.data_dir;
            return Err(EvaluateError::OtherClasses {
                index,
                network,
                data,
                data_dir,
            });
        }
        let split = data.split(&recipe.val_split)?;
        let (device, models) = (&self.device, &self.models);
        let found = match (models.as_slice(), crops) {
            ([model], Crops::One) => {
                evaluate_in_detail(model, split, &recipe, device, stop, progress)?
            }
            _ => evaluate_ensemble(models, crops, &split, &recipe, device, stop, progress)?,
        };
        Ok(found.map(|(evaluation, class_counts)| Validated {
            evaluation,
            class_counts,
            classes: data.classes().to_vec(),
        }))
    }

    /// A predictor for image files.
    ///
    /// # Errors
    /// The recipe's image settings are invalid.
    pub fn predictor(&self) -> Result<Predictor, EvaluateError> {
        Predictor::new(&self.models, &self.classes, &self.recipe, &self.device)
    }
}

/// The result of a validation.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The figures.
    pub evaluation: Evaluation,
    /// The counts of each class.
    pub class_counts: ClassCounts,
    /// The data set's classes.
    pub classes: Vec<Class>,
}

/// The recipe of another network in an ensemble: a checkpoint's own, or `recipe` with another model.
fn recipe_of(member: &EnsembleMember, recipe: &Recipe) -> Result<Recipe, EvaluateError> {
    if member.path.is_dir() {
        return Ok(Checkpoint::open(&member.path)?.state().recipe.clone());
    }
    let model = member.model.unwrap_or(recipe.model);
    Ok(Recipe {
        model,
        blocks: recipe.blocks.filter(|_| model == recipe.model),
        ..recipe.clone()
    })
}

/// The classes of the data set in the recipe's `data_dir`; empty if there is no data set.
fn classes_of_data(recipe: &Recipe) -> Vec<Class> {
    Data::open(recipe).map_or_else(|_| Vec::new(), |data| data.classes().to_vec())
}
