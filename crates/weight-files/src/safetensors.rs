//! Where the tensors of a `.safetensors` file are.
//!
//! The format: the header's length (u64, little-endian), a JSON header (name to dtype, shape,
//! offsets), and the tensors' bytes, little-endian and row-major, without gaps.

use std::io::Read;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::number::Number;
use crate::reader::{Fault, Stored};

/// Longest header that is read. The networks' own are below 100 kB; the format's limit is 100 MB.
const MAX_HEADER: u64 = 16 << 20;

const LENGTH: u64 = size_of::<u64>() as u64;

/// Reads the header of a file of `found` bytes.
pub(crate) fn index<R: Read + std::io::Seek>(
    reader: &mut R,
    found: u64,
) -> Result<Vec<(String, Stored)>, Fault> {
    if found < LENGTH {
        return Err(format!("{found} bytes long, too short for a header").into());
    }
    reader.rewind()?;
    let mut length = [0; LENGTH as usize];
    reader.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER || length > found - LENGTH {
        return Err(format!(
            "a header of {length} bytes is impossible: the file has {found}, and the limit is {MAX_HEADER}"
        )
        .into());
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header)?;
    // Checks that the tensors follow one another without gaps and that each has as many bytes as its
    // shape and type need.
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|e| format!("its header: {e}"))?;
    let start = LENGTH + length;
    let expected = start.saturating_add(header.data_len() as u64);
    if expected != found {
        return Err(Fault::Length { expected, found });
    }
    let stored = header.offset_keys().into_iter().filter_map(|name| {
        let entry = header.info(&name)?;
        let (from, to) = entry.data_offsets;
        let stored = Stored {
            number: number(entry.dtype),
            shape: entry.shape.clone(),
            pieces: vec![(start + from as u64, (to - from) as u64)],
            strides: None,
        };
        Some((name, stored))
    });
    Ok(stored.collect())
}

fn number(dtype: Dtype) -> Number {
    match dtype {
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::BF16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        other => Number::Other(format!("{other:?}")),
    }
}
