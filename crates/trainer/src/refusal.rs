//! What to do when the operating system does not let a run write.

use std::io::{self, ErrorKind};

/// What mends it that a file of `ckpt_save_dir` cannot be written because of `cause`: a sentence without its
/// full stop.
pub(crate) fn mend(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "Make room",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Let it be written, or pass another --ckpt-save-dir"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "Pass another --ckpt-save-dir",
        _ => "See to that",
    }
}
