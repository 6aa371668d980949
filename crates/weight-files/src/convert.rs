//! Whole files: converts one format to another, or only reads.

use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Encoder, Error, Format, Precision, Reader, Selection, Writer};

/// Writes the tensors of one weights file to another, one at a time. The new file's name decides format and names. Returns
/// the number of tensors.
///
/// # Errors
/// Any [`Error`] of reading or writing.
pub fn convert(
    from: impl AsRef<Path>,
    selection: Selection,
    to: impl AsRef<Path>,
    precision: Precision,
) -> Result<usize, Error> {
    let to = to.as_ref();
    let format = Format::of_name(to)?;
    let mut source = Reader::open(from, selection)?;
    let tensors = tensors_of(&source);
    let mut writer = Writer::create(to, format, precision, tensors.clone())?;
    for (name, _) in &tensors {
        writer.tensor(&source.read(name)?)?;
    }
    writer.finish()?;
    Ok(tensors.len())
}

/// Like [`convert`], from a reader into a stream; `to` is for messages.
///
/// # Errors
/// As [`convert`].
pub fn copy<R: Read + Seek, W: Write>(
    source: &mut Reader<R>,
    out: W,
    to: impl AsRef<Path>,
    format: Format,
    precision: Precision,
) -> Result<W, Error> {
    let tensors = tensors_of(source);
    let mut encoder = Encoder::new(out, to, format, precision, tensors.clone())?;
    for (name, _) in &tensors {
        encoder.tensor(&source.read(name)?)?;
    }
    encoder.finish()
}

fn tensors_of<R: Read + Seek>(source: &Reader<R>) -> Vec<(String, Vec<usize>)> {
    let owned = |(name, shape): (&str, &[usize])| (name.to_owned(), shape.to_vec());
    source.tensors().map(owned).collect()
}

/// Reads every tensor of a weights file of any format, keeps none, and returns how many there are.
///
/// # Errors
/// Any [`Error`] of reading.
pub fn check(path: impl AsRef<Path>) -> Result<usize, Error> {
    let mut source = Reader::open(path, Selection::Weights)?;
    let names: Vec<String> = source.tensors().map(|(name, _)| name.to_owned()).collect();
    for name in &names {
        source.read(name)?;
    }
    Ok(names.len())
}
