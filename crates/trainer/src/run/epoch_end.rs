//! The work after the last step of an epoch: validation, a line in the logs, a checkpoint.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use record::Split;
use tracing::info;

use super::RunError;
use crate::checkpoint;
use crate::checkpoint::{Contents, Retention, State};
use crate::evaluate::evaluate;
use crate::log::live_progress::{ValidationStatus, Watcher};
use crate::log::{LogError, RunLog};
use crate::recipe::{Recipe, evaluation_precision};
use crate::step::learner::Learner;

/// The work after the last step of an epoch.
pub(super) struct EpochEnd<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) val_split: Option<Arc<Split>>,
    pub(super) device: &'a Device,
    pub(super) stop: &'a AtomicBool,
    pub(super) last_checkpoint: Option<PathBuf>,
}

impl EpochEnd<'_> {
    /// Validates and logs if the epoch's last step is done, and returns whether it did. If `stop` is set before the
    /// end, the epoch stays open, and a resumed run closes it first.
    pub(super) fn close_epoch(
        &self,
        state: &mut State,
        learner: &Learner,
        log: &mut RunLog,
        watcher: &mut dyn Watcher,
    ) -> Result<bool, RunError> {
        if !state.progress.epoch_open || self.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut evaluation = None;
        if let Some(split) = self
            .val_split
            .as_ref()
            .filter(|_| self.validates(state.epoch))
        {
            let model = learner.average().unwrap_or(learner.model());
            let model = model.fold(evaluation_precision(self.recipe));
            let mut progress = |status: &ValidationStatus| watcher.validating(status);
            let split = split.clone();
            evaluation = evaluate(
                &model,
                split,
                self.recipe,
                self.device,
                self.stop,
                &mut progress,
            )?;
            if evaluation.is_none() {
                return Ok(false);
            }
        }
        log.epoch(state, evaluation.as_ref())
            .map_err(|cause| self.not_logged(state, cause))?;
        let progress = &mut state.progress;
        if let Some(found) = evaluation {
            progress.last = Some((found, state.epoch));
            if progress.best.is_none_or(|(best, _)| found.top1 > best) {
                progress.best = Some((found.top1, state.epoch));
                info!("=> New best val acc: {:.4}%", 100.0 * found.top1);
            }
        }
        (progress.loss_sum, progress.loss_steps) = (0.0, 0);
        (progress.train_seconds, progress.epoch_open) = (0.0, false);
        Ok(true)
    }

    pub(super) fn not_logged(&self, state: &State, cause: LogError) -> RunError {
        RunError::NotLogged {
            step: state.steps,
            cause,
            checkpoint: self.last_checkpoint.clone(),
        }
    }

    fn validates(&self, epoch: u64) -> bool {
        epoch.is_multiple_of(self.recipe.val_interval.get())
            || epoch == self.recipe.epoch_size.get()
    }

    /// Whether a checkpoint is due after the step in `state`.
    pub(super) fn is_due(&self, state: &State) -> bool {
        let epoch_ended = state.batch == state.steps_per_epoch;
        let by_epoch = state
            .epoch
            .is_multiple_of(self.recipe.ckpt_save_interval.get())
            || state.epoch == self.recipe.epoch_size.get();
        let by_step = self
            .recipe
            .ckpt_save_steps
            .is_some_and(|interval| state.steps.is_multiple_of(interval.get()));
        (epoch_ended && by_epoch) || by_step
    }

    /// Saves a checkpoint, after the logs are safely on disk, and returns where it is.
    pub(super) fn save(
        &mut self,
        state: &mut State,
        learner: &Learner,
        log: &RunLog,
    ) -> Result<PathBuf, RunError> {
        log.sync().map_err(|cause| self.not_logged(state, cause))?;
        state.learner = learner.state();
        let contents = Contents {
            model: learner.model(),
            average: learner.average(),
            optimizer: &learner.tensors(),
        };
        let retention = Retention::new(self.recipe);
        let dir = &self.recipe.ckpt_save_dir;
        match checkpoint::save(dir, retention, state.clone(), contents) {
            Ok(path) => {
                RunLog::saved(&path);
                self.last_checkpoint = Some(path.clone());
                Ok(path)
            }
            Err(cause) => Err(RunError::NotSaved {
                step: state.steps,
                cause,
                checkpoint: self.last_checkpoint.clone(),
            }),
        }
    }
}
