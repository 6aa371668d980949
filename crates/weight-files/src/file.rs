//! A weights file on disk. It appears complete or not at all.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::error::io;
use crate::{Encoder, Error, Format, Precision};

/// A file that is being written, as `<path>.tmp`. It is synced and renamed at the end. If it is dropped earlier,
/// nothing is left behind.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    beside: Beside,
    encoder: Encoder<BufWriter<File>>,
}

impl Writer {
    /// Starts a file of tensors with timm's names and these shapes, in this order.
    ///
    /// # Errors
    /// As [`Encoder::new`].
    pub fn create(
        path: impl AsRef<Path>,
        format: Format,
        precision: Precision,
        tensors: Vec<(String, Vec<usize>)>,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let beside = Beside(PathBuf::from(beside));
        let file = File::create(&beside.0).map_err(io(&beside.0, "create"))?;
        let out = BufWriter::with_capacity(1 << 20, file);
        Ok(Self {
            path: path.to_owned(),
            encoder: Encoder::new(out, path, format, precision, tensors)?,
            beside,
        })
    }

    /// Writes the next tensor, row-major.
    ///
    /// # Errors
    /// As [`Encoder::tensor`].
    pub fn tensor(&mut self, values: &[f32]) -> Result<(), Error> {
        self.encoder.tensor(values)
    }

    /// Ends the file and moves it into place.
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    pub fn finish(self) -> Result<(), Error> {
        let Self {
            path,
            beside,
            encoder,
        } = self;
        let file = encoder
            .finish()?
            .into_inner()
            .map_err(|e| io(&path, "write")(e.into_error()))?;
        file.sync_all().map_err(io(&path, "sync"))?;
        fs::rename(&beside.0, &path).map_err(io(&path, "rename into place"))?;
        // A rename is durable once its directory is.
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(parent)
            .and_then(|dir| dir.sync_all())
            .map_err(io(parent, "sync"))
    }
}

/// The unfinished file, which is removed unless it has been renamed.
#[derive(Debug)]
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
