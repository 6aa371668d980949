//! What can stop a training run.

use std::io;
use std::path::{Path, PathBuf};

use loader::LoaderError;

use crate::checkpoint::CheckpointError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::evaluate::EvaluateError;
use crate::log::LogError;
use crate::network::NetworkError;

/// What can stop a training run. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data set or the input pipeline.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network or its weights.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A validation within the run.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The loss or its gradient was NaN or infinite, more often in a row than may be skipped.
    #[error(
        "step {step}: the loss is {loss}{}, in {in_a_row} batch{} in a row; the last one held {}. \
         The state is saved in {}; {}. A lower --lr, a longer --warmup-epochs or --clip-grad usually helps; \
         --nonfinite-skips N skips up to N such batches in a row",
        if loss.is_finite() { " but its gradient is NaN or infinite" } else { "" },
        if *in_a_row == 1 { "" } else { "es" },
        shorten(keys), saved.display(),
        checkpoint.as_ref().map_or("there is no checkpoint before it".to_owned(), |path| format!(
            "the checkpoint before it is {}", path.display()
        ))
    )]
    Diverged {
        /// The loss.
        loss: f32,
        /// The step, counted from 1 over the whole run.
        step: u64,
        /// The keys of the batch.
        keys: Vec<String>,
        /// How many such steps there were in a row.
        in_a_row: u64,
        /// The checkpoint saved at this point.
        saved: PathBuf,
        /// The checkpoint before it.
        checkpoint: Option<PathBuf>,
    },
    /// A log of the run cannot be created or continued.
    #[error("{cause}. {}", cause.how_to_fix())]
    Log {
        /// What stopped it.
        cause: LogError,
    },
    /// A log could no longer be written. No checkpoint is saved in this case, because it would include steps that the
    /// logs lack.
    #[error(
        "the run ends at step {step}: {cause}. {} {}, then go on with --resume",
        last_good(checkpoint.as_deref()), cause.how_to_fix()
    )]
    NotLogged {
        /// The step, counted from 1 over the whole run.
        step: u64,
        /// What stopped it.
        cause: LogError,
        /// The last checkpoint written.
        checkpoint: Option<PathBuf>,
    },
    /// A checkpoint could not be written.
    #[error(
        "no checkpoint of step {step}: {cause}; the unfinished one is deleted. {} {}, then go on with --resume",
        last_good(checkpoint.as_deref()), cause.how_to_fix()
    )]
    NotSaved {
        /// The step, counted from 1 over the whole run.
        step: u64,
        /// What stopped it.
        cause: CheckpointError,
        /// The last checkpoint written.
        checkpoint: Option<PathBuf>,
    },
    /// Every record of a batch failed.
    #[error(
        "every record of the batch of step {step} failed ({cause}); check the data set with `shard verify`"
    )]
    EmptyBatch {
        /// The step, counted from 1 over the whole run.
        step: u64,
        /// The first failure.
        cause: String,
    },
    /// A new run would overwrite an old one.
    #[error(
        "{} already holds a run; pass --resume to continue it, or another --ckpt-save-dir",
        path.display()
    )]
    Occupied {
        /// The directory of checkpoints.
        path: PathBuf,
    },
    /// Another process trains into the same directory.
    #[error(
        "{}: another training is writing there; wait until it ends, or pass another --ckpt-save-dir",
        path.display()
    )]
    Busy {
        /// The directory of checkpoints.
        path: PathBuf,
    },
    /// The checkpoint belongs to another run.
    #[error("cannot resume from {}: {}", checkpoint.display(), differences.join("; "))]
    OtherRun {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// The thread that uploads batches has panicked; its message is on stderr.
    #[error(
        "the thread that uploads batches panicked: a bug in this program; --resume goes on from the last checkpoint"
    )]
    PrefetcherLost,
    /// The system provides no thread.
    #[error("cannot start a thread to upload batches: {0}")]
    NoThread(io::Error),
    /// There are no steps to measure.
    #[error("the training split gave no batch; check it with `shard inspect`")]
    NoBatch,
}

impl From<LogError> for RunError {
    fn from(cause: LogError) -> Self {
        RunError::Log { cause }
    }
}

impl From<LoaderError> for RunError {
    fn from(cause: LoaderError) -> Self {
        DataError::from(cause).into()
    }
}

fn last_good(checkpoint: Option<&Path>) -> String {
    checkpoint.map_or("There is no checkpoint.".to_owned(), |path| {
        format!("The last good checkpoint is {}.", path.display())
    })
}

/// Names a few and counts the rest.
fn shorten(keys: &[String]) -> String {
    const SHOWN: usize = 8;
    let named: Vec<&str> = keys.iter().take(SHOWN).map(String::as_str).collect();
    let more = keys.len().saturating_sub(SHOWN);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{tail}", named.join(", "))
}
