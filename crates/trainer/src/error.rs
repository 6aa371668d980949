//! What can stop a run, a validation or a prediction.

use std::path::{Path, PathBuf};

use inception::{ConfigError, WeightsError};
use loader::{AugmentError, Fault, LoaderError, PlanError, SampleError};
use record::RecordError;

use crate::checkpoint::CheckpointError;
use crate::device::DeviceError;
use crate::metrics::LogError;
use crate::page::PageError;
use crate::recipe::RecipeError;

/// What can stop a run, a validation or a prediction. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data set.
    #[error(transparent)]
    Data(#[from] RecordError),
    /// The input pipeline.
    #[error("{0}{flags}", flags = flags(.0))]
    Loader(#[from] LoaderError),
    /// A record that cannot be evaluated.
    #[error(transparent)]
    Sample(#[from] Box<SampleError>),
    /// The settings of an image operation.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// The settings of the network.
    #[error(transparent)]
    Network(#[from] ConfigError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A weights file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network and the data set do not have the same classes.
    #[error(
        "num_classes is {network}, but the data set in {} has {data} classes; pass \
         --num-classes {data} to train on it, or another --data-dir", data_dir.display()
    )]
    ClassCount {
        /// Classes of the network.
        network: usize,
        /// Classes of the data set.
        data: usize,
        /// The data set.
        data_dir: PathBuf,
    },
    /// As many classes, but not the same.
    #[error(
        "class {index} is {network} to the network, but {data} in the data set in {}; pass the \
         --data-dir that it was trained on", data_dir.display()
    )]
    OtherClasses {
        /// The first index at which they differ.
        index: usize,
        /// The network's synset.
        network: String,
        /// The data set's synset.
        data: String,
        /// The data set.
        data_dir: PathBuf,
    },
    /// The loss or its gradient is infinite or not a number, more often in a row than may be skipped.
    #[error(
        "the loss is {loss}{} at step {step}, the {} in a row; its batch held {}. Saved as it is in {}; \
         {}. A lower --lr, a longer --warmup-epochs or --clip-grad usually \
         helps; --nonfinite-skips N skips N such batches",
        if loss.is_finite() { " and its gradient not finite" } else { "" },
        ordinal(*in_a_row), shorten(keys), saved.display(),
        checkpoint.as_ref().map_or("there is none before it".to_owned(), |path| format!(
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
        /// How many such steps there were without a good one between.
        in_a_row: u64,
        /// The checkpoint of this state.
        saved: PathBuf,
        /// The checkpoint before.
        checkpoint: Option<PathBuf>,
    },
    /// A log of the run cannot be begun, or taken up again.
    #[error("{cause}. {}", cause.mend())]
    Log {
        /// What stopped it.
        cause: LogError,
    },
    /// A log could not be written any more. No checkpoint is saved then: it would know of steps that the logs
    /// do not.
    #[error(
        "the run ends at step {step}: {cause}. {} {}, then go on with --resume",
        last_good(checkpoint.as_deref()), cause.mend()
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
        "no checkpoint of step {step}: {cause}; nothing of it is left behind. {} {}, then go on with --resume",
        last_good(checkpoint.as_deref()), cause.mend()
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
    /// A new run would write over an old one.
    #[error(
        "{} holds a run already; pass --resume to continue it, or another --ckpt-save-dir",
        path.display()
    )]
    Occupied {
        /// The directory of checkpoints.
        path: PathBuf,
    },
    /// Another process trains into the same directory.
    #[error(
        "{}: another training is writing there; wait for its end, or pass another --ckpt-save-dir",
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
        "the thread that uploads batches has panicked: a fault in the program; --resume goes on from the last checkpoint"
    )]
    FeedLost,
    /// The system gives no thread.
    #[error("cannot start a thread to upload batches: {0}")]
    NoThread(std::io::Error),
    /// There is nothing to measure.
    #[error("the training split gave no batch; check it with `shard inspect`")]
    NoBatch,
    /// No page about a run.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Evaluation needs weights.
    #[error(
        "no weights: pass --ckpt-path with a checkpoint directory or a weights file (.safetensors, .pth, .ckpt)"
    )]
    NoWeights,
    /// An image could not be read.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        cause: std::io::Error,
    },
    /// An image to predict cannot be decoded.
    #[error("{}: {cause}; JPEG and PNG images can be read", path.display())]
    Image {
        /// The image file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Fault,
    },
}

/// The flags that do what a loader's error proposes.
fn flags(error: &LoaderError) -> &'static str {
    match error {
        LoaderError::Plan(PlanError::NoFullBatch { .. }) => {
            " (--batch-size N, --drop-remainder false)"
        }
        LoaderError::Sample(_) => " (--on-error skip)",
        _ => "",
    }
}

impl From<LogError> for TrainError {
    fn from(cause: LogError) -> Self {
        TrainError::Log { cause }
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

fn ordinal(number: u64) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        more => format!("{more}th"),
    }
}
