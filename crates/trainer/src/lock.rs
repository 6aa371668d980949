//! One training at a time in a folder: two would delete one another's checkpoints and mix their logs.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use tracing::debug;

use crate::error::TrainError;
use crate::metrics::LogError;

/// Keeps other trainings out of a folder, until it is dropped or the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    _folder: File,
}

impl Lock {
    /// Makes `dir` if need be, and locks it.
    ///
    /// # Errors
    /// Another training has it, or it cannot be made.
    pub(crate) fn take(dir: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(dir).map_err(|cause| LogError::new(dir, "create", cause))?;
        let folder = File::open(dir).map_err(|cause| LogError::new(dir, "open", cause))?;
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let path = dir.to_owned();
                return Err(TrainError::Busy { path });
            }
            // Some network file systems lock no folders. That two trainings meet there is not worth stopping one.
            Err(TryLockError::Error(cause)) => debug!("{}: cannot lock: {cause}", dir.display()),
            Ok(()) => {}
        }
        Ok(Lock { _folder: folder })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_training_s_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let first = Lock::take(&run).unwrap();
        let refused = Lock::take(&run).unwrap_err().to_string();
        assert!(refused.contains("another training"), "{refused}");
        drop(first);
        Lock::take(&run).unwrap();
    }
}
