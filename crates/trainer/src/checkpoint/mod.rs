//! Checkpoints: a directory each, with everything that a run needs to continue as if it had never stopped. Knows
//! nothing about the loop that fills them.
//!
//! ```text
//! <ckpt_save_dir>/inception_v4-3_5004/     epoch 3 (from 1), after its batch 5004
//!     model.safetensors                    weights and running statistics, timm's names
//!     ema.safetensors                      their moving average, if the recipe keeps one
//!     optimizer.safetensors                the optimizer's state, as slot/name: velocity/last_linear.bias
//!     state.json                           step, cursor, recipe, classes, metrics; the files' hashes
//! <ckpt_save_dir>/inception_v4_best        a link to the one with the highest top-1 accuracy
//! ```
//! A directory is filled under a name that ends in `.tmp`, synced, and renamed: a directory with a checkpoint's name
//! is complete. The hashes are compared when it is opened.

mod name;
mod retention;
mod state;
mod tensors;

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use inception::{Network, WeightsError, weights};
use xxhash_rust::xxh3::Xxh3Default;

pub use name::Name;
pub use retention::Retention;
pub use state::{Progress, State};

use crate::io_advice;

use state::FileSum;

/// The weights' file in a checkpoint.
pub const MODEL_FILE: &str = "model.safetensors";
/// The file of the weights' moving average in a checkpoint.
pub const EMA_FILE: &str = "ema.safetensors";
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
const STATE_FILE: &str = "state.json";

/// What can go wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file or directory cannot be read or written.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operation that failed.
        action: &'static str,
        /// The cause.
        cause: io::Error,
    },
    /// There is nothing at this path.
    #[error("{}: no such checkpoint; expected a directory such as inception_v4-3_5004 that `train` \
             wrote, or a .safetensors file", path.display())]
    Missing {
        /// The path given.
        path: PathBuf,
    },
    /// A directory, but not a checkpoint of this program.
    #[error("{}: not a checkpoint: it holds no {STATE_FILE}; pass a directory such as \
             inception_v4-3_5004 inside ckpt_save_dir", path.display())]
    NotACheckpoint {
        /// The path given.
        path: PathBuf,
    },
    /// A file of the checkpoint is damaged.
    #[error("{}: damaged: {reason}; use an older checkpoint", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights could not be written or read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl CheckpointError {
    /// How to fix that a checkpoint cannot be written: a sentence without its full stop.
    pub(crate) fn how_to_fix(&self) -> &'static str {
        match self {
            Self::Io { cause, .. }
            | Self::Weights(WeightsError::File(weight_files::Error::Io {
                source: cause, ..
            })) => io_advice::how_to_fix(cause),
            _ => "Check the path",
        }
    }
}

/// A checkpoint on disk, opened and verified.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    dir: PathBuf,
    state: State,
}

impl Checkpoint {
    /// Opens the checkpoint in `dir` and compares its files with their hashes.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        if !dir.exists() {
            return Err(CheckpointError::Missing { path: dir.into() });
        }
        let path = dir.join(STATE_FILE);
        let json = match fs::read(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointError::NotACheckpoint { path: dir.into() });
            }
            read => read.map_err(io_error(&path, "read"))?,
        };
        let state: State =
            serde_json::from_slice(&json).map_err(|cause| CheckpointError::Damaged {
                path,
                reason: cause.to_string(),
            })?;
        for (name, expected) in &state.files {
            let path = dir.join(name);
            let found = sum(&path)?;
            if found != *expected {
                let reason = format!("it has {found}, but was written with {expected}");
                return Err(CheckpointError::Damaged { path, reason });
            }
        }
        Ok(Checkpoint {
            dir: dir.into(),
            state,
        })
    }

    /// The newest checkpoint in `save_dir`; `None` if no run has saved one.
    ///
    /// # Errors
    /// The newest one is damaged, or the directory cannot be read.
    pub fn latest(save_dir: &Path) -> Result<Option<Self>, CheckpointError> {
        list(save_dir)?
            .last()
            .map(|name| Self::open(&save_dir.join(name.to_string())))
            .transpose()
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Everything except the tensors.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The file of the weights that training continues with.
    #[must_use]
    pub fn model_path(&self) -> PathBuf {
        self.dir.join(MODEL_FILE)
    }

    /// The file of the weights' moving average, if the run keeps one.
    #[must_use]
    pub fn average_path(&self) -> Option<PathBuf> {
        let has_one = self.state.files.contains_key(EMA_FILE);
        has_one.then(|| self.dir.join(EMA_FILE))
    }

    /// The optimizer's tensors by parameter name.
    ///
    /// # Errors
    /// The file cannot be read, or is not a `.safetensors` file.
    pub fn optimizer(&self) -> Result<BTreeMap<String, TensorData>, CheckpointError> {
        tensors::read(&self.dir.join(OPTIMIZER_FILE))
    }
}

