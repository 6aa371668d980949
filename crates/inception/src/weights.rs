//! Loads weights files into networks and writes them, tensor by tensor, under timm's names. Optimizer state is not
//! included: checkpoints hold it. The file formats are in `weight-files`.
//!
//! Files are read and written with the name visitor instead of burn-store: the names are needed anyway (an
//! optimizer's state is stored under them), burn-store would map a whole file into memory before checking it, and its
//! remapping rules would repeat as regular expressions what [`names`](crate::NamedVisitor) already says.

mod report;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use weight_files::{Format, Precision, Reader, Writer};

use crate::Network;
use crate::names::{NamedMapper, NamedVisitor, Role};
use report::compare;

pub use report::{Misshaped, Report};
pub use weight_files::{Error, Selection};

/// How much of a network a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every tensor, of the right shape, and no other.
    Exact,
    /// Like `Exact`, but a classifier with another number of classes keeps its initial values: for fine-tuning.
    AnyClassifier,
    /// Every tensor that fits by name and shape. The others keep their values, and the report names them.
    Partial,
}

/// Why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read or written, or is not a weights file.
    #[error(transparent)]
    File(#[from] Error),
    /// The file and the network differ by more than [`Completeness`] allows.
    #[error("{}: does not fit this network: {report}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        report: Box<Report>,
    },
    /// A tensor could not be read from the device.
    #[error("{tensor}: cannot read it from the device: {reason}")]
    Device {
        /// timm's name of the tensor.
        tensor: String,
        /// The cause.
        reason: String,
    },
}

/// Writes all weights and running statistics of `model` to `path` as F32, in timm's order, in the
/// format that the file's name says.
///
/// The file appears complete or not at all: it is written as `<path>.tmp`, synced and renamed. Its bytes depend only on
/// the weights.
///
/// # Errors
/// [`WeightsError::File`] and [`WeightsError::Device`].
pub fn save(model: &Network, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    let format = Format::of_name(&path)?;
    let tensors = model.tensors().into_iter();
    let tensors = tensors.map(|tensor| (tensor.name, tensor.shape)).collect();
    let mut save = Save {
        writer: Writer::create(path, format, Precision::F32, tensors)?,
        result: Ok(()),
    };
    model.visit_named(&mut save);
    save.result?;
    Ok(save.writer.finish()?)
}

struct Save {
    writer: Writer,
    /// The first failure: a visitor cannot return one.
    result: Result<(), WeightsError>,
}

impl Save {
    fn write<const D: usize>(&mut self, tensor: &Param<Tensor<D>>) -> Result<(), String> {
        let data = tensor.val().try_into_data().map_err(|e| e.to_string())?;
        let data = data.convert::<f32>();
        let values = data.as_slice::<f32>().map_err(|e| format!("{e:?}"))?;
        self.result = self.writer.tensor(values).map_err(WeightsError::from);
        Ok(())
    }
}

impl NamedVisitor for Save {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, tensor: &Param<Tensor<D>>) {
        if self.result.is_err() {
            return;
        }
        if let Err(reason) = self.write(tensor) {
            let tensor = name.to_owned();
            self.result = Err(WeightsError::Device { tensor, reason });
        }
    }
}

/// Replaces the weights and running statistics of `model` with those in the file at `path`. F32 values are loaded bit
/// for bit; F16, BF16 and F64 are converted. Parameters keep their device and gradient setting.
///
/// Everything is read and checked before the first tensor is replaced. No more memory is allocated than the network and
/// the file's own tables need.
///
/// # Errors
/// Any [`WeightsError`]; [`WeightsError::Mismatch`] for what `completeness` does not allow.
pub fn load(
    model: Network,
    path: impl AsRef<Path>,
    selection: Selection,
    completeness: Completeness,
) -> Result<(Network, Report), WeightsError> {
    let mut source = Reader::open(path, selection)?;
    let tensors = model.tensors();
    let report = compare(&tensors, &source);
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
    let mut loaded = HashMap::new();
    for tensor in tensors {
        if source.shape(&tensor.name) == Some(&tensor.shape) {
            let values = source.read(&tensor.name)?;
            loaded.insert(tensor.name, TensorData::new(values, tensor.shape));
        }
    }
    Ok((model.map_named(&mut Replace(loaded)), report))
}

/// Replaces tensors by loaded data.
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
