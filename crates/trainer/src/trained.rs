//! A network that has been trained, ready to be validated or asked: weights, classes and recipe
//! from a checkpoint, or weights from a file and the rest from the user.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use inception::Inference;
use record::Class;

use crate::checkpoint::Checkpoint;
use crate::data::Data;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate_in_detail};
use crate::jury::evaluate_jointly;
use crate::network::{Completeness, Wanted};
use crate::predict::Predictor;
use crate::recipe::{
    Architecture, Layer, OnError, Purpose, Recipe, RecipeError, Resolved, UnknownArchitecture,
    evaluation_precision,
};
use crate::tally::Tally;
use crate::views::Crops;
use crate::watch::Validating;
use crate::{device, network};

/// A trained network, folded for inference, with all that belongs to it.
pub struct Trained {
    recipe: Recipe,
    classes: Vec<Class>,
    /// The network, and those that judge beside it.
    models: Vec<Inference>,
    device: Device,
}

/// What to load besides the recipe's `ckpt_path`, and how.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// The weights, or their moving average.
    pub wanted: Wanted,
    /// Whether tensors that are missing or of another shape may keep their initial values.
    pub partial: bool,
    /// Networks whose outputs are averaged with the first's.
    pub ensemble: Vec<Member>,
}

/// A further network of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which network a weights file is of; nothing for the recipe's. A checkpoint knows its own.
    pub model: Option<Architecture>,
    /// A checkpoint's directory or a weights file.
    pub path: PathBuf,
}

impl FromStr for Member {
    type Err = UnknownArchitecture;

    /// `PATH`, or `MODEL=PATH`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (model, path) = match text.split_once('=') {
            Some((model, path)) => (Some(model.parse()?), path),
            None => (None, text),
        };
        let path = path.into();
        Ok(Member { model, path })
    }
}

/// Resolves the recipe of an evaluation. The checkpoint in `ckpt_path`, if it is one of ours, brings
/// its own recipe, which `layers` override.
///
/// # Errors
/// As [`Recipe::resolve`]; no `ckpt_path`; or the checkpoint is damaged.
pub fn resolve(layers: &[Layer]) -> Result<(Resolved, Option<Checkpoint>), TrainError> {
    let alone = Recipe::resolve(&Recipe::default(), layers, Purpose::Evaluate)?;
    let path = alone
        .recipe
        .ckpt_path
        .as_ref()
        .ok_or(TrainError::NoWeights)?;
    if !path.is_dir() {
        return Ok((alone, None));
    }
    let checkpoint = Checkpoint::open(path)?;
    // That a training passed over damaged records does not mean that a validation may.
    let base = Recipe {
        on_error: OnError::Fail,
        ..checkpoint.state().recipe.clone()
    };
    let resolved = Recipe::resolve(&base, layers, Purpose::Evaluate)?;
    Ok((resolved, Some(checkpoint)))
}

impl Trained {
    /// Loads the weights in the recipe's `ckpt_path`. Where neither a checkpoint nor the recipe says
    /// how many classes there are, the data set in `data_dir` does.
    ///
    /// # Errors
    /// The weights are missing, damaged or of another network; or the number of classes is unknown.
    pub fn load(
        recipe: &Recipe,
        checkpoint: Option<&Checkpoint>,
        loading: &Loading,
    ) -> Result<Self, TrainError> {
        let device = device::select(&recipe.device)?;
        let path = recipe.ckpt_path.as_ref().ok_or(TrainError::NoWeights)?;
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
            Ok::<_, TrainError>(model.fold(precision))
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
        Ok(Trained {
            recipe: recipe.clone(),
            classes,
            models,
            device,
        })
    }

    /// Validates on every image of the data set's `val_split`, on `crops` of each. Nothing if `stop`
    /// was set meanwhile. `progress` is told where it stands.
    ///
    /// # Errors
    /// The data set cannot be read, or has other classes.
    pub fn validate(
        &self,
        crops: Crops,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Validating),
    ) -> Result<Option<Validated>, TrainError> {
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
            return Err(TrainError::OtherClasses {
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
            _ => evaluate_jointly(models, crops, &split, &recipe, device, stop, progress)?,
        };
        Ok(found.map(|(evaluation, tally)| Validated {
            evaluation,
            tally,
            classes: data.classes().to_vec(),
        }))
    }

    /// Makes ready to predict image files.
    ///
    /// # Errors
    /// The recipe's image settings make no sense.
    pub fn predictor(&self) -> Result<Predictor, TrainError> {
        Predictor::new(&self.models, &self.classes, &self.recipe, &self.device)
    }
}

/// What a validation found.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The figures.
    pub evaluation: Evaluation,
    /// The counts of each class.
    pub tally: Tally,
    /// The data set's classes.
    pub classes: Vec<Class>,
}

/// The recipe of a member's network: a checkpoint's own, or `recipe` with another model.
fn recipe_of(member: &Member, recipe: &Recipe) -> Result<Recipe, TrainError> {
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

/// The classes of the data set in the recipe's `data_dir`; none where there is no data set.
fn classes_of_data(recipe: &Recipe) -> Vec<Class> {
    Data::open(recipe).map_or_else(|_| Vec::new(), |data| data.classes().to_vec())
}
