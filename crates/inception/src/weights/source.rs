//! Where the tensors of a weights file lie, whatever its format, and how to read one of them. Knows no
//! network; finding the tensors is the business of one module a format.
//!
//! Nothing here is allocated by a number in a file before that number has been checked against the
//! file's length.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};

use super::{Format, Selection, WeightsError, mindcv};
use super::{ckpt, pth, safetensors};

/// How numbers are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F16,
    BF16,
    F32,
    F64,
    /// Something that weights are not made of, by the file's name for it.
    Other(String),
}

impl Number {
    /// Bytes of one number; nothing for those that are never read.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::F16 | Self::BF16 => Some(2),
            Self::F32 => Some(4),
            Self::F64 => Some(8),
            Self::Other(_) => None,
        }
    }
}

/// A tensor in a file.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) number: Number,
    pub(super) shape: Vec<usize>,
    /// Offset and length of its bytes, in bytes of the file, in order.
    pub(super) pieces: Vec<(u64, u64)>,
    /// Distance of neighbours along each dimension, in numbers; nothing where row-major.
    pub(super) strides: Option<Vec<usize>>,
}

/// Why a format's module found no tensors.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Malformed(String),
    Length { expected: u64, found: u64 },
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // What a header promises and the file does not hold.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Malformed("it ends too early: truncated, fetch it again".to_owned());
        }
        Self::Io(error)
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Malformed(reason.to_owned())
    }
}

/// A weights file whose tensors have been found, under timm's names.
pub(super) struct Source<R> {
    path: PathBuf,
    format: Format,
    reader: R,
    tensors: Vec<(String, Stored)>,
}

impl Source<BufReader<File>> {
    pub(super) fn open(path: &Path, selection: Selection) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io {
            path: path.to_owned(),
            action: "open",
            source,
        };
        let file = File::open(path).map_err(io)?;
        Self::new(BufReader::new(file), path, selection)
    }
}