/// The contents of a checkpoint besides its state.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The network in training.
    pub model: &'a Network,
    /// Its moving average.
    pub average: Option<&'a Network>,
    /// The optimizer's tensors.
    pub optimizer: &'a BTreeMap<String, TensorData>,
}

/// Writes a checkpoint into `save_dir`, then deletes the checkpoints that `retention` does not keep. Returns its
/// directory.
///
/// # Errors
/// A file cannot be written. Then the older checkpoints are untouched.
pub fn save(
    save_dir: &Path,
    retention: Retention,
    state: State,
    contents: Contents<'_>,
) -> Result<PathBuf, CheckpointError> {
    let name = state.name();
    let path = save_dir.join(name.to_string());
    let unfinished = save_dir.join(format!("{name}.tmp"));
    remove(&unfinished)?;
    if let Err(error) = fill(&unfinished, state, contents) {
        // Frees the space on a full disk. If this fails too, the first error says more.
        remove(&unfinished).ok();
        return Err(error);
    }

    // Such a directory exists only if the run was resumed from before this step and repeats it.
    remove(&path)?;
    fs::rename(&unfinished, &path).map_err(io_error(&path, "rename"))?;
    sync_dir(save_dir)?;
    retention.apply(save_dir)?;
    Ok(path)
}

/// Writes all files of a checkpoint into a new directory.
fn fill(dir: &Path, mut state: State, contents: Contents<'_>) -> Result<(), CheckpointError> {
    fs::create_dir_all(dir).map_err(io_error(dir, "create"))?;
    let mut files = vec![MODEL_FILE, OPTIMIZER_FILE];
    weights::save(contents.model, dir.join(MODEL_FILE))?;
    tensors::write(&dir.join(OPTIMIZER_FILE), contents.optimizer)?;
    if let Some(average) = contents.average {
        weights::save(average, dir.join(EMA_FILE))?;
        files.push(EMA_FILE);
    }
    state.files.clear();
    for file in files {
        state.files.insert(file.to_owned(), sum(&dir.join(file))?);
    }
    write_synced(&dir.join(STATE_FILE), &state.to_json())?;
    sync_dir(dir)
}

/// The names of the complete checkpoints in `save_dir`, oldest first; empty if there is no such directory.
///
/// # Errors
/// The directory cannot be read.
pub fn list(save_dir: &Path) -> Result<Vec<Name>, CheckpointError> {
    let entries = match fs::read_dir(save_dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error(save_dir, "read"))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error(save_dir, "read"))?;
        let name = entry.file_name().to_str().and_then(Name::parse);
        names.extend(name.filter(|_| entry.path().join(STATE_FILE).is_file()));
    }
    names.sort();
    Ok(names)
}

/// Deletes a checkpoint, if it exists, in an order that never makes half a checkpoint look complete.
fn remove(dir: &Path) -> Result<(), CheckpointError> {
    let ignore_missing = |result: io::Result<()>| match result {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    ignore_missing(fs::remove_file(dir.join(STATE_FILE)))
        .and_then(|()| ignore_missing(fs::remove_dir_all(dir)))
        .map_err(io_error(dir, "delete"))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(io_error(path, "write"))
}

fn sync_dir(path: &Path) -> Result<(), CheckpointError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(io_error(path, "sync"))
}

fn sum(path: &Path) -> Result<FileSum, CheckpointError> {
    let mut file = File::open(path).map_err(io_error(path, "open"))?;
    let (mut hash, mut bytes) = (Xxh3Default::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(io_error(path, "read"))?;
        if read == 0 {
            return Ok(FileSum {
                bytes,
                xxh3: format!("{:016x}", hash.digest()),
            });
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |cause| CheckpointError::Io {
        path,
        action,
        cause,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
