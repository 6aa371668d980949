//! Reads files of every format as untrusted bytes: good files, and files that try to do harm.
//!
//! The fixtures hold a few small tensors under timm's names: `plain.pth` a state dict, `trainer.pth` a
//! trainer's checkpoint (weights behind `state_dict`, wrapped as by DistributedDataParallel, and their
//! average, one higher, behind `state_dict_ema`), `small.ckpt` both as MindCV keeps them, with a
//! checksum. bn.weight is bfloat16, bn.bias float16, running_mean float64; of `classif`, weight is a
//! transposed view and bias a part of a longer storage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use imshard_weight_files::{Error, Reader, Selection};

mod conversions;
mod harm;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Shape and values of every tensor of a file.
pub(crate) fn tensors_of(path: &Path, selection: Selection) -> Tensors {
    read_all(&fs::read(path).unwrap(), selection).unwrap()
}

pub(crate) fn read_all(bytes: &[u8], selection: Selection) -> Result<Tensors, Error> {
    let mut file = Reader::new(Cursor::new(bytes), "file", selection)?;
    let owned = |(name, shape): (&str, &[usize])| (name.to_owned(), shape.to_vec());
    let shapes: Vec<(String, Vec<usize>)> = file.tensors().map(owned).collect();
    let read = |(name, shape): (String, Vec<usize>)| {
        let values = file.read(&name)?;
        Ok((name, (shape, values)))
    };
    shapes.into_iter().map(read).collect()
}

/// How many tensors are read from a file.
pub(crate) fn checked(bytes: &[u8]) -> Result<usize, String> {
    let tensors = read_all(bytes, Selection::Weights).map_err(|error| error.to_string())?;
    Ok(tensors.len())
}

/// A zip archive of these members.
pub(crate) fn archive_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut table) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((bytes.len() as u32).to_le_bytes().repeat(2));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        table.extend(b"PK\x01\x02\x14\0");
        table.extend(&common);
        table.extend([0; 10]);
        table.extend((file.len() as u32).to_le_bytes());
        table.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(*bytes);
    }
    let start = file.len() as u32;
    file.extend(&table);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((members.len() as u16).to_le_bytes().repeat(2));
    file.extend((table.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}
