//! A training step: forward -> loss -> backward -> update, with all that may stand between them: loss
//! scale, accumulation, clipping, the moving average, and batches that end in no number. Knows no data
//! set, no schedule and no file.

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

use crate::loss::{Criterion, Targets};
use crate::optim::{Gradients, Optimizer};
use crate::recipe::Recipe;

pub use average::Average;
pub use scale::LossScale;
use statistics::Statistics;

/// Before the name of a parameter in a checkpoint's optimizer file: its share of an update to come.
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

/// The numbers of a [`Learner`]'s state; its tensors are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnerState {
    /// Updates done.
    pub updates: u64,
    /// What has been gathered for the next one.
    pub pending: Pending,
    /// The loss scale.
    pub scale: LossScale,
}

/// Batches whose gradients have been added up, but not used yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    batches: u64,
    images: u64,
    /// The learning rate of the first of them, which the update will have.
    lr: f64,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It updated the network.
    Updated,
    /// Its gradient waits for others.
    Gathered,
    /// Nothing, because its gradient was too large for the loss scale, which is smaller now.
    Overflowed,
    /// Nothing, because its loss or gradient is infinite or not a number.
    NotFinite,
}

/// What came of a batch.
#[derive(Debug)]
pub struct Learned {
    /// Its loss.
    pub loss: f32,
    /// Its logits `[batch, classes]`, row-major.
    pub logits: Vec<f32>,
    /// The norm of its gradient, before clipping; none where the loss is not finite.
    pub gradient_norm: Option<f64>,
    /// What it did.
    pub verdict: Verdict,
}

impl Learner {
    /// Of `model`, which is on an autodiff device, by `recipe`, from the beginning.
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

    /// Goes on where [`Self::state`] and [`Self::tensors`] were taken, on `device` (without autodiff). The
    /// model is to be that of then, and so is `average`, if there is one.
    ///
    /// # Errors
    /// A tensor is missing, or belongs to no such learner.
    pub fn restore(
        &mut self,
        state: &LearnerState,
        mut tensors: BTreeMap<String, TensorData>,
        average: Option<Network>,
        device: &Device,
    ) -> Result<(), String> {
        let mut gathered = Vec::new();
        tensors.retain(|name, data| match name.strip_prefix(PENDING) {
            Some(parameter) => {
                gathered.push((parameter.to_owned(), data.clone()));
                false
            }
            None => true,
        });
        self.gradients = Gradients::from_data(gathered, device);
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

    /// The tensors to save beside the networks.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorData> {
        let mut tensors = self.optimizer.state();
        let gathered = self.gradients.to_data();
        tensors.extend(gathered.map(|(name, data)| (format!("{PENDING}{name}"), data)));
        tensors
    }

    /// The network that is trained.
    #[must_use]
    pub fn model(&self) -> &Network {
        &self.model
    }

    /// The average of it, if the recipe wants one.
    #[must_use]
    pub fn average(&self) -> Option<&Network> {
        self.average.as_ref().map(Average::model)
    }

    /// Learns from a batch: `images` `[batch, 3, size, size]` on the autodiff device, with learning rate
    /// `lr`. Dropout draws from the device's generator.
    #[must_use]
    pub fn step(mut self, images: Tensor<4>, targets: &Targets, lr: f64) -> (Self, Learned) {
        let count = images.dims()[0] as u64;
        // The forward pass moves running statistics, which a batch without a number must not have done.
        let statistics = Statistics::of(&self.model);
        let logits = self.model.forward(images);
        let loss = self.criterion.of(logits.clone(), targets);
        let (seen_loss, seen_logits) = (loss.clone().inner(), logits.inner());
        let scale = self.scale.value();
        let scaled = if scale == 1.0 { loss } else { loss * scale };
        let gradients = GradientsParams::from_grads(scaled.backward(), &self.model);
        let gradients = Gradients::collect(&self.model, gradients).scaled(1.0 / scale);
        let (mut learned, norm) = read(seen_loss, seen_logits, &gradients);
        if !learned.loss.is_finite() {
            self.model = statistics.restored(self.model);
            return (self, learned);
        }
        learned.gradient_norm = Some(norm);
        if !norm.is_finite() {
            self.model = statistics.restored(self.model);
            if self.scale.lower() {
                learned.verdict = Verdict::Overflowed;
            }
            return (self, learned);
        }
        (self, learned.verdict) = self.gather(gradients, norm, count, lr);
        (self, learned)
    }

    /// Adds the gradients of `images` images, of that norm, to those that wait, and updates the network
    /// once there are enough of them.
    fn gather(mut self, gradients: Gradients, norm: f64, images: u64, lr: f64) -> (Self, Verdict) {
        let (gradients, norm, lr) = if self.accumulation == 1 {
            (gradients, norm, lr)
        } else {
            if self.pending.batches == 0 {
                self.pending.lr = lr;
            }
            self.pending.batches += 1;
            self.pending.images += images;
            let gathered = std::mem::take(&mut self.gradients);
            let gathered = gathered.plus(gradients.scaled(images as f64));
            if self.pending.batches < self.accumulation {
                self.gradients = gathered;
                return (self, Verdict::Gathered);
            }
            let pending = std::mem::take(&mut self.pending);
            let mean = gathered.scaled(1.0 / pending.images as f64);
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

/// What the host has to know of a batch, and the norm of its gradients, read at once: a GPU that is read
/// from is waited for, and then stands still until it is given more to do.
fn read(loss: Tensor<1>, logits: Tensor<2>, gradients: &Gradients) -> (Learned, f64) {
    let count = logits.shape().num_elements();
    let mut all = vec![loss, logits.flatten(0, 1)];
    all.extend(gradients.squares());
    let values = Tensor::cat(all, 0).into_data();
    let mut values = values.iter::<f32>();
    let learned = Learned {
        loss: values.next().unwrap_or(f32::NAN), // there is one
        logits: values.by_ref().take(count).collect(),
        gradient_norm: None,
        verdict: Verdict::NotFinite,
    };
    (learned, Gradients::norm_of(values))
}
