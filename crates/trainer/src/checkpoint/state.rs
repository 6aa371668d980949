//! `state.json`: everything in a checkpoint except its tensors.

use std::collections::BTreeMap;
use std::fmt;

use loader::Cursor;
use record::Class;
use serde::{Deserialize, Serialize};

use super::Name;
use crate::recipe::Recipe;
use crate::step::accuracy::Evaluation;
use crate::step::learner::LearnerState;

/// Everything in a checkpoint except its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The epoch that the last step belongs to, from 1.
    pub epoch: u64,
    /// Steps done in that epoch.
    pub batch: u64,
    /// Steps done in the whole run, which is the schedule's position.
    pub steps: u64,
    /// Steps per epoch; 0 until the loader is known.
    pub steps_per_epoch: u64,
    /// Records in the training split.
    pub records: u64,
    /// Where the loader continues.
    pub cursor: SeededCursor,
    /// The recipe of the run.
    pub recipe: Recipe,
    /// The classes, in the order of the network's outputs.
    pub classes: Vec<Class>,
    /// The numbers of the learner. Its tensors are in separate files.
    #[serde(default)]
    pub learner: LearnerState,
    /// The measurements so far.
    pub progress: Progress,
    /// The other files of the checkpoint.
    #[serde(default)]
    pub(super) files: BTreeMap<String, FileSum>,
}

/// A loader's cursor, and the seed that gives it a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeededCursor {
    /// The seed of the run.
    pub seed: u64,
    /// Where the run stands.
    #[serde(flatten)]
    pub at: Cursor,
}

/// The measurements of a run so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Sum of the finite losses of the epoch's steps, for its mean.
    pub loss_sum: f64,
    /// The number of these steps.
    pub loss_steps: u64,
    /// How many of the last batches, in a row, had a loss or a gradient that is NaN or infinite.
    pub nonfinite: u64,
    /// Seconds that the epoch's steps took.
    pub train_seconds: f64,
    /// Whether the epoch's last step is done, but not yet the work after it (validation, `result.log`).
    pub epoch_open: bool,
    /// The last validation, and its epoch.
    pub last: Option<(Evaluation, u64)>,
    /// The best top-1 accuracy of a validation, in 0..1, and its epoch.
    pub best: Option<(f64, u64)>,
}

/// Length and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSum {
    pub(super) bytes: u64,
    /// xxh3-64 in hexadecimal.
    pub(super) xxh3: String,
}

impl State {
    /// The state of a step, before its files are written.
    #[must_use]
    pub fn new(recipe: &Recipe, classes: &[Class], records: u64) -> Self {
        State {
            epoch: 1,
            batch: 0,
            steps: 0,
            steps_per_epoch: 0,
            records,
            cursor: SeededCursor {
                seed: recipe.seed,
                at: Cursor::START,
            },
            recipe: recipe.clone(),
            classes: classes.to_vec(),
            learner: LearnerState::default(),
            progress: Progress::default(),
            files: BTreeMap::new(),
        }
    }

    /// The name of the checkpoint of this state.
    #[must_use]
    pub fn name(&self) -> Name {
        Name {
            epoch: self.epoch,
            batch: self.batch,
            model: self.recipe.model.as_str().to_owned(),
        }
    }

    /// How many epochs are done, including the work after their last step.
    #[must_use]
    pub fn epochs_finished(&self) -> u64 {
        let finished = self.batch == self.steps_per_epoch && !self.progress.epoch_open;
        self.epoch - u64::from(!finished)
    }

    /// The top-1 accuracy, 0 to 1, of a validation of exactly these weights.
    #[must_use]
    pub fn top1(&self) -> Option<f64> {
        let at_end = self.batch == self.steps_per_epoch;
        let (found, epoch) = self.progress.last?;
        (at_end && epoch == self.epoch).then_some(found.top1)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        // A struct of plain values always serialises.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

impl fmt::Display for FileSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of hash {}", self.bytes, self.xxh3)
    }
}
