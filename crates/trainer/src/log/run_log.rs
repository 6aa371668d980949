//! What a run logs as it goes: MindCV's log lines, with throughput and the share of time spent waiting for data, and
//! the same as JSON lines. It measures, but decides nothing.

use std::path::Path;
use std::time::Duration;

use loader::{Stage, StatsSnapshot};
use tracing::{info, warn};

use super::LogError;
use super::live_progress::TrainingStatus;
use super::metrics::{Line, Metrics, RunLine, TrainLine};
use crate::checkpoint::State;
use crate::recipe::Recipe;
use crate::step::accuracy::Evaluation;
use crate::step::learner::Verdict;

/// Loading was the bottleneck of an epoch if more than this share of its time was spent waiting for data.
const LOADING_IS_BOTTLENECK: f64 = 0.05;

/// The figures of a training step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepFigures {
    pub(crate) loss: f32,
    pub(crate) gradient_norm: Option<f64>,
    pub(crate) verdict: Verdict,
    pub(crate) images: usize,
    pub(crate) correct: u64,
    pub(crate) lr: f64,
    /// From asking for the batch to the end of the update.
    pub(crate) took: Duration,
    /// The part of that time spent waiting for the batch.
    pub(crate) waited: Duration,
}

/// The console log and the files of a run.
#[derive(Debug)]
pub(crate) struct RunLog {
    metrics: Metrics,
    log_interval: u64,
    epochs: u64,
    since_line: Pace,
    since_epoch: Pace,
    since_start: Pace,
    recent: Recent,
}

/// The last steps: each counts 5 % less than the one after it.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    images: f64,
    took: f64,
    waited: f64,
}

impl Recent {
    fn add(&mut self, step: &StepFigures) {
        const KEPT: f64 = 0.95;
        self.images = KEPT * self.images + step.images as f64;
        self.took = KEPT * self.took + seconds(step.took);
        self.waited = KEPT * self.waited + step.waited.as_secs_f64();
    }
}

/// The sum of several steps.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    steps: u64,
    images: usize,
    correct: u64,
    took: Duration,
    waited: Duration,
}

impl Pace {
    fn add(&mut self, step: &StepFigures) {
        self.steps += 1;
        self.images += step.images;
        self.correct += step.correct;
        self.took += step.took;
        self.waited += step.waited;
    }

    fn images_per_second(&self) -> f64 {
        self.images as f64 / seconds(self.took)
    }

    /// Share of the time that was spent waiting for data, 0 to 1.
    fn data_wait(&self) -> f64 {
        self.waited.as_secs_f64() / seconds(self.took)
    }
}

impl RunLog {
    pub(crate) fn new(metrics: Metrics, recipe: &Recipe) -> Self {
        RunLog {
            metrics,
            log_interval: recipe.log_interval.get(),
            epochs: recipe.epoch_size.get(),
            since_line: Pace::default(),
            since_epoch: Pace::default(),
            since_start: Pace::default(),
            recent: Recent::default(),
        }
    }

    pub(crate) fn start(&mut self, line: RunLine, peak_lr: f64) -> Result<(), LogError> {
        let recipe = &line.recipe;
        info!(
            "{}: {} parameters, {} classes, {} px; {} images, {} steps of {} per epoch; lr up to {peak_lr}{}",
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

    pub(crate) fn step(
        &mut self,
        state: &State,
        step: &StepFigures,
    ) -> Result<TrainingStatus, LogError> {
        self.recent.add(step);
        for pace in [
            &mut self.since_line,
            &mut self.since_epoch,
            &mut self.since_start,
        ] {
            pace.add(step);
        }
        match step.verdict {
            Verdict::Updated | Verdict::Accumulated => {}
            Verdict::Overflowed => warn!(
                "step {}: the gradient overflowed: no update; the loss scale is halved",
                state.steps
            ),
            Verdict::NotFinite => warn!(
                "step {}: loss {}, gradient norm {}: no update ({} in a row)",
                state.steps,
                step.loss,
                step.gradient_norm.unwrap_or(f64::NAN),
                state.progress.nonfinite
            ),
        }
        let (batch, batches) = (state.batch, state.steps_per_epoch);
        if batch == 1 || batch == batches || batch.is_multiple_of(self.log_interval) {
            let pace = std::mem::take(&mut self.since_line);
            info!(
                "Epoch: [{}/{}], batch: [{batch}/{batches}], loss: {:.6}, lr: {:.6}, time: {:.6}s, \
                 {:.1} img/s, data wait: {:.1} %, top-1: {:.1} %, ETA: {}",
                state.epoch,
                self.epochs,
                step.loss,
                step.lr,
                pace.took.as_secs_f64(),
                pace.images_per_second(),
                100.0 * pace.data_wait(),
                100.0 * pace.correct as f64 / pace.images.max(1) as f64,
                human_time(self.left(state)),
            );
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
            gradient_norm: step.gradient_norm,
        }))?;
        Ok(self.status(state, step))
    }

