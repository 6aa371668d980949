//! A log file that grows by whole lines. Does not know what the lines mean.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::log::LogError;

/// A log file that grows by whole lines.
#[derive(Debug)]
pub(super) struct Appended {
    path: PathBuf,
    file: File,
}

impl Appended {
    /// Replaces the file at `path` atomically with `head` and those of its lines that `keep` accepts. A missing file
    /// counts as empty. Lines are copied from disk to disk, because the log of a long run has gigabytes.
    pub(super) fn keeping(
        path: PathBuf,
        head: &str,
        keep: impl Fn(&[u8]) -> bool,
    ) -> Result<Self, LogError> {
        let unfinished = path.with_added_extension("tmp");
        let copy = || {
            let mut new = BufWriter::new(File::create(&unfinished)?);
            new.write_all(head.as_bytes())?;
            if let Some(mut old) = open_if_there(&path)? {
                let mut line = Vec::new();
                while old.read_until(b'\n', &mut line)? > 0 {
                    let text = line.strip_suffix(b"\n").unwrap_or(&line);
                    if keep(text) {
                        new.write_all(text)?;
                        new.write_all(b"\n")?;
                    }
                    line.clear();
                }
            }
            new.into_inner().map_err(io::IntoInnerError::into_error)?;
            fs::rename(&unfinished, &path)?;
            OpenOptions::new().append(true).open(&path)
        };
        match copy() {
            Ok(file) => Ok(Appended { path, file }),
            Err(cause) => {
                // Frees the space on a full disk. If this fails too, the first error says more.
                fs::remove_file(&unfinished).ok();
                Err(LogError::new(&path, "write", cause))
            }
        }
    }

    /// Adds a line.
    pub(super) fn append(&mut self, line: &str) -> Result<(), LogError> {
        let line = format!("{line}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|cause| LogError::new(&self.path, "write", cause))
    }

    /// Makes sure that everything appended so far survives a power failure.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        sync(&self.file, &self.path)
    }

    /// Takes the place of the log at `path`, for a test.
    #[cfg(test)]
    pub(super) fn onto(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        let path = path.to_owned();
        Ok(Appended { path, file })
    }
}

/// Makes sure that everything written to `file`, which is at `path`, survives a power failure. If the file is a pipe or
/// another device, there is nothing to lose.
pub(super) fn sync(file: &File, path: &Path) -> Result<(), LogError> {
    match file.sync_data() {
        Err(cause) if cause.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(|cause| LogError::new(path, "sync", cause)),
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<BufReader<File>>> {
    match File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.map(|file| Some(BufReader::new(file))),
    }
}
