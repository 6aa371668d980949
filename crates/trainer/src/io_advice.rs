//! What to do when the operating system does not let a run write a file.

use std::io;
use std::io::ErrorKind;

/// How to fix that a file in `ckpt_save_dir` cannot be written because of `cause`: a sentence without its full stop.
pub(crate) fn how_to_fix(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "Make room",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Make it writable, or pass another --ckpt-save-dir"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "Pass another --ckpt-save-dir",
        _ => "Check the path",
    }
}