    fn status(&self, state: &State, step: &StepFigures) -> TrainingStatus {
        let (progress, epoch, recent) = (&state.progress, &self.since_epoch, &self.recent);
        TrainingStatus {
            epoch: state.epoch,
            epochs: self.epochs,
            batch: state.batch,
            batches: state.steps_per_epoch,
            loss: progress.loss_sum / progress.loss_steps.max(1) as f64,
            top1: epoch.correct as f64 / epoch.images.max(1) as f64,
            lr: step.lr,
            images_per_second: recent.images / recent.took,
            data_wait: recent.waited / recent.took,
            left: Duration::try_from_secs_f64(self.left(state)).unwrap_or(Duration::MAX),
        }
    }

    /// Seconds until the last step, at the speed since the start, without validations.
    fn left(&self, state: &State) -> f64 {
        let steps = self.epochs.saturating_mul(state.steps_per_epoch);
        let steps = steps.saturating_sub(state.steps);
        let pace = &self.since_start;
        steps as f64 * pace.took.as_secs_f64() / pace.steps.max(1) as f64
    }

    /// Logs how fast an epoch was, what limited its speed, and how many records were `skipped`. The loader's `stats`
    /// cover the same time, but its workers run ahead: only averages over images are used.
    pub(crate) fn pipeline(&mut self, state: &State, stats: &StatsSnapshot, skipped: u64) {
        let pace = std::mem::take(&mut self.since_epoch);
        let work = Stage::ALL.into_iter().filter(|stage| stage.is_work());
        let most = work.max_by(|a, b| stats.stage_us(*a).total_cmp(&stats.stage_us(*b)));
        // After a resume, the rest of an epoch may be too short to tell.
        let pipeline = match (stats.capacity(), most) {
            (Some(capacity), Some(stage)) => {
                let bottleneck = match pace.data_wait() > LOADING_IS_BOTTLENECK {
                    true => format!(
                        "loading is the bottleneck: {stage} takes longest, {:.0} us per image; more --workers may help",
                        stats.stage_us(stage)
                    ),
                    false => "computing is the bottleneck".to_owned(),
                };
                let threads = match stats.workers {
                    1 => "1 loader thread".to_owned(),
                    more => format!("{more} loader threads"),
                };
                format!("{bottleneck}; {threads} can supply {capacity:.0} img/s")
            }
            _ => "too few images to say what the bottleneck is".to_owned(),
        };
        info!(
            "Epoch {}: {:.1} img/s, data wait: {:.1} %; {pipeline}",
            state.epoch,
            pace.images_per_second(),
            100.0 * pace.data_wait(),
        );
        if skipped > 0 {
            warn!("{skipped} records of this epoch failed and were skipped");
        }
    }

    pub(crate) fn epoch(
        &mut self,
        state: &State,
        evaluation: Option<&Evaluation>,
    ) -> Result<(), LogError> {
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
        let loss = progress.loss_sum / progress.loss_steps as f64;
        self.metrics
            .epoch(state.epoch, loss, progress.train_seconds, evaluation)
    }

    /// Must be called before a checkpoint is saved: a checkpoint must not contain steps that the logs lack.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.metrics.sync()
    }

    pub(crate) fn saved(path: &Path) {
        info!("Saving model to {}", path.display());
    }
}

/// MindCV's log line for a validation.
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

/// `2d 3h`, `3h 25m`, `25m 12s`, `12s`.
#[must_use]
pub fn human_time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// A duration in seconds, never 0, to divide by.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_say_them() {
        let written = [0.4, 59.6, 754.0, 12_345.0, 183_600.0].map(human_time);
        assert_eq!(written, ["0s", "1m 0s", "12m 34s", "3h 25m", "2d 3h"]);
    }
}
