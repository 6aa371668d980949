//! Which checkpoints stay after a new one is saved.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{CheckpointError, Name, STATE_FILE, State, io_error, list, remove};
use crate::recipe::{KeepPolicy, Recipe};

/// Which checkpoints stay. Every policy keeps the newest, to resume from, and the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What decides.
    pub policy: KeepPolicy,
    /// How many.
    pub keep: usize,
}

impl Retention {
    /// The recipe's.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        Retention {
            policy: recipe.ckpt_save_policy,
            keep: recipe.keep_checkpoint_max.get(),
        }
    }

    /// Deletes the checkpoints in `save_dir` that should not stay, and updates the link to the best one.
    pub(super) fn apply(self, save_dir: &Path) -> Result<(), CheckpointError> {
        let names = list(save_dir)?; // the newest last
        let mut ranked: Vec<(f64, &Name)> = names
            .iter()
            .filter_map(|name| Some((top1(save_dir, name)?, name)))
            .collect();
        // Of equal ones, the newer: a run reports the first one, but the later one has seen more images.
        ranked.sort_by(|(a, old), (b, new)| b.total_cmp(a).then_with(|| new.cmp(old)));
        let best = ranked.first().map(|(_, name)| *name);
        let surplus = names.len().saturating_sub(self.keep);
        let stays = |index: usize, name: &Name| match self.policy {
            KeepPolicy::None => true,
            KeepPolicy::LatestK => index >= surplus,
            KeepPolicy::TopK => ranked.iter().take(self.keep).any(|(_, top)| *top == name),
        };
        if let Some(best) = best {
            link(save_dir, best)?;
        }
        for (index, name) in names.iter().enumerate() {
            let newest = index + 1 == names.len();
            if !(newest || best == Some(name) || stays(index, name)) {
                remove(&save_dir.join(name.to_string()))?;
            }
        }
        Ok(())
    }
}

/// The top-1 accuracy of a checkpoint's validation; `None` if there was none, or it cannot be read.
fn top1(save_dir: &Path, name: &Name) -> Option<f64> {
    let json = fs::read(save_dir.join(name.to_string()).join(STATE_FILE)).ok()?;
    let state: State = serde_json::from_slice(&json).ok()?;
    state.top1().filter(|top1| !top1.is_nan())
}

/// Makes `{model}_best` a link to the checkpoint of that name.
fn link(save_dir: &Path, best: &Name) -> Result<(), CheckpointError> {
    let link = save_dir.join(format!("{}_best", best.model));
    let target = best.to_string();
    if fs::read_link(&link).is_ok_and(|now| now == Path::new(&target)) {
        return Ok(());
    }
    let unfinished = link.with_added_extension("tmp");
    let replace = || {
        match fs::remove_file(&unfinished) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => symlink(&target, &unfinished)?,
        }
        fs::rename(&unfinished, &link)
    };
    replace().map_err(io_error(&link, "link"))
}
