//! A file or directory that the operating system refused, for the errors of all modules.

use std::io;
use std::path::{Path, PathBuf};

/// The operating system refused to read, write or remove a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// The file or directory.
    pub path: PathBuf,
    /// What was attempted: "read", "write", "remove", …
    pub action: &'static str,
    /// The cause.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`.
    pub(crate) fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            path: path.to_owned(),
            action,
            source,
        }
    }
}