impl<R: Read + Seek> Source<R> {
    /// `path` is for messages.
    pub(super) fn new(
        mut reader: R,
        path: &Path,
        selection: Selection,
    ) -> Result<Self, WeightsError> {
        let (format, found) = index(&mut reader).map_err(|(format, fault)| match fault {
            Fault::Io(source) => WeightsError::Io {
                path: path.to_owned(),
                action: "read",
                source,
            },
            Fault::Malformed(reason) => WeightsError::Malformed {
                path: path.to_owned(),
                format,
                reason,
            },
            Fault::Length { expected, found } => WeightsError::Length {
                path: path.to_owned(),
                expected,
                found,
            },
        })?;
        let Some(chosen) = choose(found, selection) else {
            return Err(WeightsError::NoAverage {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            path: path.to_owned(),
            format,
            reader,
            tensors: mindcv::to_timm(chosen),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors in the file's order.
    pub(super) fn tensors(&self) -> &[(String, Stored)] {
        &self.tensors
    }

    /// The values of a tensor as f32, row-major.
    pub(super) fn read(&mut self, name: &str, stored: &Stored) -> Result<TensorData, WeightsError> {
        let dtype = match &stored.number {
            Number::F16 => DType::F16,
            Number::BF16 => DType::BF16,
            Number::F32 => DType::F32,
            Number::F64 => DType::F64,
            Number::Other(dtype) => {
                return Err(WeightsError::Dtype {
                    path: self.path.clone(),
                    tensor: name.to_owned(),
                    dtype: dtype.clone(),
                });
            }
        };
        let mut bytes = Vec::new();
        for &(offset, length) in &stored.pieces {
            self.reader
                .seek(SeekFrom::Start(offset))
                .and_then(|_| (&mut self.reader).take(length).read_to_end(&mut bytes))
                .map_err(|source| WeightsError::Io {
                    path: self.path.clone(),
                    action: "read",
                    source,
                })?;
        }
        let size = stored.number.size().unwrap_or(1) as usize;
        if let Some(strides) = &stored.strides {
            bytes = row_major(&bytes, &stored.shape, strides, size);
        }
        let shape = stored.shape.as_slice();
        let needed = shape.iter().try_fold(size, |n, dim| n.checked_mul(*dim));
        if needed != Some(bytes.len()) {
            return Err(WeightsError::Malformed {
                path: self.path.clone(),
                format: self.format,
                reason: format!("{name} ends too early"),
            });
        }
        Ok(TensorData::from_bytes_vec(bytes, shape, dtype).convert::<f32>())
    }
}

type Found = Vec<(String, Stored)>;

/// Tells the format by the first bytes and finds the tensors.
fn index<R: Read + Seek>(reader: &mut R) -> Result<(Format, Found), (Format, Fault)> {
    let mut first = Vec::new();
    let length = reader
        .seek(SeekFrom::End(0))
        .and_then(|length| reader.rewind().map(|()| length))
        .and_then(|length| reader.take(9).read_to_end(&mut first).map(|_| length))
        .map_err(|error| (Format::Safetensors, error.into()))?;
    let format = match first.as_slice() {
        [b'P', b'K', 3, 4, ..] => Format::Pth,
        [_, _, _, _, _, _, _, _, b'{'] => Format::Safetensors,
        [0x0a, ..] => Format::Ckpt,
        [0x80, 2, ..] => {
            let old = "torch's format of before 1.6; load and save it again with today's torch";
            return Err((Format::Pth, old.into()));
        }
        _ => Format::Safetensors, // whose module says what is wrong
    };
    let found = match format {
        Format::Pth => pth::index(reader, length),
        Format::Safetensors => safetensors::index(reader, length),
        Format::Ckpt => ckpt::index(reader, length),
    };
    found
        .map(|found| (format, found))
        .map_err(|fault| (format, fault))
}

/// The weights, or their moving average, of what a file holds, without the prefixes that say which
/// they are. Nothing where the file has no average.
fn choose(found: Found, selection: Selection) -> Option<Found> {
    // torch trainers keep the weights in a dictionary among others; MindCV marks averages.
    let groups: &[&str] = match selection {
        Selection::Weights => &["state_dict.", "model.", ""],
        Selection::Average => &["state_dict_ema.", "model_ema.", "ema."],
    };
    let is_there = |prefix: &&&str| found.iter().any(|(name, _)| name.starts_with(**prefix));
    let prefix = match groups.iter().find(is_there) {
        Some(prefix) => prefix,
        None if selection == Selection::Weights => "", // a file without tensors
        None => return None,
    };
    let chosen: Found = found
        .into_iter()
        .filter(|(name, _)| selection == Selection::Average || !name.starts_with("ema."))
        .filter_map(|(name, stored)| Some((name.strip_prefix(prefix)?.to_owned(), stored)))
        .collect();
    // torch's DistributedDataParallel.
    let wrapped = chosen.iter().all(|(name, _)| name.starts_with("module."));
    Some(if wrapped {
        let bare = |name: String| name.trim_start_matches("module.").to_owned();
        chosen.into_iter().map(|(n, s)| (bare(n), s)).collect()
    } else {
        chosen
    })
}

/// Bytes of a tensor of any strides, one number after the other.
fn row_major(bytes: &[u8], shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    let count = shape.iter().product();
    let mut out = Vec::with_capacity(count * size);
    for index in 0..count {
        let (mut rest, mut at) = (index, 0);
        for (extent, stride) in shape.iter().zip(strides).rev() {
            at += rest % extent * stride;
            rest /= extent;
        }
        out.extend_from_slice(bytes.get(at * size..(at + 1) * size).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_strides_become_row_major() {
        // A 2 x 3 matrix whose columns lie together.
        let bytes = [1, 4, 2, 5, 3, 6];
        assert_eq!(row_major(&bytes, &[2, 3], &[1, 2], 1), [1, 2, 3, 4, 5, 6]);
    }
}
