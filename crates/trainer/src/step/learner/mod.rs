//! A training step: forward -> loss -> backward -> update, including loss scale, accumulation, clipping, the moving
//! average, and batches whose loss or gradient is NaN or infinite. It knows no data set, no schedule and no file.

mod average;
mod scale;
mod statistics;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use inception::Network;
use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;
use crate::step::loss::{Criterion, Targets};
use crate::step::optim::{Gradients, Optimizer};

pub use average::Average;
pub use scale::LossScale;
use statistics::Statistics;

/// The prefix of a parameter's accumulated gradient in a checkpoint's optimizer file.
const PENDING: &str = "gradient/";

/// A network in training, and everything that its next update depends on.
#[derive(Debug)]
pub struct Learner {
    model: Network,
    average: Option<Average>,
    optimizer: Optimizer,
    criterion: Criterion,
    scale: LossScale,
    clip: Option<f64>,
    accumulation: u64,
    pending: Pending,
    gradients: Gradients,
}

/// The numbers of a [`Learner`]'s state. Its tensors are saved separately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnerState {
    /// Updates done.
    pub updates: u64,
    /// What has been accumulated for the next update.
    pub pending: Pending,
    /// The loss scale.
    pub scale: LossScale,
}

/// Batches whose gradients have been accumulated but not used yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    batches: u64,
    images: u64,
    /// The learning rate of the first of them, which the update will use.
    lr: f64,
}

/// The effect of a batch on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It updated the network.
    Updated,
    /// Nothing yet: its gradient was accumulated.
    Accumulated,
    /// Nothing: its gradient was too large for the loss scale, which has been lowered.
    Overflowed,
    /// Nothing: its loss or gradient is NaN or infinite.
    NotFinite,
}

/// The result of a step.
#[derive(Debug)]
pub struct StepResult {
    /// The loss.
    pub loss: f32,
    /// The logits `[batch, classes]`, row-major.
    pub logits: Vec<f32>,
    /// The norm of the gradient, before clipping; `None` if the loss is NaN or infinite.
    pub gradient_norm: Option<f64>,
    /// The effect of the batch on the network.
    pub verdict: Verdict,
}

impl Learner {
    /// A learner for `model`, which is on an autodiff device, at the beginning of a run of `recipe`.
    #[must_use]
    pub fn new(model: Network, recipe: &Recipe) -> Self {
        Learner {
            average: recipe.ema.then(|| Average::of(&model, recipe.ema_decay)),
            optimizer: Optimizer::new(recipe, &model),
            criterion: Criterion::new(recipe),
            scale: LossScale::new(recipe),
            clip: recipe.clip_grad.then_some(recipe.clip_value),
            accumulation: recipe.gradient_accumulation_steps.get(),
            pending: Pending::default(),
            gradients: Gradients::default(),
            model,
        }
    }

    /// Continues from the time when [`Self::state`] and [`Self::tensors`] were taken, on `device` (without autodiff).
    /// The model must be the one from that time, and so must `average`, if there is one.
    ///
    /// # Errors
    /// The name of a tensor that is missing or unexpected.
    pub fn restore(
        &mut self,
        state: &LearnerState,
        mut tensors: BTreeMap<String, TensorData>,
        average: Option<Network>,
        device: &Device,
    ) -> Result<(), String> {
        let mut accumulated = Vec::new();
        tensors.retain(|name, data| match name.strip_prefix(PENDING) {
            Some(parameter) => {
                accumulated.push((parameter.to_owned(), data.clone()));
                false
            }
            None => true,
        });
        self.gradients = Gradients::from_data(accumulated, device);
        self.pending = state.pending;
        self.scale.restore(state.scale);
        if let (Some(average), Some(model)) = (&mut self.average, average) {
            average.restore(model);
        }
        self.optimizer.restore(state.updates, tensors, device)
    }

    /// The numbers to save.
    #[must_use]
    pub fn state(&self) -> LearnerState {
        LearnerState {
            updates: self.optimizer.updates(),
            pending: self.pending,
            scale: self.scale,
        }
    }

