//! The files that a run leaves for programs and people: `metrics.jsonl`, with a JSON object per line; `result.log`,
//! with a line per epoch in MindCV's columns; and TensorBoard's event files. A resumed run cuts the first two back to
//! its checkpoint and tells TensorBoard to do the same, so every step and every epoch appears once.

mod file;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::LogError;
use super::tensorboard::EventFile;
use crate::checkpoint::State;
use crate::recipe::Recipe;
use crate::step::accuracy::Evaluation;

use file::Appended;

/// The file of JSON lines in `ckpt_save_dir`.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// The file of the table in `ckpt_save_dir`.
pub const RESULT_FILE: &str = "result.log";

const COLUMNS: [&str; 7] = [
    "Epoch",
    "TrainLoss",
    "Top_1_Accuracy",
    "Top_5_Accuracy",
    "TrainTime",
    "EvalTime",
    "TotalTime",
];

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// The start of a run, or where it was resumed (`step` says after which step).
    Run(Box<RunLine>),
    /// A training step.
    Train(TrainLine),
    /// A validation, after step `step`.
    Validation {
        /// Steps done.
        step: u64,
        /// The epoch, from 1.
        epoch: u64,
        /// The result.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
}

impl Line {
    /// The step and its numbers, under TensorBoard's tags.
    fn scalars(&self) -> Option<(u64, Vec<(&'static str, f64)>)> {
        match self {
            Line::Run(_) => None,
            Line::Train(line) => {
                let norm = line.gradient_norm.unwrap_or(f64::NAN);
                let scalars = vec![
                    ("train/loss", f64::from(line.loss)),
                    ("train/top1", line.top1),
                    ("train/lr", line.lr),
                    ("train/gradient_norm", norm),
                    ("speed/img_per_s", line.img_per_s),
                    ("speed/data_wait", line.data_wait),
                ];
                Some((line.step, scalars))
            }
            Line::Validation {
                step, evaluation, ..
            } => {
                let scalars = vec![
                    ("validation/loss", evaluation.loss),
                    ("validation/top1", evaluation.top1),
                    ("validation/top5", evaluation.top5),
                ];
                Some((*step, scalars))
            }
        }
    }
}

/// The facts about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Steps done before: 0, or the checkpoint's.
    pub step: u64,
    /// The program's version.
    pub version: String,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Records in the training split.
    pub train_images: u64,
    /// Records in the validation split; 0 without validation.
    pub validation_images: u64,
    /// Outputs of the network.
    pub classes: usize,
    /// Number of trained values.
    pub trainable_parameters: usize,
    /// The processor, its threads and the memory.
    #[serde(default)]
    pub machine: String,
    /// The complete recipe.
    pub recipe: Recipe,
}

/// The figures of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainLine {
    /// Steps done, including this one.
    pub step: u64,
    /// The epoch, from 1.
    pub epoch: u64,
    /// The batch in the epoch, from 1.
    pub batch: u64,
    /// Loss of the batch; null if it is not finite.
    #[serde(deserialize_with = "null_is_not_a_number")]
    pub loss: f32,
    /// Share of the batch, 0 to 1, whose label was the first guess.
    pub top1: f64,
    /// Learning rate.
    pub lr: f64,
    /// Images per second.
    pub img_per_s: f64,
    /// Share of the step's time, 0 to 1, spent waiting for data.
    pub data_wait: f64,
    /// Norm of the batch's gradient before clipping; null if it is not finite.
    #[serde(default)]
    pub gradient_norm: Option<f64>,
}

fn null_is_not_a_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

/// The files, open for appending.
#[derive(Debug)]
pub struct Metrics {
    lines: Appended,
    table: Appended,
    events: Option<EventFile>,
}

