//! Writes the bytes of a weights file, one tensor at a time. Knows formats, not files: [`Writer`](crate::Writer) writes
//! them to disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo as Entry};

use crate::error::io;
use crate::pth;
use crate::pth::Archived;
use crate::{Error, Format, Precision, ckpt, mindcv};

/// The most that a zip archive without 64-bit fields can hold, with room for its headers.
const MAX_ARCHIVE: u64 = 0xf000_0000;

/// A weights file that is written to a stream.
#[derive(Debug)]
pub struct Encoder<W> {
    out: W,
    /// For messages.
    path: PathBuf,
    format: Format,
    precision: Precision,
    /// Names (the format's) and shapes of the tensors.
    tensors: Vec<(String, Vec<usize>)>,
    /// How many of them have been written.
    written: usize,
    at: u64,
    /// CRC-32 of everything so far, for a `.ckpt`.
    crc: crc32fast::Hasher,
    /// Longest piece of a tensor in a `.ckpt`, in bytes.
    max_slice: u64,
    /// The members so far, for a `.pth`.
    archive: Vec<Archived>,
}

impl<W: Write> Encoder<W> {
    /// Starts a file of tensors with timm's names and these shapes, in this order; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the format cannot hold them; [`Error::Io`].
    pub fn new(
        out: W,
        path: impl AsRef<Path>,
        format: Format,
        precision: Precision,
        tensors: Vec<(String, Vec<usize>)>,
    ) -> Result<Self, Error> {
        let tensors = match format {
            Format::Ckpt => {
                let (names, shapes): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
                mindcv::from_timm(&names).into_iter().zip(shapes).collect()
            }
            Format::Safetensors | Format::Pth => tensors,
        };
        let mut encoder = Self {
            out,
            path: path.as_ref().to_owned(),
            format,
            precision,
            tensors,
            written: 0,
            at: 0,
            crc: crc32fast::Hasher::new(),
            max_slice: ckpt::MAX_SLICE,
            archive: Vec::new(),
        };
        match format {
            Format::Safetensors => encoder.safetensors_header()?,
            Format::Pth => {
                encoder.fits_an_archive()?;
                let pickle = pth::pickle_of(&encoder.tensors, precision);
                encoder.member("data.pkl", &pickle, None)?;
            }
            Format::Ckpt => {}
        }
        Ok(encoder)
    }

    /// Writes the next tensor, row-major.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if it does not match the announced tensor, or is too large for the precision;
    /// [`Error::Io`].
    pub fn tensor(&mut self, values: &[f32]) -> Result<(), Error> {
        let index = self.written;
        let Some((name, shape)) = self.tensors.get(index).cloned() else {
            return Err(self.unwritable("more tensors come than were announced".to_owned()));
        };
        if shape.iter().product::<usize>() != values.len() {
            let count = values.len();
            return Err(self.unwritable(format!("{name} of {shape:?} comes with {count} numbers")));
        }
        let bytes = self.precision.encode(values).map_err(|value| {
            let precision = self.precision;
            self.unwritable(format!(
                "{name} holds {value}, too large for {precision}; use float32"
            ))
        })?;
        self.written += 1;
        match self.format {
            Format::Safetensors => self.put(&bytes),
            Format::Ckpt => self.values(&name, &shape, &bytes),
            Format::Pth => self.member(&format!("data/{index}"), &bytes, Some(64)),
        }
    }

    /// Ends the file and returns its stream.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if tensors are missing; [`Error::Io`].
    pub fn finish(mut self) -> Result<W, Error> {
        if let Some((name, _)) = self.tensors.get(self.written) {
            return Err(self.unwritable(format!("{name} never came")));
        }
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
        Ok(self.out)
    }

    /// The values of a `.ckpt` that make one tensor.
    fn values(&mut self, name: &str, shape: &[usize], bytes: &[u8]) -> Result<(), Error> {
        let size = self.precision.size();
        let count = bytes.len() as u64 / size;
        let mut rest = bytes;
        for numbers in ckpt::slices(count as usize, size, self.max_slice) {
            let (slice, after) = rest.split_at(numbers * size as usize);
            rest = after;
            let header = ckpt::value_header(name, shape, self.precision, slice.len() as u64);
            self.put(&header)?;
            self.put(slice)?;
        }
        Ok(())
    }