    /// The tensors to save, without the networks.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorData> {
        let mut tensors = self.optimizer.state();
        let accumulated = self.gradients.to_data();
        tensors.extend(accumulated.map(|(name, data)| (format!("{PENDING}{name}"), data)));
        tensors
    }

    /// The network in training.
    #[must_use]
    pub fn model(&self) -> &Network {
        &self.model
    }

    /// Its moving average, if the recipe wants one.
    #[must_use]
    pub fn average(&self) -> Option<&Network> {
        self.average.as_ref().map(Average::model)
    }

    /// Learns from a batch: `images` `[batch, 3, size, size]` on the autodiff device, with learning rate
    /// `lr`. Dropout draws from the device's generator.
    #[must_use]
    pub fn step(mut self, images: Tensor<4>, targets: &Targets, lr: f64) -> (Self, StepResult) {
        let count = images.dims()[0] as u64;
        // The forward pass updates running statistics. This has to be undone if the loss is NaN or infinite.
        let statistics = Statistics::of(&self.model);
        let logits = self.model.forward(images);
        let loss = self.criterion.of(logits.clone(), targets);
        let (seen_loss, seen_logits) = (loss.clone().inner(), logits.inner());
        let scale = self.scale.value();
        let scaled = if scale == 1.0 { loss } else { loss * scale };
        let gradients = GradientsParams::from_grads(scaled.backward(), &self.model);
        let gradients = Gradients::collect(&self.model, gradients).scaled(1.0 / scale);
        let (mut result, norm) = read(seen_loss, seen_logits, &gradients);
        if !result.loss.is_finite() {
            self.model = statistics.restored(self.model);
            return (self, result);
        }
        result.gradient_norm = Some(norm);
        if !norm.is_finite() {
            self.model = statistics.restored(self.model);
            if self.scale.lower() {
                result.verdict = Verdict::Overflowed;
            }
            return (self, result);
        }
        (self, result.verdict) = self.accumulate(gradients, norm, count, lr);
        (self, result)
    }

    /// Accumulates the gradients of `images` images, which have that norm, and updates the network once there are
    /// enough images.
    fn accumulate(
        mut self,
        gradients: Gradients,
        norm: f64,
        images: u64,
        lr: f64,
    ) -> (Self, Verdict) {
        let (gradients, norm, lr) = if self.accumulation == 1 {
            (gradients, norm, lr)
        } else {
            if self.pending.batches == 0 {
                self.pending.lr = lr;
            }
            self.pending.batches += 1;
            self.pending.images += images;
            let accumulated = std::mem::take(&mut self.gradients);
            let accumulated = accumulated.plus(gradients.scaled(images as f64));
            if self.pending.batches < self.accumulation {
                self.gradients = accumulated;
                return (self, Verdict::Accumulated);
            }
            let pending = std::mem::take(&mut self.pending);
            let mean = accumulated.scaled(1.0 / pending.images as f64);
            let norm = mean.norm();
            (mean, norm, pending.lr)
        };
        let gradients = match self.clip {
            Some(limit) => gradients.clipped(norm, limit),
            None => gradients,
        };
        self.model = self.optimizer.step(lr, self.model, gradients);
        self.scale.held();
        let updates = self.optimizer.updates();
        let average = self.average.take();
        self.average = average.map(|average| average.after(updates, &self.model));
        (self, Verdict::Updated)
    }
}

/// Everything the host needs to know about a batch, and the norm of its gradients, in a single read. Each read waits
/// for the GPU, which then idles until it gets more work.
fn read(loss: Tensor<1>, logits: Tensor<2>, gradients: &Gradients) -> (StepResult, f64) {
    let count = logits.shape().num_elements();
    let mut all = vec![loss, logits.flatten(0, 1)];
    all.extend(gradients.squares());
    let values = Tensor::cat(all, 0).into_data();
    let mut values = values.iter::<f32>();
    let result = StepResult {
        loss: values.next().unwrap_or(f32::NAN), // there is one
        logits: values.by_ref().take(count).collect(),
        gradient_norm: None,
        verdict: Verdict::NotFinite,
    };
    (result, Gradients::norm_of(values))
}
