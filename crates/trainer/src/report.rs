//! What a run says while it goes: MindCV's log lines, with throughput and the share of time spent
//! waiting for data, and the same as JSON lines. Measures; decides nothing.

use std::path::Path;
use std::time::Duration;

use loader::{Binding, Stage, StatsSnapshot};
use tracing::{info, warn};

use crate::checkpoint::State;
use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::metrics::{Line, Metrics, RunLine, TrainLine};
use crate::recipe::Recipe;

/// What a training step came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) loss: f32,
    pub(crate) images: usize,
    pub(crate) correct: u64,
    pub(crate) lr: f64,
    /// From asking for the batch to the end of the update.
    pub(crate) took: Duration,
    /// Of that, waiting for the batch.
    pub(crate) waited: Duration,
}

/// The log and the two files of a run.
#[derive(Debug)]
pub(crate) struct Report {
    metrics: Metrics,
    log_interval: u64,
    epochs: u64,
    /// Since the last log line.
    images: usize,
    took: Duration,
    waited: Duration,
}

impl Report {
    pub(crate) fn new(metrics: Metrics, recipe: &Recipe) -> Self {
        Report {
            metrics,
            log_interval: recipe.log_interval.get(),
            epochs: recipe.epoch_size.get(),
            images: 0,
            took: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }

    pub(crate) fn start(&mut self, line: RunLine, peak_lr: f64) -> Result<(), TrainError> {
        let recipe = &line.recipe;
        info!(
            "{}: {} parameters, {} classes, {} px; {} images, {} steps of {} an epoch; lr up to {peak_lr}{}",
            recipe.model.as_str(),
            line.trainable_parameters,
            line.classes,
            recipe.image_resize,
            line.train_images,
            line.steps_per_epoch,
            recipe.batch_size,
            match recipe.lr_for_batch {
                Some(meant) => format!(" ({} for a batch of {meant}, scaled)", recipe.lr),
                None => String::new(),
            }
        );
        self.metrics.line(&Line::Run(Box::new(line)))
    }

    pub(crate) fn step(&mut self, state: &State, step: &Step) -> Result<(), TrainError> {
        self.images += step.images;
        self.took += step.took;
        self.waited += step.waited;
        let (batch, batches) = (state.batch, state.steps_per_epoch);
        if batch == 1 || batch == batches || batch.is_multiple_of(self.log_interval) {
            info!(
                "Epoch: [{}/{}], batch: [{batch}/{batches}], loss: {:.6}, lr: {:.6}, time: {:.6}s, \
                 {:.1} img/s, data wait: {:.1} %",
                state.epoch,
                self.epochs,
                step.loss,
                step.lr,
                self.took.as_secs_f64(),
                self.images as f64 / seconds(self.took),
                100.0 * self.waited.as_secs_f64() / seconds(self.took),
            );
            (self.images, self.took, self.waited) = (0, Duration::ZERO, Duration::ZERO);
        }
        self.metrics.line(&Line::Train(TrainLine {
            step: state.steps,
            epoch: state.epoch,
            batch,
            loss: step.loss,
            top1: step.correct as f64 / step.images as f64,
            lr: step.lr,
            img_per_s: step.images as f64 / seconds(step.took),
            data_wait: step.waited.as_secs_f64() / seconds(step.took),
        }))
    }

    /// Says how fast an epoch was, what kept it from being faster, and how many records were
    /// `skipped`.
    pub(crate) fn pipeline(&self, state: &State, stats: &StatsSnapshot, skipped: u64) {
        let binds = match stats.binding() {
            Binding::Consumer => "computing binds, the loader keeps up".to_owned(),
            Binding::Workers(stage) => format!(
                "loading binds: {stage} takes most of it, {:.0} us an image; more --workers may help",
                stats.stage_us(stage)
            ),
            other => format!("{other:?} binds"),
        };
        let reserve = stats.stage(Stage::WaitForSlot).as_secs_f64() / stats.workers.max(1) as f64;
        info!(
            "Epoch {}: {:.1} img/s, data wait: {:.1} %, loader idle: {:.1} %; {binds}",
            state.epoch,
            stats.images_per_second(),
            100.0 * stats.data_wait_share(),
            100.0 * reserve / seconds(stats.elapsed),
        );
        if skipped > 0 {
            warn!("{skipped} records of this epoch failed and were skipped");
        }
    }

    pub(crate) fn epoch(
        &mut self,
        state: &State,
        evaluation: Option<&Evaluation>,
    ) -> Result<(), TrainError> {
        if let Some(evaluation) = evaluation {
            info!("{}", validation_line(evaluation));
            let line = Line::Validation {
                step: state.steps,
                epoch: state.epoch,
                evaluation: *evaluation,
            };
            self.metrics.line(&line)?;
        }
        let progress = &state.progress;
        let loss = progress.loss_sum / state.batch as f64;
        self.metrics
            .epoch(state.epoch, loss, progress.train_seconds, evaluation)
    }

    /// To be called before a checkpoint is saved: it must not know of steps that the logs lost.
    pub(crate) fn sync(&self) -> Result<(), TrainError> {
        self.metrics.sync()
    }

    pub(crate) fn saved(path: &Path) {
        info!("Saving model to {}", path.display());
    }
}

/// MindCV's line about a validation.
#[must_use]
pub fn validation_line(evaluation: &Evaluation) -> String {
    format!(
        "Validation Top_1_Accuracy: {:.4}%, Top_5_Accuracy: {:.4}%, time: {:.6}s, loss: {:.6}, \
         {} images, {:.1} img/s",
        100.0 * evaluation.top1,
        100.0 * evaluation.top5,
        evaluation.seconds,
        evaluation.loss,
        evaluation.images,
        evaluation.images_per_second(),
    )
}

/// A duration to divide by.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().max(1e-9)
}
