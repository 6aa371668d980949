//! The `.safetensors` file itself, read and written a tensor at a time. Knows no network.
//!
//! The format: the header's length (u64, little-endian), a JSON header (name to dtype, shape,
//! offsets), and the tensors' bytes, little-endian and row-major, without gaps.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{DType, Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo as Entry};

use super::WeightsError;
use crate::Network;
use crate::names::{NamedVisitor, Role};

#[cfg(target_endian = "big")]
compile_error!(
    "tensors are written and read in the machine's byte order, which must be little-endian"
);

/// Longest header that is read. The networks' own are below 100 kB; the format's limit is 100 MB.
const MAX_HEADER: u64 = 16 << 20;

const LENGTH: u64 = size_of::<u64>() as u64;

/// A file whose header has been read and found to agree with the file's length.
pub(super) struct Reader {
    path: PathBuf,
    file: File,
    header: Metadata,
    /// Where the tensors' bytes start.
    start: u64,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, WeightsError> {
        let malformed = |reason: String| WeightsError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let mut file = File::open(path).map_err(io(path, "open"))?;
        let found = file.metadata().map_err(io(path, "stat"))?.len();
        if found < LENGTH {
            return Err(malformed(format!(
                "{found} bytes long, too short for a header"
            )));
        }
        let mut length = [0; LENGTH as usize];
        file.read_exact(&mut length).map_err(io(path, "read"))?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER || length > found - LENGTH {
            return Err(malformed(format!(
                "a header of {length} bytes cannot be: the file has {found}, and {MAX_HEADER} is the limit"
            )));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(io(path, "read"))?;
        // Checks that the tensors follow one another without gaps and that each has as many bytes
        // as its shape and type need.
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|e| malformed(format!("its header: {e}")))?;
        let start = LENGTH + length;
        let expected = start.saturating_add(header.data_len() as u64);
        if expected != found {
            return Err(WeightsError::Length {
                path: path.to_owned(),
                expected,
                found,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            start,
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.header.offset_keys().into_iter()
    }

    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|entry| entry.shape.as_slice())
    }

    /// The named tensor as f32.
    pub(super) fn read(&mut self, name: &str) -> Result<TensorData, WeightsError> {
        let Some(entry) = self.header.info(name) else {
            let reason = format!("it has no tensor {name}");
            return Err(WeightsError::Malformed {
                path: self.path.clone(),
                reason,
            });
        };
        let dtype = match entry.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            other => {
                return Err(WeightsError::Dtype {
                    path: self.path.clone(),
                    tensor: name.to_owned(),
                    dtype: format!("{other:?}"),
                });
            }
        };
        let (from, to) = entry.data_offsets;
        let mut bytes = vec![0; to - from];
        self.file
            .seek(SeekFrom::Start(self.start + from as u64))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(io(&self.path, "read"))?;
        let shape = entry.shape.as_slice();
        Ok(TensorData::from_bytes_vec(bytes, shape, dtype).convert::<f32>())
    }
}

/// Writes every tensor of `model` to `path`; the file appears whole or not at all.
pub(super) fn write(model: &Network, path: &Path) -> Result<(), WeightsError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);

    let file = File::create(&beside).map_err(io(&beside, "create"))?;
    let mut writer = Writer {
        path: &beside,
        out: BufWriter::with_capacity(1 << 20, file),
        result: Ok(()),
    };
    writer.header(model)?;
    model.visit_named(&mut writer);
    let Writer { out, result, .. } = writer;
    result?;
    let file = out
        .into_inner()
        .map_err(|e| io(&beside, "write")(e.into_error()))?;
    file.sync_all().map_err(io(&beside, "sync"))?;
    fs::rename(&beside, path).map_err(io(path, "rename into place"))?;
    // A rename is durable once its directory is.
    let parent = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|dir| dir.sync_all())
        .map_err(io(parent, "sync"))
}

struct Writer<'a> {
    path: &'a Path,
    out: BufWriter<File>,
    /// The first failure: a visitor cannot return one.
    result: Result<(), WeightsError>,
}

impl Writer<'_> {
    fn header(&mut self, model: &Network) -> Result<(), WeightsError> {
        let mut offset = 0;
        let entries = model
            .tensors()
            .into_iter()
            .map(|tensor| {
                let from = offset;
                offset += tensor.shape.iter().product::<usize>() * size_of::<f32>();
                let data_offsets = (from, offset);
                (
                    tensor.name,
                    Entry {
                        dtype: Dtype::F32,
                        shape: tensor.shape,
                        data_offsets,
                    },
                )
            })
            .collect();
        // Loaders of the Hugging Face family ask whose tensors these are: "pt" means torch's.
        let about = [("format".to_owned(), "pt".to_owned())].into();
        let malformed = |reason: String| WeightsError::Malformed {
            path: self.path.to_owned(),
            reason,
        };
        let header = Metadata::new(Some(about), entries).map_err(|e| malformed(e.to_string()))?;
        let mut json = serde_json::to_vec(&header).map_err(|e| malformed(e.to_string()))?;
        // Spaces align the tensors to eight bytes.
        json.resize(json.len().next_multiple_of(LENGTH as usize), b' ');
        self.out
            .write_all(&(json.len() as u64).to_le_bytes())
            .and_then(|()| self.out.write_all(&json))
            .map_err(io(self.path, "write"))
    }

    fn tensor<const D: usize>(
        &mut self,
        name: &str,
        tensor: Tensor<D>,
    ) -> Result<(), WeightsError> {
        let data = tensor.try_into_data().map_err(|e| WeightsError::Device {
            tensor: name.to_owned(),
            reason: e.to_string(),
        })?;
        self.out
            .write_all(data.convert::<f32>().as_bytes())
            .map_err(io(self.path, "write"))
    }
}

impl NamedVisitor for Writer<'_> {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, tensor: &Param<Tensor<D>>) {
        if self.result.is_ok() {
            self.result = self.tensor(name, tensor.val());
        }
    }
}

fn io(path: &Path, action: &'static str) -> impl Fn(std::io::Error) -> WeightsError + use<> {
    let path = path.to_owned();
    move |source| WeightsError::Io {
        path: path.clone(),
        action,
        source,
    }
}
