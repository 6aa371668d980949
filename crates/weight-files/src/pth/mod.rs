//! PyTorch's `.pth`: finds its tensors. It is a zip archive: a pickle names the tensors, and each storage of bytes is a
//! member.
//!
//! A pickle is a program. It is read here, not run: [`pickle`] knows the dozen instructions and the
//! five names that a state dict needs, and refuses everything else. Source: PyTorch's
//! `torch/serialization.py` (the zip format of 1.6 and later) and CPython's `pickletools`.

mod pickle;
mod write;
mod zip;

use std::collections::HashSet;
use std::io::{Read, Seek};

pub(crate) use write::{Archived, pickle_of, table_of};

use crate::number::Number;
use crate::reader::{Fault, MAX_TENSORS, Stored};
use pickle::{MAX_NAME, Pickle, Tensor, Value};

/// Nested dictionaries are followed to this depth.
const DEPTH: usize = 4;

/// Tensors may share bytes, but together they may be at most this many times as long as the file. This limits how much a
/// small file can make its reader read.
const SHARED: u64 = 8;

/// Finds the tensors of a file of `length` bytes; those in a nested dictionary are
/// named `outer.inner`.
pub(crate) fn index<R: Read + Seek>(
    reader: &mut R,
    length: u64,
) -> Result<Vec<(String, Stored)>, Fault> {
    let archive = zip::Archive::read(reader, length)?;
    let (folder, program) = archive
        .members()
        .find_map(|name| Some((name.strip_suffix("data.pkl")?, name)))
        .ok_or("no data.pkl in it: not a file of torch.save")?;
    if let Some(order) = archive.find(&format!("{folder}byteorder"))
        && archive.bytes(reader, order)? != b"little"
    {
        return Err("its numbers are big-endian, which is not read".into());
    }
    let program = archive.find(program).ok_or("data.pkl is missing")?;
    let pickle = Pickle::read(&archive.bytes(reader, program)?)?;
    let mut tensors = Tensors {
        pickle: &pickle,
        seen: HashSet::new(),
        found: Vec::new(),
    };
    tensors.collect(pickle.root(), "", DEPTH)?;
    let mut bytes = 0;
    let place_of = |(name, tensor): (String, &Tensor)| {
        let member = archive
            .find(&format!("{folder}data/{}", tensor.storage.key))
            .ok_or_else(|| format!("{name}: its storage is not in the file"))?;
        let stored = place(tensor, archive.place(reader, member)?)?;
        bytes += stored.pieces.iter().map(|piece| piece.1).sum::<u64>();
        if bytes > SHARED * length {
            let said = "its tensors lie in the same bytes over and over, as no state dict's do";
            return Err(Fault::from(said));
        }
        Ok((name, stored))
    };
    tensors.found.into_iter().map(place_of).collect()
}

/// The tensors in a pickle's dictionaries.
struct Tensors<'a> {
    pickle: &'a Pickle,
    /// Dictionaries that have been visited: each is visited once, however often it is referred to.
    seen: HashSet<usize>,
    found: Vec<(String, &'a Tensor)>,
}

impl Tensors<'_> {
    fn collect(&mut self, value: usize, prefix: &str, depth: usize) -> Result<(), Fault> {
        let Value::Dict(entries) = self.pickle.value(value) else {
            return Ok(());
        };
        if depth == 0 || !self.seen.insert(value) {
            return Err("dictionaries that hold one another".into());
        }
        for &(key, value) in entries {
            let Value::Text(key) = self.pickle.value(key) else {
                continue;
            };
            if key.len() > MAX_NAME {
                return Err("a name of more than 256 bytes".into());
            }
            if self.found.len() >= MAX_TENSORS {
                return Err("more tensors than any network has".into());
            }
            match self.pickle.value(value) {
                Value::Tensor(tensor) => self.found.push((format!("{prefix}{key}"), tensor)),
                Value::Dict(_) => self.collect(value, &format!("{prefix}{key}."), depth - 1)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where a tensor is in its storage, which is `(offset, length)` in the file.
fn place(tensor: &Tensor, (offset, length): (u64, u64)) -> Result<Stored, Fault> {
    let number = match tensor.storage.kind.as_str() {
        "HalfStorage" => Number::F16,
        "BFloat16Storage" => Number::BF16,
        "FloatStorage" => Number::F32,
        "DoubleStorage" => Number::F64,
        other => Number::Other(other.to_owned()),
    };
    let (shape, strides) = (tensor.shape.clone(), tensor.strides.clone());
    let mut stored = Stored {
        number,
        shape,
        pieces: Vec::new(),
        strides: None,
    };
    let Some(size) = stored.number.size() else {
        return Ok(stored); // never read
    };
    let past = || "a tensor reaches past the end of its storage";
    // Of any strides: the numbers from the first to the last, at least as many as the shape has.
    let (mut count, mut last) = (1_u64, 0_u64);
    let mut row_major = true;
    for (&extent, &stride) in stored.shape.iter().zip(&strides).rev() {
        row_major &= extent == 1 || stride as u64 == count;
        count = count.checked_mul(extent as u64).ok_or_else(past)?;
        let steps = (extent as u64).saturating_sub(1);
        let along = steps.checked_mul(stride as u64).ok_or_else(past)?;
        last = last.checked_add(along).ok_or_else(past)?;
    }
    let span = if count == 0 {
        0
    } else {
        last.saturating_add(1)
    };
    let held = length / size;
    let end = tensor
        .offset
        .checked_add(span.max(count))
        .ok_or_else(past)?;
    if end > held {
        return Err(past().into());
    }
    stored.pieces = vec![(offset + tensor.offset * size, span * size)];
    stored.strides = (!row_major && count > 0).then_some(strides);
    Ok(stored)
}
