//! Finds the tensors of a weights file, whatever its format, and reads them one by one. Each format has a module that
//! finds them.
//!
//! A number in a file allocates memory only after it has been checked against the file's length.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::io;
use crate::number::Number;
use crate::{Error, Format, Selection, ckpt, is_counter, mindcv, pth, safetensors};

/// A hundred times as many tensors as any network has. There must be a limit: a hostile file can name a tensor in a few
/// bytes, and each takes more memory than that.
pub(crate) const MAX_TENSORS: usize = 1 << 16;

/// A tensor in a file.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) number: Number,
    pub(crate) shape: Vec<usize>,
    /// Offset and length of its bytes, in bytes of the file, in order.
    pub(crate) pieces: Vec<(u64, u64)>,
    /// Distance of neighbours along each dimension, in numbers; `None` if row-major.
    pub(crate) strides: Option<Vec<usize>>,
}

/// Why a format's module found no tensors.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    Malformed(String),
    Length { expected: u64, found: u64 },
}

impl Fault {
    /// The error for a file that seemed to have this format.
    fn of(self, path: &Path, format: Format) -> Error {
        let path = path.to_owned();
        match self {
            Self::Io(source) => Error::Io {
                path,
                action: "read",
                source,
            },
            Self::Malformed(reason) => Error::Malformed {
                path,
                format,
                reason,
            },
            Self::Length { expected, found } => Error::Length {
                path,
                expected,
                found,
            },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // The error for a header that promises more than the file holds.
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
#[derive(Debug)]
pub struct Reader<R> {
    path: PathBuf,
    format: Format,
    reader: R,
    /// In the file's order.
    tensors: Vec<(String, Stored)>,
    /// Where in the list each name is.
    places: HashMap<String, usize>,
}

impl Reader<BufReader<File>> {
    /// Opens a file and finds its tensors. Its first bytes tell its format.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Malformed`], [`Error::Length`]; [`Error::NoAverage`].
    pub fn open(path: impl AsRef<Path>, selection: Selection) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(io(path, "open"))?;
        Self::new(BufReader::new(file), path, selection)
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Finds the tensors in any source; `path` is for messages.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn new(mut reader: R, path: impl AsRef<Path>, selection: Selection) -> Result<Self, Error> {
        let path = path.as_ref();
        let (format, found) = index(&mut reader);
        let found = found.map_err(|fault| fault.of(path, format))?;
        let Some(chosen) = choose(found, selection) else {
            return Err(Error::NoAverage {
                path: path.to_owned(),
            });
        };
        let mut tensors = mindcv::to_timm(chosen);
        tensors.retain(|(name, _)| !is_counter(name));
        let mut places = HashMap::with_capacity(tensors.len());
        for (place, (name, _)) in tensors.iter().enumerate() {
            if places.insert(name.clone(), place).is_some() {
                let twice = format!("two of its tensors are called {name}");
                return Err(Fault::Malformed(twice).of(path, format));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            format,
            reader,
            tensors,
            places,
        })
    }

    /// The path of this file, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Names (timm's) and shapes of its tensors, in the file's order; torch's counters are left out.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (&str, &[usize])> {
        self.tensors
            .iter()
            .map(|(name, stored)| (name.as_str(), stored.shape.as_slice()))
    }

    /// The shape of a tensor, if there is one of this name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        let (_, stored) = &self.tensors[*self.places.get(name)?];
        Some(&stored.shape)
    }

    /// The values of a tensor as f32, row-major: bit for bit if they are stored as f32.
    ///
    /// # Errors
    /// [`Error::NoTensor`], [`Error::Dtype`] and [`Error::Io`].
    pub fn read(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        let Some(&place) = self.places.get(name) else {
            return Err(Error::NoTensor {
                path: self.path.clone(),
                tensor: name.to_owned(),
            });
        };
        let (_, stored) = &self.tensors[place];
        let size = match &stored.number {
            Number::Other(dtype) => {
                return Err(Error::Dtype {
                    path: self.path.clone(),
                    tensor: name.to_owned(),
                    dtype: dtype.clone(),
                });
            }
            number => number.size().unwrap_or(1) as usize,
        };
        let mut bytes = Vec::new();
        for &(offset, length) in &stored.pieces {
            self.reader
                .seek(SeekFrom::Start(offset))
                .and_then(|_| (&mut self.reader).take(length).read_to_end(&mut bytes))
                .map_err(io(&self.path, "read"))?;
        }
        if let Some(strides) = &stored.strides {
            bytes = row_major(&bytes, &stored.shape, strides, size);
        }
        let mut shape = stored.shape.iter();
        let needed = shape.try_fold(size, |n, dim| n.checked_mul(*dim));
        match stored.number.decode(&bytes) {
            Some(values) if needed == Some(bytes.len()) => Ok(values),
            _ => {
                Err(Fault::Malformed(format!("{name} ends too early")).of(&self.path, self.format))
            }
        }
    }
}

type Found = Vec<(String, Stored)>;

/// Detects the format by the first bytes and finds the tensors.
fn index<R: Read + Seek>(reader: &mut R) -> (Format, Result<Found, Fault>) {
    let mut first = Vec::new();
    let length = reader
        .seek(SeekFrom::End(0))
        .and_then(|length| reader.rewind().map(|()| length))
        .and_then(|length| reader.take(9).read_to_end(&mut first).map(|_| length));
    let length = match length {
        Ok(length) => length,
        Err(error) => return (Format::Safetensors, Err(error.into())),
    };
    match first.as_slice() {
        [b'P', b'K', 3, 4, ..] => (Format::Pth, pth::index(reader, length)),
        [0x80, 2, ..] => {
            let old = "torch's format of before 1.6; load and save it again with today's torch";
            (Format::Pth, Err(old.into()))
        }
        [_, _, _, _, _, _, _, _, b'{'] => (Format::Safetensors, safetensors::index(reader, length)),
        [0x0a, ..] => (Format::Ckpt, ckpt::index(reader, length)),
        // Its module says what is wrong.
        _ => (Format::Safetensors, safetensors::index(reader, length)),
    }
}

/// The weights in a file, or their moving average, without the prefixes that distinguish them. `None` if there is no
/// average.
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
