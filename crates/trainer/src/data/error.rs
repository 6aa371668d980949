//! What can go wrong between a recipe and its batches.

use std::path::PathBuf;

use augment::AugmentError;
use loader::{LoaderError, PlanError};
use record::RecordError;

/// What can be wrong with a data set, or with the pipeline that a recipe describes. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The data set.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The input pipeline.
    #[error("{0}{flags}", flags = flags(.0))]
    Loader(#[from] LoaderError),
    /// The settings of an image operation.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// The network and the data set do not have the same number of classes.
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
}

/// The flags that do what a loader's error suggests.
fn flags(error: &LoaderError) -> &'static str {
    match error {
        LoaderError::Plan(PlanError::NoFullBatch { .. }) => {
            " (--batch-size N, --drop-remainder false)"
        }
        LoaderError::Sample(_) => " (--on-error skip)",
        _ => "",
    }
}
