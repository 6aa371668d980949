//! Why a weights file could not be written or read.

use std::path::{Path, PathBuf};

use crate::Format;

/// Why a weights file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operation that failed.
        action: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// Not a weights file, or a damaged one.
    #[error("{}: not a valid .{format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its format, according to its first bytes.
        format: Format,
        /// What is wrong with it.
        reason: String,
    },
    /// The file's length is not what its header says.
    #[error("{}: {found} bytes long, but its header says {expected}: truncated or damaged, download it again", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Length by the header, in bytes.
        expected: u64,
        /// Length on disk, in bytes.
        found: u64,
    },
    /// A number type that weights do not have.
    #[error("{}: {tensor} is stored as {dtype}; weights must be F32, F16, BF16 or F64", path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// timm's name of the tensor.
        tensor: String,
        /// Its type in the file.
        dtype: String,
    },
    /// There is no moving average, but it was requested.
    #[error("{}: holds no moving average of the weights; leave out --ema", path.display())]
    NoAverage {
        /// The file.
        path: PathBuf,
    },
    /// No tensor of this name was found.
    #[error("{}: holds no tensor called {tensor}", path.display())]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        tensor: String,
    },
    /// The file's name does not say a known format.
    #[error("{}: unknown extension; use .safetensors, .ckpt or .pth", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The format cannot hold these tensors.
    #[error("{}: cannot be written as .{format}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The requested format.
        format: Format,
        /// Why not, and what to do instead.
        reason: String,
    },
}

/// The error of an operation on a file.
pub(crate) fn io(path: &Path, action: &'static str) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        path: path.clone(),
        action,
        source,
    }
}
