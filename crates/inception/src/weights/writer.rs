//! Weights files written a tensor at a time; a file appears whole or not at all. Knows no network.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo as Entry};

use super::pth::{self, Archived};
use super::{Format, WeightsError, ckpt, io, mindcv};

#[cfg(target_endian = "big")]
compile_error!(
    "tensors are written and read in the machine's byte order, which must be little-endian"
);

/// What a zip archive without 64-bit fields holds, with room for its headers.
const MAX_ARCHIVE: u64 = 0xf000_0000;

/// A file in the making: written beside its place as `<path>.tmp`, synced and renamed at the end.
pub(super) struct Writer {
    path: PathBuf,
    beside: PathBuf,
    out: BufWriter<File>,
    format: Format,
    /// Names (the format's) and shapes of the tensors.
    tensors: Vec<(String, Vec<usize>)>,
    /// How many of them have been written.
    written: usize,
    /// CRC-32 of everything so far, of a `.ckpt`.
    crc: crc32fast::Hasher,
    /// The members so far, of a `.pth`.
    archive: Vec<Archived>,
    at: u64,
}

impl Writer {
    /// Begins a file of F32 tensors of timm's names and these shapes, which come in this order.
    pub(super) fn create(
        path: &Path,
        format: Format,
        tensors: Vec<(String, Vec<usize>)>,
    ) -> Result<Self, WeightsError> {
        let bytes = tensors
            .iter()
            .map(|(_, shape)| 4 * shape.iter().product::<usize>() as u64);
        if format == Format::Pth && bytes.sum::<u64>() > MAX_ARCHIVE {
            return Err(WeightsError::Malformed {
                path: path.to_owned(),
                format,
                reason: "more than 4 GiB do not fit; write a .safetensors".to_owned(),
            });
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".tmp");
        let beside = PathBuf::from(beside);
        let file = File::create(&beside).map_err(io(&beside, "create"))?;
        let tensors = match format {
            Format::Ckpt => {
                let (names, shapes): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
                mindcv::from_timm(&names).into_iter().zip(shapes).collect()
            }
            Format::Safetensors | Format::Pth => tensors,
        };
        let mut writer = Self {
            path: path.to_owned(),
            beside,
            out: BufWriter::with_capacity(1 << 20, file),
            format,
            tensors,
            written: 0,
            crc: crc32fast::Hasher::new(),
            archive: Vec::new(),
            at: 0,
        };
        match format {
            Format::Safetensors => writer.safetensors_header()?,
            Format::Pth => writer.member("data.pkl", &pth::pickle_of(&writer.tensors), None)?,
            Format::Ckpt => {}
        }
        Ok(writer)
    }

    /// Writes the next tensor, F32, little-endian, row-major.
    pub(super) fn tensor(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        let index = self.written;
        self.written += 1;
        match self.format {
            Format::Safetensors => self.put(bytes),
            Format::Ckpt => {
                let Some((name, shape)) = self.tensors.get(index) else {
                    return Ok(());
                };
                let header = ckpt::value_header(name, shape, bytes.len() as u64);
                self.put(&header)?;
                self.put(bytes)
            }
            Format::Pth => self.member(&format!("data/{index}"), bytes, Some(64)),
        }
    }

    /// Ends the file and moves it into place.
    pub(super) fn finish(mut self) -> Result<(), WeightsError> {
        match self.format {
            Format::Safetensors => {}
            Format::Ckpt => {
                let trailer = ckpt::trailer(self.crc.clone().finalize());
                self.put(&trailer)?;
            }
            Format::Pth => {
                self.member("byteorder", b"little", None)?;
                self.member("version", b"3\n", None)?;
                let table = pth::table_of(&self.archive, self.at);
                self.put(&table)?;
            }
        }
        let file = self
            .out
            .into_inner()
            .map_err(|e| io(&self.beside, "write")(e.into_error()))?;
        file.sync_all().map_err(io(&self.beside, "sync"))?;
        fs::rename(&self.beside, &self.path).map_err(io(&self.path, "rename into place"))?;
        // A rename is durable once its directory is.
        let parent = self
            .path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(parent)
            .and_then(|dir| dir.sync_all())
            .map_err(io(parent, "sync"))
    }

    fn safetensors_header(&mut self) -> Result<(), WeightsError> {
        let mut offset = 0;
        let entries = self
            .tensors
            .iter()
            .map(|(name, shape)| {
                let from = offset;
                offset += shape.iter().product::<usize>() * size_of::<f32>();
                let entry = Entry {
                    dtype: Dtype::F32,
                    shape: shape.clone(),
                    data_offsets: (from, offset),
                };
                (name.clone(), entry)
            })
            .collect();
        // Loaders of the Hugging Face family ask whose tensors these are: "pt" means torch's.
        let about = [("format".to_owned(), "pt".to_owned())].into();
        let malformed = |reason: String| WeightsError::Malformed {
            path: self.path.clone(),
            format: Format::Safetensors,
            reason,
        };
        let header = Metadata::new(Some(about), entries).map_err(|e| malformed(e.to_string()))?;
        let mut json = serde_json::to_vec(&header).map_err(|e| malformed(e.to_string()))?;
        // Spaces align the tensors to eight bytes.
        json.resize(json.len().next_multiple_of(8), b' ');
        self.put(&(json.len() as u64).to_le_bytes())?;
        self.put(&json)
    }

    /// Writes a member of a `.pth`, its bytes aligned where asked.
    fn member(
        &mut self,
        name: &str,
        bytes: &[u8],
        alignment: Option<u64>,
    ) -> Result<(), WeightsError> {
        let member = Archived::new(name, bytes, self.at, alignment);
        self.put(&member.header())?;
        self.archive.push(member);
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        if self.format == Format::Ckpt {
            self.crc.update(bytes);
        }
        self.at += bytes.len() as u64;
        self.out.write_all(bytes).map_err(io(&self.beside, "write"))
    }
}
