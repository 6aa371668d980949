//! A file that appears under its final name complete or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::RecordError;

const BUFFER: usize = 256 * 1024;

/// Writes `<path>.tmp`, which [`commit`](Self::commit) makes durable and renames to `<path>`.
/// Dropped before that, it removes what it wrote.
pub(crate) struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    committed: bool,
}

impl AtomicFile {
    /// Starts again, overwriting whatever an interrupted run left at `<path>.tmp`.
    pub(crate) fn create(path: &Path) -> Result<Self, RecordError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = File::create(&temporary).map_err(RecordError::io(&temporary, "create"))?;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self {
            path: path.into(),
            temporary,
            file,
            committed: false,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.file
            .write_all(bytes)
            .map_err(RecordError::io(&self.temporary, "write"))
    }

    /// Flush, fsync, rename, fsync of the directory: after this, a crash of the machine leaves the
    /// whole file; before it, none.
    pub(crate) fn commit(mut self) -> Result<(), RecordError> {
        self.file
            .flush()
            .map_err(RecordError::io(&self.temporary, "write"))?;
        self.file
            .get_ref()
            .sync_all()
            .map_err(RecordError::io(&self.temporary, "flush to disk"))?;
        fs::rename(&self.temporary, &self.path)
            .map_err(RecordError::io(&self.path, "rename the finished file to"))?;
        self.committed = true;
        sync_directory(&self.path)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            // There is no one to report a failure to; the next run starts over anyway.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn sync_directory(path: &Path) -> Result<(), RecordError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Some network and FUSE file systems cannot sync a directory; there is no alternative there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result.map_err(RecordError::io(directory, "flush to disk")),
    }
}
