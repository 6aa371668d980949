//! A network that has been trained, ready to be validated or asked: weights, classes and recipe
//! from a checkpoint, or weights from a file and the rest from the user.

use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::Device;
use inception::Network;
use record::Class;

use crate::checkpoint::Checkpoint;
use crate::data::Data;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::predict::Predictor;
use crate::recipe::{Layer, OnError, Purpose, Recipe, RecipeError, Resolved};
use crate::{device, network};

/// A trained network in validation mode, with all that belongs to it.
pub struct Trained {
    recipe: Recipe,
    classes: Vec<Class>,
    model: Network,
    device: Device,
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
    pub fn load(recipe: &Recipe, checkpoint: Option<&Checkpoint>) -> Result<Self, TrainError> {
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
            let missing = "num_classes: a .safetensors file does not say how many classes there \
                           are; pass --num-classes, or --data-dir with the data set";
            return Err(RecipeError::Invalid(vec![missing.to_owned()]).into());
        }
        let model = network::load(network::build(recipe, count, &device)?, path)?;
        let classes = if classes.len() == count {
            classes
        } else {
            Vec::new()
        };
        Ok(Trained {
            recipe: recipe.clone(),
            classes,
            model: model.valid(),
            device,
        })
    }

    /// Validates on every image of the data set's `val_split`. Nothing if `stop` was set meanwhile.
    ///
    /// # Errors
    /// The data set cannot be read, or has other classes.
    pub fn validate(&self, stop: &AtomicBool) -> Result<Option<Evaluation>, TrainError> {
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
        evaluate(&self.model, split, &recipe, &self.device, stop)
    }

    /// Makes ready to predict image files.
    ///
    /// # Errors
    /// The recipe's image settings make no sense.
    pub fn predictor(&self) -> Result<Predictor, TrainError> {
        Predictor::new(&self.model, &self.classes, &self.recipe, &self.device)
    }
}

/// The classes of the data set in the recipe's `data_dir`; none where there is no data set.
fn classes_of_data(recipe: &Recipe) -> Vec<Class> {
    Data::open(recipe).map_or_else(|_| Vec::new(), |data| data.classes().to_vec())
}
