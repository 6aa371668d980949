//! Named f32 tensors in a `.safetensors` file: the optimizer's part of a checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::path::Path;

use burn::tensor::{DType, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{CheckpointError, io_error};

pub(super) fn write(
    path: &Path,
    tensors: &BTreeMap<String, TensorData>,
) -> Result<(), CheckpointError> {
    let damaged = |cause: &dyn std::fmt::Display| CheckpointError::Damaged {
        path: path.to_owned(),
        reason: cause.to_string(),
    };
    let views = tensors
        .iter()
        .map(|(name, data)| {
            TensorView::new(Dtype::F32, data.shape().to_vec(), data.as_bytes())
                .map(|view| (name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| damaged(&cause))?;
    safetensors::serialize_to_file(views, None, path).map_err(|cause| match cause {
        SafeTensorError::IoError(cause) => io_error(path, "write")(cause),
        other => damaged(&other),
    })?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io_error(path, "sync"))
}

pub(super) fn read(path: &Path) -> Result<BTreeMap<String, TensorData>, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let bytes = fs::read(path).map_err(io_error(path, "read"))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|cause| damaged(cause.to_string()))?;
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(damaged(format!("{name} is {:?}, not F32", view.dtype())));
            }
            let data = TensorData::from_bytes_vec(view.data().to_vec(), view.shape(), DType::F32);
            Ok((name, data))
        })
        .collect()
}
