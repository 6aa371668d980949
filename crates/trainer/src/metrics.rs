//! What a run leaves to be read by programs and people: `metrics.jsonl`, a JSON object a line,
//! `result.log`, an epoch a line in MindCV's columns, and TensorBoard's event files. A resumed run cuts both back to its checkpoint,
//! so every step and every epoch stands there once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use crate::checkpoint::State;
use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::events::Events;
use crate::recipe::Recipe;

/// The JSON lines' file in `ckpt_save_dir`.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// The table's file in `ckpt_save_dir`.
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
    /// The start of a run, or of its continuation (`step` says after which step).
    Run(Box<RunLine>),
    /// A training step.
    Train(TrainLine),
    /// A validation, after step `step`.
    Validation {
        /// Steps done.
        step: u64,
        /// The epoch, from 1.
        epoch: u64,
        /// What was found.
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

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Steps done before: 0, or those of the checkpoint.
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
    /// Numbers that are trained.
    pub trainable_parameters: usize,
    /// The processor, its threads and the memory.
    #[serde(default)]
    pub machine: String,
    /// The recipe, complete.
    pub recipe: Recipe,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainLine {
    /// Steps done, this one included.
    pub step: u64,
    /// The epoch, from 1.
    pub epoch: u64,
    /// The batch in the epoch, from 1.
    pub batch: u64,
    /// Loss of the batch; null where it is not finite.
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
    /// Norm of the batch's gradient before clipping; null where it is not finite.
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
    events: Option<Events>,
}

impl Metrics {
    /// Begins the files in `dir`, which is made if need be; with `events`, TensorBoard's too.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn create(dir: &Path, events: bool) -> Result<Self, TrainError> {
        fs::create_dir_all(dir).map_err(io_error(dir, "create"))?;
        Events::clear(dir).map_err(io_error(dir, "clear"))?;
        Self::with(dir, "", &table_header(), events.then_some(0))
    }

    /// Cuts the files in `dir`, which is made if need be, back to what was so when `state` was saved.
    /// (TensorBoard is told to do so.)
    ///
    /// # Errors
    /// The operating system refused.
    pub fn resume(dir: &Path, state: &State) -> Result<Self, TrainError> {
        fs::create_dir_all(dir).map_err(io_error(dir, "create"))?;
        let lines = read_or_empty(&dir.join(METRICS_FILE))?;
        let lines = kept(&lines, |line| is_before(line, state));
        let finished = state.epochs_finished();
        let table = read_or_empty(&dir.join(RESULT_FILE))?;
        let rows = kept(&table, |row| {
            let epoch = row
                .split_whitespace()
                .next()
                .and_then(|epoch| epoch.parse().ok());
            epoch.is_some_and(|epoch: u64| epoch <= finished)
        });
        let events = state.recipe.tensorboard.then_some(state.steps);
        Self::with(dir, &lines, &(table_header() + &rows), events)
    }

    fn with(
        dir: &Path,
        lines: &str,
        table: &str,
        events_after: Option<u64>,
    ) -> Result<Self, TrainError> {
        let events = events_after
            .map(|step| Events::begin(dir, step))
            .transpose();
        Ok(Metrics {
            lines: Appended::starting_with(dir.join(METRICS_FILE), lines)?,
            table: Appended::starting_with(dir.join(RESULT_FILE), table)?,
            events: events.map_err(io_error(dir, "write events into"))?,
        })
    }

    /// Appends to `metrics.jsonl`, and what is a number to the event file.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn line(&mut self, line: &Line) -> Result<(), TrainError> {
        if let (Some(events), Some((step, scalars))) = (&mut self.events, line.scalars()) {
            let written = events.scalars(step, &scalars);
            written.map_err(io_error(events.path(), "write"))?;
        }
        // Structs of plain values always serialise; what is not a number becomes null.
        self.lines
            .append(&serde_json::to_string(line).unwrap_or_default())
    }

    /// Makes sure that everything appended so far survives a power failure.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn sync(&self) -> Result<(), TrainError> {
        [&self.lines, &self.table]
            .into_iter()
            .try_for_each(|log| log.file.sync_data().map_err(io_error(&log.path, "sync")))
    }

    /// Appends an epoch to `result.log`; times in seconds.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn epoch(
        &mut self,
        epoch: u64,
        train_loss: f64,
        train_seconds: f64,
        evaluation: Option<&Evaluation>,
    ) -> Result<(), TrainError> {
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

/// Whether a line of `metrics.jsonl` tells of something that `state` contains.
fn is_before(line: &str, state: &State) -> bool {
    match serde_json::from_str(line) {
        Ok(Line::Run(run)) => run.step <= state.steps,
        Ok(Line::Train(train)) => train.step <= state.steps,
        // Validation follows its step; a checkpoint of that step may be older than it.
        Ok(Line::Validation { step, .. }) => {
            step < state.steps || (step == state.steps && !state.progress.epoch_open)
        }
        Err(_) => false, // half a line, written as the process died
    }
}

fn table_header() -> String {
    row(&COLUMNS.map(str::to_owned)) + "\n"
}

fn row(cells: &[String; 7]) -> String {
    let padded: String = cells.iter().map(|cell| format!("{cell:<20}")).collect();
    padded.trim_end().to_owned()
}

fn kept(text: &str, keep: impl Fn(&str) -> bool) -> String {
    text.lines()
        .filter(|line| keep(line))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// A file that grows by whole lines.
#[derive(Debug)]
struct Appended {
    path: PathBuf,
    file: File,
}

impl Appended {
    /// Replaces the file at `path` by `text`, all at once.
    fn starting_with(path: PathBuf, text: &str) -> Result<Self, TrainError> {
        let unfinished = path.with_added_extension("tmp");
        let open = || {
            fs::write(&unfinished, text)?;
            fs::rename(&unfinished, &path)?;
            OpenOptions::new().append(true).open(&path)
        };
        let file = open().map_err(io_error(&path, "write"))?;
        Ok(Appended { path, file })
    }

    fn append(&mut self, line: &str) -> Result<(), TrainError> {
        let line = format!("{line}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(io_error(&self.path, "write"))
    }
}

fn read_or_empty(path: &Path) -> Result<String, TrainError> {
    match fs::read_to_string(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(io_error(path, "read")),
    }
}

fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> TrainError {
    let path = path.to_owned();
    move |cause| TrainError::Io {
        path,
        action,
        cause,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn train(step: u64) -> Line {
        Line::Train(TrainLine {
            step,
            epoch: step.div_ceil(10),
            batch: (step - 1) % 10 + 1,
            loss: 1.5,
            top1: 0.25,
            lr: 0.1,
            img_per_s: 12.0,
            data_wait: 0.0,
            gradient_norm: Some(2.0),
        })
    }

    fn validation(step: u64) -> Line {
        let evaluation = Evaluation {
            images: 7,
            skipped: 0,
            top1: 0.5,
            top5: 1.0,
            loss: 0.7,
            seconds: 1.0,
        };
        Line::Validation {
            step,
            epoch: step / 10,
            evaluation,
        }
    }

    fn state(steps: u64, epoch_open: bool) -> State {
        let recipe = Recipe {
            tensorboard: false,
            ..Recipe::default()
        };
        let mut state = State::new(&recipe, &[], 0);
        state.steps_per_epoch = 10;
        state.steps = steps;
        state.epoch = steps.div_ceil(10);
        state.batch = (steps - 1) % 10 + 1;
        state.progress.epoch_open = epoch_open;
        state
    }

    /// Two epochs of ten steps, and half a line.
    fn two_epochs(dir: &Path) {
        let mut metrics = Metrics::create(dir, false).unwrap();
        for step in 1..=20 {
            metrics.line(&train(step)).unwrap();
            if step % 10 == 0 {
                metrics.line(&validation(step)).unwrap();
                metrics.epoch(step / 10, 1.25, 3.0, None).unwrap();
            }
        }
        metrics.lines.append("{\"kind\":\"tra").unwrap();
    }

    fn steps_and_rows(dir: &Path) -> (Vec<Line>, usize) {
        let lines = fs::read_to_string(dir.join(METRICS_FILE)).unwrap();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let rows = fs::read_to_string(dir.join(RESULT_FILE))
            .unwrap()
            .lines()
            .count()
            - 1;
        (lines, rows)
    }

    #[test]
    fn resuming_leaves_neither_gap_nor_duplicate() {
        for (steps, open, validations, rows) in [
            (13, false, 1, 1),
            (10, false, 1, 1),
            (10, true, 0, 0),
            (20, true, 1, 1),
            (20, false, 2, 2),
        ] {
            let dir = tempfile::tempdir().unwrap();
            two_epochs(dir.path());
            drop(Metrics::resume(dir.path(), &state(steps, open)).unwrap());
            let (lines, found_rows) = steps_and_rows(dir.path());
            let trained: Vec<Line> = lines
                .iter()
                .filter(|line| matches!(line, Line::Train(_)))
                .cloned()
                .collect();
            assert_eq!(trained, (1..=steps).map(train).collect::<Vec<_>>());
            assert_eq!(lines.len() - trained.len(), validations, "{steps} {open}");
            assert_eq!(found_rows, rows, "{steps} {open}");
        }
    }

    #[test]
    fn the_table_has_mindcvs_columns() {
        let dir = tempfile::tempdir().unwrap();
        let mut metrics = Metrics::create(dir.path(), true).unwrap();
        let Line::Validation { evaluation, .. } = validation(10) else {
            return;
        };
        metrics.epoch(1, 2.5, 60.0, Some(&evaluation)).unwrap();
        let table = fs::read_to_string(dir.path().join(RESULT_FILE)).unwrap();
        let cells: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(cells[0], COLUMNS);
        assert_eq!(
            cells[1],
            [
                "1",
                "2.500000",
                "50.0000%",
                "100.0000%",
                "60.00",
                "1.00",
                "61.00"
            ]
        );
    }

    #[test]
    fn a_loss_that_is_no_number_is_still_a_line() {
        let Line::Train(mut line) = train(1) else {
            return;
        };
        line.loss = f32::NAN;
        let json = serde_json::to_string(&Line::Train(line)).unwrap();
        assert!(json.contains("\"loss\":null"), "{json}");
        // And is no gap when a run is resumed.
        assert!(is_before(&json, &state(13, false)));
    }
}
