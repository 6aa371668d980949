//! Evaluation by several views of each image, several networks, or both: their softmax outputs are
//! averaged, as Szegedy et al. average them. One network and one view are `evaluate`'s, which is
//! faster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::{Device, Tensor, activation::softmax};
use inception::Inference;
use record::Split;
use tracing::info;

use crate::data::{self, Input};
use crate::error::TrainError;
use crate::evaluate::{Evaluation, SIGN_OF_LIFE};
use crate::loss;
use crate::recipe::{OnError, Recipe};
use crate::tally::Tally;
use crate::views::{Crops, view_all};
use crate::watch::Validating;

/// Evaluates `models` on `crops` of each image of a split. The
/// loss is the cross entropy of the averaged probabilities. Nothing if `stop` was set before the end. After
/// each image `progress` is told where it stands.
///
/// # Errors
/// A record fails under `on_error: fail`, or the recipe makes no pipeline.
pub fn evaluate_jointly(
    models: &[Inference],
    crops: Crops,
    split: &Split,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Validating),
) -> Result<Option<(Evaluation, Tally)>, TrainError> {
    let began = Instant::now();
    let mut last_said = began;
    let jury = Jury {
        models,
        input: Input::new(recipe, device),
        image_bytes: (recipe.image_resize.get() as usize).pow(2) * 3,
        batch: recipe.batch_size.get() as usize,
    };
    let (mut tally, mut skipped, mut loss_sum) = (Tally::default(), 0, 0.0);
    let mut stopped = false;
    view_all(split, recipe, crops, data::workers(recipe), |viewed| {
        stopped = stop.load(Ordering::Relaxed);
        if stopped {
            return Ok(false);
        }
        let viewed = match viewed {
            Ok(viewed) => viewed,
            Err(error) if recipe.on_error == OnError::Skip => {
                tracing::warn!("skipped: {error}");
                skipped += 1;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let log_p = jury.log_probabilities(&viewed.pixels);
        loss_sum += cross_entropy(&log_p, viewed.label, recipe.label_smoothing);
        let scores: Vec<f32> = log_p.into_iter().map(|p| p as f32).collect();
        tally.add(&scores, &[viewed.label]);
        let seen = tally.total().images + skipped;
        progress(&Validating::at(seen, split.len(), tally.top1(), began));
        if last_said.elapsed() >= SIGN_OF_LIFE {
            last_said = Instant::now();
            info!("Validation: [{seen}/{}] images", split.len());
        }
        Ok(true)
    })?;
    if stopped {
        return Ok(None);
    }
    let images = tally.total().images;
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

struct Jury<'a> {
    models: &'a [Inference],
    input: Input,
    image_bytes: usize,
    /// Views that go through a network at once.
    batch: usize,
}

impl Jury<'_> {
    /// Logarithms of the mean probabilities of all views and networks.
    fn log_probabilities(&self, views: &[u8]) -> Vec<f64> {
        let count = (views.len() / self.image_bytes * self.models.len()) as f64;
        let mut sums: Vec<f64> = Vec::new();
        for some in views.chunks(self.batch * self.image_bytes) {
            let images: Tensor<4> = self.input.normalise(some);
            for model in self.models {
                let p = softmax(model.forward(images.clone()), 1).sum_dim(0);
                let p = loss::host_values(p);
                sums.resize(p.len(), 0.0);
                for (sum, p) in sums.iter_mut().zip(p) {
                    *sum += f64::from(p);
                }
            }
        }
        // A probability below f32's range is no surprise without bound.
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
