//! The likeliest classes of image files. They are prepared exactly as in validation. Reads files, not shards.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use inception::Inference;
use loader::{Class, EvalImages};
use serde::Serialize;

use super::EvaluateError;
use crate::data::Input;
use crate::recipe::Recipe;
use crate::step::accuracy;

/// How many classes a prediction names by default, if there are that many.
pub const GUESSES: usize = 5;

/// A network's guesses about an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The image file.
    pub image: PathBuf,
    /// The likeliest classes, most likely first.
    pub guesses: Vec<Guess>,
}

/// A class and its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guess {
    /// The class's index in the network's outputs.
    pub class: usize,
    /// Its synset, or the name of the class's folder; empty if unknown.
    pub synset: String,
    /// Its readable name; the synset if it has none.
    pub name: String,
    /// Softmax of the logits, 0 to 1.
    pub probability: f32,
}

/// Predicts one image after another.
pub struct Predictor {
    models: Vec<Inference>,
    classes: Vec<Class>,
    input: Input,
    images: EvalImages,
}

impl Predictor {
    /// Predicts with `models`, whose outputs are averaged, on `device`. `classes` gives the names; it may be empty.
    ///
    /// # Errors
    /// The recipe's image settings are invalid.
    pub fn new(
        models: &[Inference],
        classes: &[Class],
        recipe: &Recipe,
        device: &Device,
    ) -> Result<Self, EvaluateError> {
        let (size, filter) = (recipe.image_resize.get(), recipe.interpolation.filter());
        Ok(Predictor {
            models: models.to_vec(),
            classes: classes.to_vec(),
            input: Input::new(recipe, device),
            images: EvalImages::new(size, recipe.crop_pct, filter)?,
        })
    }

    /// The likeliest classes of the image file at `path`, at most `most` of them.
    ///
    /// # Errors
    /// The file cannot be read or decoded.
    pub fn predict(&mut self, path: &Path, most: usize) -> Result<Prediction, EvaluateError> {
        let pixels = self.pixels(path)?;
        let images: Tensor<4> = self.input.normalise(&pixels);
        let mut probabilities: Vec<f32> = Vec::new();
        for model in &self.models {
            let p = accuracy::host_values(softmax(model.forward(images.clone()), 1));
            probabilities.resize(p.len(), 0.0);
            let share = 1.0 / self.models.len() as f32;
            for (mean, p) in probabilities.iter_mut().zip(p) {
                *mean += p * share;
            }
        }
        let mut order: Vec<(usize, f32)> = probabilities.into_iter().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let guesses = order.into_iter().take(most);
        Ok(Prediction {
            image: path.to_owned(),
            guesses: guesses
                .map(|(class, probability)| self.guess(class, probability))
                .collect(),
        })
    }

    /// Packed RGB bytes `[size, size, 3]`.
    fn pixels(&mut self, path: &Path) -> Result<Vec<u8>, EvaluateError> {
        let bytes = fs::read(path).map_err(|cause| EvaluateError::Io {
            path: path.to_owned(),
            cause,
        })?;
        self.images
            .file(&bytes)
            .map_err(|cause| EvaluateError::Image {
                path: path.to_owned(),
                cause,
            })
    }

    fn guess(&self, class: usize, probability: f32) -> Guess {
        let (synset, name) = match self.classes.get(class) {
            Some(known) => (
                known.synset.clone(),
                known.names.first().unwrap_or(&known.synset).clone(),
            ),
            None => (String::new(), format!("class {class}")),
        };
        Guess {
            class,
            synset,
            name,
            probability,
        }
    }
}
