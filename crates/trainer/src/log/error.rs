//! What can go wrong with a log file.

use std::io;
use std::path::{Path, PathBuf};

use crate::io_advice;

/// A log cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {cause}", path.display())]
pub struct LogError {
    /// The file, or the directory it should be in.
    pub path: PathBuf,
    /// The operation that failed.
    pub action: &'static str,
    /// The operating system's message.
    pub cause: io::Error,
}

impl LogError {
    pub(crate) fn new(path: &Path, action: &'static str, cause: io::Error) -> Self {
        LogError {
            path: path.to_owned(),
            action,
            cause,
        }
    }

    /// How to fix it: a sentence without its full stop.
    pub(crate) fn how_to_fix(&self) -> &'static str {
        io_advice::how_to_fix(&self.cause)
    }
}