    fn safetensors_header(&mut self) -> Result<(), Error> {
        let mut offset = 0;
        let size = self.precision.size() as usize;
        let dtype = match self.precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
            Precision::BF16 => Dtype::BF16,
        };
        let entries = self
            .tensors
            .iter()
            .map(|(name, shape)| {
                let from = offset;
                offset += shape.iter().product::<usize>() * size;
                let entry = Entry {
                    dtype,
                    shape: shape.clone(),
                    data_offsets: (from, offset),
                };
                (name.clone(), entry)
            })
            .collect();
        // Loaders of the Hugging Face family ask whose tensors these are: "pt" means torch's.
        let about = [("format".to_owned(), "pt".to_owned())].into();
        let header = Metadata::new(Some(about), entries);
        let header = header.map_err(|e| self.unwritable(e.to_string()))?;
        let json = serde_json::to_vec(&header);
        let mut json = json.map_err(|e| self.unwritable(e.to_string()))?;
        // Spaces align the tensors to eight bytes.
        json.resize(json.len().next_multiple_of(8), b' ');
        self.put(&(json.len() as u64).to_le_bytes())?;
        self.put(&json)
    }

    /// The limits of this writer's archives: 16-bit counts, 32-bit sizes.
    fn fits_an_archive(&self) -> Result<(), Error> {
        let numbers = |(_, shape): &(String, Vec<usize>)| shape.iter().product::<usize>() as u64;
        let bytes = self.tensors.iter().map(numbers).sum::<u64>() * self.precision.size();
        if bytes > MAX_ARCHIVE || self.tensors.len() > 0xfff0 {
            let limit = "more than 4 GiB or 65,000 tensors; write a .safetensors";
            return Err(self.unwritable(limit.to_owned()));
        }
        Ok(())
    }

    /// Writes a member of a `.pth`, its bytes aligned where asked.
    fn member(&mut self, name: &str, bytes: &[u8], alignment: Option<u64>) -> Result<(), Error> {
        let member = Archived::new(name, bytes, self.at, alignment);
        self.put(&member.header())?;
        self.archive.push(member);
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.format == Format::Ckpt {
            self.crc.update(bytes);
        }
        self.at += bytes.len() as u64;
        self.out.write_all(bytes).map_err(io(&self.path, "write"))
    }

    fn unwritable(&self, reason: String) -> Error {
        Error::Unwritable {
            path: self.path.clone(),
            format: self.format,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use super::*;
    use crate::{Reader, Selection};

    #[test]
    fn a_large_tensor_of_a_ckpt_is_cut_and_comes_back_whole() {
        let tensors = vec![
            ("a".to_owned(), vec![5, 2]),
            ("b".to_owned(), vec![]),
            ("c".to_owned(), vec![0]),
        ];
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        for precision in [Precision::F32, Precision::F16] {
            let mut file = Encoder::new(
                Vec::new(),
                "cut.ckpt",
                Format::Ckpt,
                precision,
                tensors.clone(),
            )
            .unwrap();
            file.max_slice = 4 * precision.size();
            for values in [&values[..], &[0.5], &[]] {
                file.tensor(values).unwrap();
            }
            let bytes = file.finish().unwrap();
            let tags = bytes.windows(3).filter(|three| three == b"\x0a\x01a");
            assert_eq!(tags.count(), 3, "slices of 4, 3 and 3");
            let mut file = Reader::new(Cursor::new(bytes), "cut.ckpt", Selection::Weights).unwrap();
            assert_eq!(file.shape("a"), Some(&[5, 2][..]));
            assert_eq!(file.read("a").unwrap(), values);
            assert_eq!(file.read("b").unwrap(), [0.5]);
            assert!(file.read("c").unwrap().is_empty());
        }
    }

    #[test]
    fn what_was_announced_must_come() {
        let begin = || {
            let tensors = vec![("a".to_owned(), vec![2])];
            Encoder::new(Vec::new(), "a.pth", Format::Pth, Precision::F32, tensors).unwrap()
        };
        let said = begin().finish().unwrap_err().to_string();
        assert!(said.contains("a never came"), "{said}");
        let said = begin().tensor(&[1.0]).unwrap_err().to_string();
        assert!(said.contains("a of [2] comes with 1"), "{said}");
        let mut file = begin();
        file.tensor(&[1.0, 2.0]).unwrap();
        let said = file.tensor(&[1.0]).unwrap_err().to_string();
        assert!(said.contains("more tensors"), "{said}");
    }
}
