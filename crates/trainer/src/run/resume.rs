//! Which checkpoint a run resumes from, and whether it belongs to the same run.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use record::Class;
use tracing::{info, warn};

use super::RunError;
use crate::checkpoint;
use crate::checkpoint::Checkpoint;
use crate::log::metrics::METRICS_FILE;
use crate::network;
use crate::recipe::{Recipe, architecture};
use crate::step::learner::Learner;

/// Where the user wants to resume from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// Nothing: a new run.
    #[default]
    No,
    /// The newest checkpoint of `ckpt_save_dir`, or a new run if there is none.
    Latest,
    /// This checkpoint.
    From(PathBuf),
}

impl Resume {
    /// Finds the checkpoint. MindCV's `ckpt_path` with `resume_opt` counts as [`Resume::From`].
    ///
    /// # Errors
    /// The checkpoint is missing or damaged; or the run would be new, but `ckpt_save_dir` holds one.
    pub fn find(&self, recipe: &Recipe) -> Result<Option<Checkpoint>, RunError> {
        let save_dir = &recipe.ckpt_save_dir;
        match (self, &recipe.ckpt_path) {
            (Resume::From(path), _) => Ok(Some(Checkpoint::open(path)?)),
            (Resume::No, Some(path)) if recipe.resume_opt => Ok(Some(Checkpoint::open(path)?)),
            (Resume::Latest, _) => {
                let latest = Checkpoint::latest(save_dir)?;
                if latest.is_none() {
                    info!(
                        "no checkpoint in {}: starting a new run",
                        save_dir.display()
                    );
                }
                Ok(latest)
            }
            (Resume::No, _) if is_occupied(save_dir)? => Err(RunError::Occupied {
                path: save_dir.clone(),
            }),
            (Resume::No, _) => Ok(None),
        }
    }
}

fn is_occupied(save_dir: &Path) -> Result<bool, RunError> {
    Ok(save_dir.join(METRICS_FILE).exists() || !checkpoint::list(save_dir)?.is_empty())
}

/// Checks that `checkpoint` was saved by a run with the same network, data and batches. Changes that are allowed
/// in the middle of a run (epochs, learning rate, intervals, directories, …) are logged.
///
/// # Errors
/// [`RunError::OtherRun`] lists what differs.
pub(crate) fn check(
    checkpoint: &Checkpoint,
    recipe: &Recipe,
    classes: &[Class],
    records: u64,
) -> Result<(), RunError> {
    let saved = checkpoint.state();
    let old = &saved.recipe;
    let mut differences = Vec::new();
    let mut same = |what: &str, then: String, now: String| {
        if then != now {
            differences.push(format!("{what} was {then}, now it is {now}"));
        }
    };
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    same("model", text(&old.model), text(&recipe.model));
    same(
        "num_classes",
        text(&old.num_classes),
        text(&recipe.num_classes),
    );
    same("width", text(&old.width), text(&recipe.width));
    let blocks = |recipe: &Recipe| recipe.blocks.unwrap_or(architecture(recipe.model).blocks());
    same("blocks", text(&blocks(old)), text(&blocks(recipe)));
    same(
        "residual_scale",
        text(&old.residual_scale),
        text(&recipe.residual_scale),
    );
    same(
        "batch_size",
        text(&old.batch_size),
        text(&recipe.batch_size),
    );
    same("seed", text(&old.seed), text(&recipe.seed));
    same("opt", text(&old.opt), text(&recipe.opt));
    same(
        "shuffle_window",
        text(&old.shuffle_window),
        text(&recipe.shuffle_window),
    );
    same("shuffle", text(&old.shuffle), text(&recipe.shuffle));
    same(
        "drop_remainder",
        text(&old.drop_remainder),
        text(&recipe.drop_remainder),
    );
    same(
        "num_samples",
        text(&old.num_samples),
        text(&recipe.num_samples),
    );
    // 0 and 1 mean the same thing.
    let repeats = |recipe: &Recipe| recipe.aug_repeats.max(1);
    same("aug_repeats", text(&repeats(old)), text(&repeats(recipe)));
    same(
        "the number of training images",
        text(&saved.records),
        text(&records),
    );
    if saved.classes != classes {
        differences.push("the data set has other classes".to_owned());
    }
    if !differences.is_empty() {
        return Err(RunError::OtherRun {
            checkpoint: checkpoint.dir().into(),
            differences,
        });
    }
    for change in changes(old, recipe) {
        warn!("resuming with {change}");
    }
    Ok(())
}

/// Restores everything in `checkpoint` except the weights into `learner`.
///
/// # Errors
/// It cannot be read, or holds another optimizer's state.
pub(crate) fn restore(
    learner: &mut Learner,
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<(), RunError> {
    let average = match (checkpoint.average_path(), learner.average()) {
        (Some(path), Some(average)) => Some(network::load(average.clone(), &path)?),
        _ => None,
    };
    let state = &checkpoint.state().learner;
    learner
        .restore(state, checkpoint.optimizer()?, average, device)
        .map_err(|tensor| RunError::OtherRun {
            checkpoint: checkpoint.dir().into(),
            differences: vec![format!("its optimizer's {tensor} is missing or unexpected")],
        })
}

/// The keys in which two recipes differ, with both values.
fn changes(old: &Recipe, new: &Recipe) -> Vec<String> {
    let fields = |recipe| match serde_json::to_value(recipe) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let ways_to_resume = ["ckpt_path", "resume_opt"];
    new.iter()
        .filter(|(key, _)| !ways_to_resume.contains(&key.as_str()))
        .filter_map(|(key, now)| {
            let then = old.get(key)?;
            (then != now).then(|| format!("{key}: {now}, which was {then}"))
        })
        .collect()
}
