//! Weights in and out: `.safetensors` under timm's names. Not checkpoints: no optimiser state.
//!
//! This drives the `safetensors` crate with the name visitor instead of burn-store: the names are
//! needed anyway (an optimiser's state is kept by them), burn-store would map a whole file into
//! memory before it is checked, and its remapping rules would say in regular expressions what
//! [`names`](crate::NamedVisitor) says once.
//!
//! A file written here loads in timm unchanged (`load_state_dict`, strict). torch's
//! `num_batches_tracked` counters are not written: torch only insists on them for state dicts that
//! carry its own version metadata, which a `.safetensors` file does not, and starts them at 0.
//! When reading they are accepted and ignored.

mod file;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use crate::names::{NamedMapper, Role};
use crate::{Network, TensorInfo};
use file::Reader;

/// How much of a network a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every tensor, of the right shape, and no other.
    Exact,
    /// Whatever fits by name and shape; the rest keeps its values and the report names it. For
    /// fine-tuning with another number of classes, say.
    Partial,
}

/// What did not fit between a file and a network. Names are timm's, in the network's order
/// (`unused`: sorted).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the network, not in the file.
    pub missing: Vec<String>,
    /// In the file, not in the network.
    pub unused: Vec<String>,
    /// In both, with different shapes.
    pub misshaped: Vec<Misshaped>,
}

/// A tensor whose shapes in file and network differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// timm's name.
    pub name: String,
    /// Its shape in the file.
    pub file: Vec<usize>,
    /// Its shape in the network.
    pub network: Vec<usize>,
}

impl Report {
    /// Whether file and network held the same names and shapes.
    pub fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<String> = self
            .misshaped
            .iter()
            .map(|m| {
                format!(
                    "{} ({:?} in the file, {:?} here)",
                    m.name, m.file, m.network
                )
            })
            .collect();
        let parts = [
            ("missing", &self.missing),
            ("unused", &self.unused),
            ("of another shape", &shapes),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| {
                let more = if names.len() > 3 { ", ..." } else { "" };
                let first = &names[..names.len().min(3)];
                format!("{} {what}: {}{more}", names.len(), first.join(", "))
            })
            .collect();
        f.write_str(if said.is_empty() {
            "every tensor fits"
        } else {
            ""
        })?;
        f.write_str(&said.join("; "))
    }
}

/// Why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// Not a `.safetensors` file, or a damaged one.
    #[error("{}: not a valid .safetensors file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file's length is not what its header promises.
    #[error("{}: {found} bytes long where its header promises {expected}: truncated or damaged, fetch it again", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Length by the header, in bytes.
        expected: u64,
        /// Length on disk, in bytes.
        found: u64,
    },
    /// Numbers of a kind that weights are not made of.
    #[error("{}: {tensor} is stored as {dtype}; weights must be F32, F16, BF16 or F64", path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// timm's name of the tensor.
        tensor: String,
        /// Its type in the file.
        dtype: String,
    },
    /// File and network do not hold the same tensors, and [`Completeness::Exact`] was asked for.
    #[error("{}: does not fit this network: {report}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        report: Box<Report>,
    },
    /// The device could not hand out a tensor.
    #[error("{tensor}: cannot read it from the device: {reason}")]
    Device {
        /// timm's name of the tensor.
        tensor: String,
        /// The cause.
        reason: String,
    },
}

/// Writes all weights and running statistics of `model` to `path` as F32, in timm's order.
///
/// The file appears whole or not at all (written beside it as `<path>.tmp`, synced, renamed) and
/// its bytes depend on the weights alone.
///
/// # Errors
/// [`WeightsError::Io`] and [`WeightsError::Device`].
pub fn save(model: &Network, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    file::write(model, path.as_ref())
}

/// Replaces the weights and running statistics of `model` by those in the file at `path`, bit for
/// bit where they are stored as F32 (F16, BF16 and F64 are converted). Parameters keep their device
/// and gradient setting.
///
/// Everything is read and checked before the first tensor is replaced, and never more is allocated
/// than the network and the file's own header need.
///
/// # Errors
/// Any [`WeightsError`]; [`WeightsError::Mismatch`] unless `completeness` is
/// [`Completeness::Partial`].
pub fn load(
    model: Network,
    path: impl AsRef<Path>,
    completeness: Completeness,
) -> Result<(Network, Report), WeightsError> {
    let path = path.as_ref();
    let mut reader = Reader::open(path)?;
    let tensors = model.tensors();
    let report = compare(&tensors, &reader);
    if completeness == Completeness::Exact && !report.is_exact() {
        return Err(WeightsError::Mismatch {
            path: path.to_owned(),
            report: Box::new(report),
        });
    }
    let mut loaded = HashMap::new();
    for tensor in tensors {
        if reader.shape(&tensor.name) == Some(tensor.shape.as_slice()) {
            let data = reader.read(&tensor.name)?;
            loaded.insert(tensor.name, data);
        }
    }
    Ok((model.map_named(&mut Replace(loaded)), report))
}

fn compare(tensors: &[TensorInfo], reader: &Reader) -> Report {
    let mut report = Report::default();
    for tensor in tensors {
        match reader.shape(&tensor.name) {
            None => report.missing.push(tensor.name.clone()),
            Some(shape) if shape != tensor.shape => report.misshaped.push(Misshaped {
                name: tensor.name.clone(),
                file: shape.to_vec(),
                network: tensor.shape.clone(),
            }),
            Some(_) => {}
        }
    }
    let known: std::collections::HashSet<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    report.unused = reader
        .names()
        .filter(|name| !known.contains(name.as_str()) && !name.ends_with(".num_batches_tracked"))
        .collect();
    report.unused.sort_unstable();
    report
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