impl Metrics {
    /// Starts the files in `dir`, which is created if it does not exist; with `events`, TensorBoard's too.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn create(dir: &Path, events: bool) -> Result<Self, LogError> {
        make(dir)?;
        EventFile::clear(dir).map_err(|cause| LogError::new(dir, "clear", cause))?;
        Self::with(dir, |_| false, |_| false, events.then_some(0))
    }

    /// Cuts the files in `dir` back to their contents when `state` was saved, and tells TensorBoard to do the same.
    /// `dir` is created if it does not exist.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn resume(dir: &Path, state: &State) -> Result<Self, LogError> {
        make(dir)?;
        let finished = state.epochs_finished();
        let is_finished = |row: &[u8]| {
            let row = str::from_utf8(row).unwrap_or_default();
            let epoch = row.split_whitespace().next();
            let epoch: Option<u64> = epoch.and_then(|epoch| epoch.parse().ok());
            epoch.is_some_and(|epoch| epoch <= finished)
        };
        let events = state.recipe.tensorboard.then_some(state.steps);
        Self::with(dir, |line| is_before(line, state), is_finished, events)
    }

    fn with(
        dir: &Path,
        lines: impl Fn(&[u8]) -> bool,
        rows: impl Fn(&[u8]) -> bool,
        events_after: Option<u64>,
    ) -> Result<Self, LogError> {
        let lines = Appended::keeping(dir.join(METRICS_FILE), "", lines)?;
        let table = Appended::keeping(dir.join(RESULT_FILE), &table_header(), rows)?;
        let events = events_after.map(|step| EventFile::begin(dir, step));
        Ok(Metrics {
            lines,
            table,
            events: events
                .transpose()
                .map_err(|cause| LogError::new(dir, "write events into", cause))?,
        })
    }

    /// Appends a line to `metrics.jsonl`, and its numbers to the event file.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn line(&mut self, line: &Line) -> Result<(), LogError> {
        if let (Some(events), Some((step, scalars))) = (&mut self.events, line.scalars()) {
            let written = events.scalars(step, &scalars);
            written.map_err(|cause| LogError::new(events.path(), "write", cause))?;
        }
        // Structs of plain values always serialise; NaN and infinity become null.
        self.lines
            .append(&serde_json::to_string(line).unwrap_or_default())
    }

    /// Makes sure that everything appended so far survives a power failure.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn sync(&self) -> Result<(), LogError> {
        self.lines.sync()?;
        self.table.sync()?;
        match &self.events {
            Some(events) => file::sync(events.file(), events.path()),
            None => Ok(()),
        }
    }

    /// Appends an epoch to `result.log`; times in seconds.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn epoch(
        &mut self,
        epoch: u64,
        train_loss: f64,
        train_seconds: f64,
        evaluation: Option<&Evaluation>,
    ) -> Result<(), LogError> {
        let percent = |share: fn(&Evaluation) -> f64| {
            evaluation.map_or("-".to_owned(), |found| {
                format!("{:.4}%", 100.0 * share(found))
            })
        };
        let eval_seconds = evaluation.map_or(0.0, |found| found.seconds);
        self.table.append(&row(&[
            epoch.to_string(),
            format!("{train_loss:.6}"),
            percent(|found| found.top1),
            percent(|found| found.top5),
            format!("{train_seconds:.2}"),
            format!("{eval_seconds:.2}"),
            format!("{:.2}", train_seconds + eval_seconds),
        ]))
    }
}

/// Whether a line of `metrics.jsonl` describes something that `state` contains.
fn is_before(line: &[u8], state: &State) -> bool {
    match serde_json::from_slice(line) {
        Ok(Line::Run(run)) => run.step <= state.steps,
        Ok(Line::Train(train)) => train.step <= state.steps,
        // Validation follows its step; a checkpoint of that step may be older than it.
        Ok(Line::Validation { step, .. }) => {
            step < state.steps || (step == state.steps && !state.progress.epoch_open)
        }
        Err(_) => false, // what a failing disk has left
    }
}

fn table_header() -> String {
    row(&COLUMNS.map(str::to_owned)) + "\n"
}

fn row(cells: &[String; 7]) -> String {
    let padded: String = cells.iter().map(|cell| format!("{cell:<20}")).collect();
    padded.trim_end().to_owned()
}

fn make(dir: &Path) -> Result<(), LogError> {
    fs::create_dir_all(dir).map_err(|cause| LogError::new(dir, "create", cause))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
