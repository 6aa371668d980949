//! What can stop a validation or a prediction.

use std::io;
use std::path::PathBuf;

use augment::AugmentError;
use loader::{Fault, LoaderError, SampleError};
use record::RecordError;

use crate::checkpoint::CheckpointError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::network::NetworkError;
use crate::recipe::RecipeError;

/// What can stop a validation or a prediction. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data set or the input pipeline.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A record that cannot be evaluated.
    #[error(transparent)]
    Sample(#[from] Box<SampleError>),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network or its weights.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network and the data set have the same number of classes, but different ones.
    #[error(
        "class {index} is {network} in the network, but {data} in the data set in {}; pass the \
         --data-dir that the network was trained on", data_dir.display()
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
    /// No weights were given.
    #[error(
        "no weights: pass --ckpt-path with a checkpoint directory or a weights file (.safetensors, .pth, .ckpt)"
    )]
    NoWeights,
    /// An image file could not be read.
    #[error("{}: cannot read: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// An image cannot be decoded.
    #[error("{}: {cause}; JPEG and PNG images can be read", path.display())]
    Image {
        /// The image file, or the record's key.
        path: PathBuf,
        /// What is wrong with it.
        cause: Fault,
    },
}

impl From<LoaderError> for EvaluateError {
    fn from(cause: LoaderError) -> Self {
        DataError::from(cause).into()
    }
}

impl From<RecordError> for EvaluateError {
    fn from(cause: RecordError) -> Self {
        DataError::from(cause).into()
    }
}

impl From<AugmentError> for EvaluateError {
    fn from(cause: AugmentError) -> Self {
        DataError::from(cause).into()
    }
}
