//! Weights in and out: `.safetensors` and `.pth` under timm's names, MindSpore's `.ckpt` under
//! MindCV's. Not checkpoints: no optimiser state.
//!
//! A file is read by what its first bytes say and written by what its name says. Each format has a
//! module that finds where the tensors lie; the rest does not know formats. Files written here load
//! unchanged in timm (`load_state_dict`, strict) and in MindCV (`load_checkpoint`).
//!
//! The `safetensors` crate and our own readers are driven with the name visitor instead of burn-store:
//! the names are needed anyway (an optimiser's state is kept by them), burn-store would map a whole
//! file into memory before it is checked, and its remapping rules would say in regular expressions
//! what [`names`](crate::NamedVisitor) says once. torch's `num_batches_tracked` counters are not
//! written (torch starts them at 0, and insists on them only for state dicts that carry its own version
//! metadata); when reading they are accepted and ignored.

mod ckpt;
mod error;
mod mindcv;
mod pth;
mod report;
mod safetensors;
mod source;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Seek};
use std::path::Path;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use crate::Network;
use crate::names::{NamedMapper, NamedVisitor, Role};
use error::io;
use report::{compare, is_counter};
use source::{Source, Stored};
use writer::Writer;

pub use error::WeightsError;
pub use report::{Misshaped, Report};

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
    /// By the file's name.
    ///
    /// # Errors
    /// [`WeightsError::UnknownFormat`].
    pub fn of_name(path: &Path) -> Result<Self, WeightsError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Ok(Self::Safetensors),
            Some("pth" | "pt") => Ok(Self::Pth),
            Some("ckpt") => Ok(Self::Ckpt),
            _ => Err(WeightsError::UnknownFormat {
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

/// How much of a network a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every tensor, of the right shape, and no other.
    Exact,
    /// As `Exact`, but a classifier of another number of classes keeps its initial values: for
    /// fine-tuning.
    AnyClassifier,
    /// Whatever fits by name and shape; the rest keeps its values and the report names it.
    Partial,
}

/// Which weights of a file that may hold two copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// The weights as they were trained.
    #[default]
    Weights,
    /// Their moving average: `ema.` in MindCV's files, `state_dict_ema` in timm's checkpoints.
    Average,
}

/// Writes all weights and running statistics of `model` to `path` as F32, in timm's order, in the
/// format that the name says.
///
/// The file appears whole or not at all (written beside it as `<path>.tmp`, synced, renamed) and
/// its bytes depend on the weights alone.
///
/// # Errors
/// [`WeightsError::UnknownFormat`], [`WeightsError::Io`] and [`WeightsError::Device`].
pub fn save(model: &Network, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    let path = path.as_ref();
    let tensors = model.tensors().into_iter();
    let tensors = tensors.map(|tensor| (tensor.name, tensor.shape)).collect();
    let mut save = Save {
        writer: Writer::create(path, Format::of_name(path)?, tensors)?,
        result: Ok(()),
    };
    model.visit_named(&mut save);
    save.result?;
    save.writer.finish()
}

struct Save {
    writer: Writer,
    /// The first failure: a visitor cannot return one.
    result: Result<(), WeightsError>,
}

impl NamedVisitor for Save {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, tensor: &Param<Tensor<D>>) {
        if self.result.is_err() {
            return;
        }
        let data = tensor.val().try_into_data();
        let data = data.map_err(|e| WeightsError::Device {
            tensor: name.to_owned(),
            reason: e.to_string(),
        });
        self.result = data.and_then(|data| self.writer.tensor(data.convert::<f32>().as_bytes()));
    }
}

/// Replaces the weights and running statistics of `model` by those in the file at `path`, bit for
/// bit where they are stored as F32 (F16, BF16 and F64 are converted). Parameters keep their device
/// and gradient setting.
///
/// Everything is read and checked before the first tensor is replaced, and never more is allocated
/// than the network and the file's own tables need.
///
/// # Errors
/// Any [`WeightsError`]; [`WeightsError::Mismatch`] for what `completeness` does not allow.
pub fn load(
    model: Network,
    path: impl AsRef<Path>,
    selection: Selection,
    completeness: Completeness,
) -> Result<(Network, Report), WeightsError> {
    let mut source = Source::open(path.as_ref(), selection)?;
    let tensors = model.tensors();
    let report = compare(&tensors, source.tensors());
    let classifier = model.architecture().classifier();
    let allowed = match completeness {
        Completeness::Exact => report.is_exact(),
        Completeness::AnyClassifier => report.concerns_only(classifier),
        Completeness::Partial => true,
    };
    if !allowed {
        return Err(WeightsError::Mismatch {
            path: source.path().to_owned(),
            report: Box::new(report),
        });
    }
    let stored: HashMap<String, Stored> = source.tensors().iter().cloned().collect();
    let mut loaded = HashMap::new();
    for tensor in tensors {
        if let Some(stored) = stored.get(&tensor.name)
            && stored.shape == tensor.shape
        {
            let data = source.read(&tensor.name, stored)?;
            loaded.insert(tensor.name, data);
        }
    }
    Ok((model.map_named(&mut Replace(loaded)), report))
}

/// Puts loaded data in the place of tensors.
struct Replace(HashMap<String, TensorData>);

impl NamedMapper for Replace {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let Some(data) = self.0.remove(name) else {
            return param;
        };
        let (id, device) = (param.id, param.lazy_device());
        param.transform_for_load(Tensor::from_data(data, &device), id)
    }
}

/// Writes the tensors of one weights file into another, as F32, names and format by the new file's
/// name; a tensor at a time. Returns how many there were.
///
/// # Errors
/// Any [`WeightsError`] of reading or writing.
pub fn convert(
    from: impl AsRef<Path>,
    selection: Selection,
    to: impl AsRef<Path>,
) -> Result<usize, WeightsError> {
    let to = to.as_ref();
    let format = Format::of_name(to)?;
    let mut source = Source::open(from.as_ref(), selection)?;
    let tensors: Vec<(String, Stored)> = source
        .tensors()
        .iter()
        .filter(|(name, _)| !is_counter(name))
        .cloned()
        .collect();
    let shapes = |(name, stored): &(String, Stored)| (name.clone(), stored.shape.clone());
    let mut writer = Writer::create(to, format, tensors.iter().map(shapes).collect())?;
    for (name, stored) in &tensors {
        let data = source.read(name, stored)?;
        writer.tensor(data.as_bytes())?;
    }
    writer.finish()?;
    Ok(tensors.len())
}

/// Reads every tensor of a weights file of whatever format, keeps none, and says how many there are.
/// For checking files, and for fuzzing the readers; `path` is for messages.
///
/// # Errors
/// Any [`WeightsError`] of reading.
pub fn check<R: Read + Seek>(reader: R, path: &Path) -> Result<usize, WeightsError> {
    let mut source = Source::new(reader, path, Selection::Weights)?;
    let tensors = source.tensors().to_vec();
    for (name, stored) in tensors.iter().filter(|(name, _)| !is_counter(name)) {
        source.read(name, stored)?;
    }
    Ok(tensors.len())
}
