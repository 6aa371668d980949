//! Evaluation on several crops of each image, with several networks, or both: their softmax outputs are averaged,
//! as in Szegedy et al. For one network and one crop, [`super::evaluate`] is faster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use inception::Inference;
use record::Split;
use tracing::info;

use crate::data;
use crate::data::Input;
use crate::log::live_progress::ValidationStatus;
use crate::recipe::{OnError, Recipe};
use crate::step::accuracy;

use super::class_counts::ClassCounts;
use super::multi_crop::{Crops, crop_all};
use super::{EvaluateError, Evaluation, PROGRESS_INTERVAL};

/// Evaluates `models` on `crops` of each image of a split. The loss is the cross entropy of the averaged
/// probabilities. Returns `None` if `stop` is set before the end. `progress` is called after each image.
///
/// # Errors
/// A record fails and the recipe says `on_error: fail`, or the recipe's numbers make no pipeline.
pub fn evaluate_ensemble(
    models: &[Inference],
    crops: Crops,
    split: &Split,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&ValidationStatus),
) -> Result<Option<(Evaluation, ClassCounts)>, EvaluateError> {
    let began = Instant::now();
    let mut last_said = began;
    let ensemble = Ensemble {
        models,
        input: Input::new(recipe, device),
        image_bytes: (recipe.image_resize.get() as usize).pow(2) * 3,
        batch: recipe.batch_size.get() as usize,
    };
    let (mut counts, mut skipped, mut loss_sum) = (ClassCounts::default(), 0, 0.0);
    let mut stopped = false;
    crop_all(split, recipe, crops, data::workers(recipe), |cropped| {
        stopped = stop.load(Ordering::Relaxed);
        if stopped {
            return Ok(false);
        }
        let cropped = match cropped {
            Ok(cropped) => cropped,
            Err(error) if recipe.on_error == OnError::Skip => {
                tracing::warn!("skipped: {error}");
                skipped += 1;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let log_p = ensemble.log_probabilities(&cropped.pixels);
        loss_sum += cross_entropy(&log_p, cropped.label, recipe.label_smoothing);
        let scores: Vec<f32> = log_p.into_iter().map(|p| p as f32).collect();
        counts.add(&scores, &[cropped.label]);
        let seen = counts.total().images + skipped;
        progress(&ValidationStatus::at(
            seen,
            split.len(),
            counts.top1(),
            began,
        ));
        if last_said.elapsed() >= PROGRESS_INTERVAL {
            last_said = Instant::now();
            info!("Validation: [{seen}/{}] images", split.len());
        }
        Ok(true)
    })?;
    if stopped {
        return Ok(None);
    }
    let images = counts.total().images;
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

struct Ensemble<'a> {
    models: &'a [Inference],
    input: Input,
    image_bytes: usize,
    /// The number of crops that go through a network at once.
    batch: usize,
}

impl Ensemble<'_> {
    /// Logarithms of the mean probabilities over all crops and networks.
    fn log_probabilities(&self, crops: &[u8]) -> Vec<f64> {
        let count = (crops.len() / self.image_bytes * self.models.len()) as f64;
        let mut sums: Vec<f64> = Vec::new();
        for some in crops.chunks(self.batch * self.image_bytes) {
            let images: Tensor<4> = self.input.normalise(some);
            for model in self.models {
                let p = softmax(model.forward(images.clone()), 1).sum_dim(0);
                let p = accuracy::host_values(p);
                sums.resize(p.len(), 0.0);
                for (sum, p) in sums.iter_mut().zip(p) {
                    *sum += f64::from(p);
                }
            }
        }
        // Keeps the loss finite if a probability is below f32's range.
        let least = f64::from(f32::MIN_POSITIVE);
        sums.iter()
            .map(|sum| (sum / count).max(least).ln())
            .collect()
    }
}

/// With smoothing e over K classes the target is (1 - e) on the label plus e/K on every class.
fn cross_entropy(log_p: &[f64], label: u32, smoothing: f64) -> f64 {
    let of_label = log_p.get(label as usize).copied().unwrap_or(f64::NAN);
    let of_all = log_p.iter().sum::<f64>() / log_p.len().max(1) as f64;
    -((1.0 - smoothing) * of_label + smoothing * of_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothed_cross_entropy_is_the_sum_written_out() {
        let log_p = [0.25_f64.ln(), 0.75_f64.ln()];
        assert!((cross_entropy(&log_p, 1, 0.0) + 0.75_f64.ln()).abs() < 1e-12);
        let written_out = -(0.95 * 0.75_f64.ln() + 0.05 * 0.25_f64.ln());
        assert!((cross_entropy(&log_p, 1, 0.1) - written_out).abs() < 1e-12);
    }
}
