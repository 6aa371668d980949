//! Top-1, top-5 and loss over every image of a split, each exactly once: the last batch is as small
//! as it comes out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use inception::Inference;
use record::Split;
use serde::{Deserialize, Deserializer, Serialize};
use tracing::info;

use crate::data::{self, Input};
use crate::error::TrainError;
use crate::loss::{self, Criterion};
use crate::recipe::Recipe;
use crate::tally::Tally;
use crate::watch::Validating;

/// How often a long evaluation says how far it is.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// What an evaluation found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images counted.
    pub images: u64,
    /// Records that failed and were left out, which `on_error: skip` alone allows.
    pub skipped: u64,
    /// Share of the images, 0 to 1, whose label is the first guess.
    pub top1: f64,
    /// Share of the images, 0 to 1, whose label is among the first five guesses; 1 where there are
    /// no more than five classes.
    pub top5: f64,
    /// Mean loss, with the recipe's label smoothing; not a number (null in JSON) where it overflows.
    #[serde(deserialize_with = "null_is_not_a_number")]
    pub loss: f64,
    /// How long it took.
    pub seconds: f64,
}

fn null_is_not_a_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Evaluation {
    /// Images per second; 0 where no time was taken.
    #[must_use]
    pub fn images_per_second(&self) -> f64 {
        match self.seconds > 0.0 {
            true => self.images as f64 / self.seconds,
            false => 0.0,
        }
    }
}

/// Evaluates `model` on a split. Nothing if `stop` was set before the end. After each batch
/// `progress` is told where it stands.
///
/// # Errors
/// A record fails under `on_error: fail`, or the recipe makes no pipeline.
pub fn evaluate(
    model: &Inference,
    split: Arc<Split>,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Validating),
) -> Result<Option<Evaluation>, TrainError> {
    let found = evaluate_in_detail(model, split, recipe, device, stop, progress)?;
    Ok(found.map(|(evaluation, _)| evaluation))
}

/// As [`evaluate`], with the counts of each class.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_in_detail(
    model: &Inference,
    split: Arc<Split>,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Validating),
) -> Result<Option<(Evaluation, Tally)>, TrainError> {
    let began = Instant::now();
    let mut last_said = began;
    let total = split.len();
    let mut loader = data::evaluation_loader(split, recipe)?;
    let input = Input::new(recipe, device);
    let criterion = Criterion::new(recipe);
    let (mut tally, mut images, mut skipped, mut loss_sum) = (Tally::default(), 0, 0, 0.0);
    while let Some(batch) = loader.next() {
        let batch = batch?;
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        skipped += batch.skipped().len() as u64;
        if batch.is_empty() {
            continue;
        }
        let (pixels, targets) = input.of(&batch);
        let labels = batch.labels().to_vec();
        drop(batch); // its slot goes back to the workers while the network computes

        let logits = model.forward(pixels);
        let loss = criterion.of(logits.clone(), &targets);
        let scores = loss::host_values(logits);
        images += labels.len() as u64;
        tally.add(&scores, &labels);
        loss_sum += f64::from(loss.into_scalar::<f32>()) * labels.len() as f64;
        progress(&Validating::at(
            images + skipped,
            total,
            tally.top1(),
            began,
        ));
        if last_said.elapsed() >= SIGN_OF_LIFE {
            last_said = Instant::now();
            info!("Validation: [{}/{total}] images", images + skipped);
        }
    }
    let evaluation = Evaluation {
        images,
        skipped,
        top1: tally.top1(),
        top5: tally.top5(),
        loss: loss_sum / (images as f64).max(1.0),
        seconds: began.elapsed().as_secs_f64(),
    };
    Ok(Some((evaluation, tally)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_loss_that_overflowed_can_be_stored() {
        let found = Evaluation {
            images: 1,
            skipped: 0,
            top1: 0.0,
            top5: 0.0,
            loss: f64::INFINITY,
            seconds: 1.0,
        };
        let json = serde_json::to_string(&found).unwrap();
        let read: Evaluation = serde_json::from_str(&json).unwrap();
        assert!(read.loss.is_nan() && read.images == 1, "{json}");
        assert_eq!(read.images_per_second(), 1.0);
        let at_once = Evaluation {
            seconds: 0.0,
            ..read
        };
        assert_eq!(at_once.images_per_second(), 0.0);
    }
}
