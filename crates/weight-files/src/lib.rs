//! Weights files: Hugging Face's `.safetensors` and PyTorch's `.pth` under timm's names, MindSpore's `.ckpt` under
//! MindCV's. Reads and writes tensors by name. It knows no network and no tensor library.
//!
//! When a file is read, its first bytes decide its format; when it is written, its name does. Each format has a module
//! that finds the tensors and writes the bytes around them; the rest is the same for all formats. Files written here
//! load unchanged in timm (`load_state_dict`, strict) and in MindCV (`load_checkpoint`). torch's `num_batches_tracked`
//! counters are ignored and never written: torch starts them at 0, and requires them only in state dicts that carry its
//! own version metadata.
//!
//! No code in a file is run (a `.pth` holds a pickle, which is a program), and a number in a file allocates memory
//! only after it has been checked against the file's length.
//!
//! ```
//! use std::io::Cursor;
//! use imshard_weight_files::{Encoder, Format, Precision, Reader, Selection};
//!
//! # fn main() -> Result<(), imshard_weight_files::Error> {
//! let tensors = vec![("last_linear.bias".to_owned(), vec![2])];
//! let mut file = Encoder::new(Vec::new(), "demo.pth", Format::Pth, Precision::F32, tensors)?;
//! file.tensor(&[0.5, 1.5])?;
//! let bytes = file.finish()?;
//! let mut file = Reader::new(Cursor::new(bytes), "demo.pth", Selection::Weights)?;
//! assert_eq!(file.read("last_linear.bias")?, [0.5, 1.5]);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod ckpt;
mod convert;
mod error;
mod file;
mod mindcv;
mod number;
mod pth;
mod reader;
mod safetensors;
mod writer;

use std::fmt;
use std::path::Path;

pub use convert::{check, convert, copy};
pub use error::Error;
pub use file::Writer;
pub use number::{Precision, UnknownPrecision};
pub use reader::Reader;
pub use writer::Encoder;

/// The formats of weights files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face's, with timm's names.
    Safetensors,
    /// PyTorch's (the zip of 1.6 and later), with timm's names.
    Pth,
    /// MindSpore's, with MindCV's names.
    Ckpt,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Safetensors, Self::Pth, Self::Ckpt];

    /// The format given by the file's name.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`].
    pub fn of_name(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Ok(Self::Safetensors),
            Some("pth" | "pt") => Ok(Self::Pth),
            Some("ckpt") => Ok(Self::Ckpt),
            _ => Err(Error::UnknownFormat {
                path: path.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::Pth => "pth",
            Self::Ckpt => "ckpt",
        })
    }
}

/// Which weights to take from a file that may hold two copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// The weights as they were trained.
    #[default]
    Weights,
    /// Their moving average: `ema.` in MindCV's files, `state_dict_ema` in timm's checkpoints.
    Average,
}

/// Whether a tensor is torch's count of the batches that a BatchNorm has seen. Nothing uses it.
#[must_use]
pub fn is_counter(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}
