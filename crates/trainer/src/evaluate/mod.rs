//! Validation and prediction. This file computes top-1, top-5 and loss over every image of a split, each exactly once:
//! the last batch may be small. The other modules:
//!
//! - [`trained_network`]: a network with its weights, as `validate` and `predict` use it.
//! - [`ensemble`]: several crops of each image, several networks, or both.
//! - [`multi_crop`]: which crops, and how they are made.
//! - [`predict`]: the likeliest classes of image files.
//! - [`class_counts`]: results by class, and the confusion matrix.

pub mod class_counts;
pub mod ensemble;
mod error;
pub mod multi_crop;
pub mod predict;
pub mod trained_network;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use inception::Inference;
use record::Split;
use tracing::info;

use crate::data;
use crate::data::Input;
use crate::log::live_progress::ValidationStatus;
use crate::recipe::Recipe;
use crate::step::accuracy;
use crate::step::loss::Criterion;

pub use crate::step::accuracy::Evaluation;
use class_counts::ClassCounts;
pub use error::EvaluateError;

/// How often a long evaluation logs its progress.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

/// Evaluates `model` on a split. Returns `None` if `stop` is set before the end. `progress` is called after each
/// batch.
///
/// # Errors
/// A record fails and the recipe says `on_error: fail`, or the recipe's numbers make no pipeline.
pub fn evaluate(
    model: &Inference,
    split: Arc<Split>,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&ValidationStatus),
) -> Result<Option<Evaluation>, EvaluateError> {
    let found = evaluate_in_detail(model, split, recipe, device, stop, progress)?;
    Ok(found.map(|(evaluation, _)| evaluation))
}

/// Like [`evaluate`], and also returns the counts of each class.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_in_detail(
    model: &Inference,
    split: Arc<Split>,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&ValidationStatus),
) -> Result<Option<(Evaluation, ClassCounts)>, EvaluateError> {
    let began = Instant::now();
    let mut last_said = began;
    let total = split.len();
    let mut loader = data::evaluation_loader(split, recipe)?;
    let input = Input::new(recipe, device);
    let criterion = Criterion::new(recipe);
    let (mut counts, mut images, mut skipped, mut loss_sum) = (ClassCounts::default(), 0, 0, 0.0);
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
        let scores = accuracy::host_values(logits);
        images += labels.len() as u64;
        counts.add(&scores, &labels);
        loss_sum += f64::from(loss.into_scalar::<f32>()) * labels.len() as f64;
        progress(&ValidationStatus::at(
            images + skipped,
            total,
            counts.top1(),
            began,
        ));
        if last_said.elapsed() >= PROGRESS_INTERVAL {
            last_said = Instant::now();
            info!("Validation: [{}/{total}] images", images + skipped);
        }
    }
    let evaluation = Evaluation {
        images,
        skipped,
        top1: counts.top1(),
        top5: counts.top5(),
        loss: loss_sum / (images as f64).max(1.0),
        seconds: began.elapsed().as_secs_f64(),
    };
    Ok(Some((evaluation, counts)))
}
