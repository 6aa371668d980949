//! Writes a file whole or not at all, so that an interrupted export leaves nothing half-written under
//! a file's own name.

use std::path::Path;
use std::{fs, io};

use crate::FileError;

use super::ExportError;

/// Writes a file, with the directories above it. Returns whether that was needed: `false` means that
/// it was there already, with the same contents.
///
/// # Errors
/// If a file is there with other contents and `overwrite` is not set, or the file cannot be written.
pub fn write_file(path: &Path, bytes: &[u8], overwrite: bool) -> Result<bool, ExportError> {
    match fs::read(path) {
        Ok(there) if there == bytes => return Ok(false),
        Ok(_) if !overwrite => {
            return Err(ExportError::OtherFile {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileError::new("read", path)(error).into()),
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default();
    let temporary = parent.join(format!(".{}.tmp", name.display()));
    let written = match fs::write(&temporary, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent).map_err(FileError::new("create", parent))?;
            fs::write(&temporary, bytes)
        }
        written => written,
    };
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(FileError::new("write", path))?;
    Ok(true)
}
