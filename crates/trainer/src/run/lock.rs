//! Allows one run at a time in a folder: two would delete each other's checkpoints and mix their logs.

use std::fs;
use std::fs::{File, TryLockError};
use std::path::Path;

use tracing::debug;

use super::RunError;
use crate::log::LogError;

/// Keeps other runs out of a folder until it is dropped or the process ends, for whatever reason.
#[derive(Debug)]
pub(crate) struct RunLock {
    _folder: File,
}

impl RunLock {
    /// Creates `dir` if it does not exist, and locks it.
    ///
    /// # Errors
    /// Another run has locked it, or it cannot be created.
    pub(crate) fn take(dir: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(dir).map_err(|cause| LogError::new(dir, "create", cause))?;
        let folder = File::open(dir).map_err(|cause| LogError::new(dir, "open", cause))?;
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let path = dir.to_owned();
                return Err(RunError::Busy { path });
            }
            // Some network file systems cannot lock folders. That is no reason to refuse a run there.
            Err(TryLockError::Error(cause)) => debug!("{}: cannot lock: {cause}", dir.display()),
            Ok(()) => {}
        }
        Ok(RunLock { _folder: folder })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let first = RunLock::take(&run).unwrap();
        let refused = RunLock::take(&run).unwrap_err().to_string();
        assert!(refused.contains("another training"), "{refused}");
        drop(first);
        RunLock::take(&run).unwrap();
    }
}
