//! MindSpore's `.ckpt`: finds its tensors, and writes one.
//!
//! The format is a Protocol Buffers message without a magic number:
//!
//! ```text
//! Checkpoint  { repeated Value value = 1; }
//! Value       { string tag = 1; TensorProto tensor = 2; MapTensorProto maptensor = 3; }
//! TensorProto { repeated int64 dims = 1; string tensor_type = 2; bytes tensor_content = 3; }
//! ```
//!
//! A scalar has no dims, or the dims `[0]`. A tensor of more than 512 MiB is split into
//! consecutive values with the same tag, each with the dims of the whole. After the message there may be `crc_num` and the
//! CRC-32 of all bytes before it, as ten bytes, big-endian; if present, it is checked. Source: MindSpore's
//! `checkpoint.proto` and `train/serialization.py`.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::number::{Number, Precision};
use crate::reader::{Fault, MAX_TENSORS, Stored};

const TRAILER_TAG: &[u8] = b"crc_num";
const TRAILER: u64 = 17;

/// Keeps the dims of a hostile file from allocating more memory than the file is long.
const MAX_DIMENSIONS: usize = 8;
const DELIMITED: u64 = 2;

/// Finds the tensors of a file of `length` bytes, and checks its checksum if it has one.
pub(crate) fn index<R: Read + Seek>(
    reader: &mut R,
    length: u64,
) -> Result<Vec<(String, Stored)>, Fault> {
    let end = end_of_message(reader, length)?;
    reader.rewind()?;
    let mut walk = Walk {
        reader: BufReader::new(reader),
        at: 0,
    };
    let mut tensors: Vec<(String, Stored)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    while walk.at < end {
        let value_end = match walk.field(end)? {
            (1, Content::Bytes(value_end)) => value_end,
            (field, _) => return Err(format!("field {field} where a tensor should begin").into()),
        };
        let Some((tag, slice)) = walk.value(value_end)? else {
            continue;
        };
        match places.get(&tag) {
            None if tensors.len() >= MAX_TENSORS => {
                return Err("more tensors than any network has".into());
            }
            None => {
                places.insert(tag.clone(), tensors.len());
                tensors.push((tag, slice));
            }
            Some(&place) => {
                let whole = &mut tensors[place].1;
                if whole.shape != slice.shape || whole.number != slice.number {
                    return Err(format!("{tag} is there twice, with different shapes").into());
                }
                whole.pieces.extend(slice.pieces);
            }
        }
    }
    for (tag, stored) in &mut tensors {
        complete(tag, stored)?;
    }
    Ok(tensors)
}

/// Checks that a tensor has as many bytes as its shape needs; `[0]` with one number is a scalar.
fn complete(tag: &str, stored: &mut Stored) -> Result<(), Fault> {
    let Some(size) = stored.number.size() else {
        return Ok(());
    };
    let bytes: u64 = stored.pieces.iter().map(|piece| piece.1).sum();
    if stored.shape == [0] && bytes == size {
        stored.shape.clear();
    }
    let needed = stored
        .shape
        .iter()
        .try_fold(size, |product, &dim| product.checked_mul(dim as u64));
    if needed != Some(bytes) {
        let shape = &stored.shape;
        return Err(
            format!("{tag} has {bytes} bytes, which is not what {shape:?} numbers need").into(),
        );
    }
    Ok(())
}

/// Where the message ends: before the checksum, which is compared, or at the end of the file.
fn end_of_message<R: Read + Seek>(reader: &mut R, length: u64) -> Result<u64, Fault> {
    let Some(end) = length.checked_sub(TRAILER) else {
        return Ok(length);
    };
    let mut trailer = [0; TRAILER as usize];
    reader.seek(SeekFrom::Start(end))?;
    reader.read_exact(&mut trailer)?;
    let (tag, written) = trailer.split_at(TRAILER_TAG.len());
    if tag != TRAILER_TAG {
        return Ok(length);
    }
    let written = written
        .iter()
        .fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    reader.rewind()?;
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut rest = end;
    while rest > 0 {
        let part = buffer
            .len()
            .min(usize::try_from(rest).unwrap_or(usize::MAX));
        reader.read_exact(&mut buffer[..part])?;
        crc.update(&buffer[..part]);
        rest -= part as u64;
    }
    let found = crc.finalize();
    if written != u128::from(found) {
        return Err(format!(
            "its checksum is {written:08x} and its bytes have {found:08x}: damaged, download it again"
        )
        .into());
    }
    Ok(end)
}

enum Content {
    Number(u64),
    /// Where the bytes that begin here end.
    Bytes(u64),
}

/// A place in the message.
struct Walk<R: Read + Seek> {
    reader: BufReader<R>,
    at: u64,
}

impl<R: Read + Seek> Walk<R> {
    /// The tag and the slice of one `Value` that ends at `end`; `None` if it is not a tensor.
    fn value(&mut self, end: u64) -> Result<Option<(String, Stored)>, Fault> {
        let (mut tag, mut tensor) = (None, None);
        while self.at < end {
            match self.field(end)? {
                (1, Content::Bytes(text_end)) => tag = Some(self.text(text_end)?),
                (2, Content::Bytes(tensor_end)) => tensor = Some(self.tensor(tensor_end)?),
                (_, Content::Bytes(other_end)) => self.skip_to(other_end)?,
                (_, Content::Number(_)) => {}
            }
        }
        match (tag, tensor) {
            (Some(tag), Some(tensor)) => Ok(Some((tag, tensor))),
            (Some(_), None) => Ok(None), // a map tensor: an embedding's, never a network's weight
            (None, _) => Err("a tensor without a name".into()),
        }
    }

    fn tensor(&mut self, end: u64) -> Result<Stored, Fault> {
        let (mut shape, mut number, mut pieces) = (Vec::new(), None, Vec::new());
        while self.at < end {
            if shape.len() > MAX_DIMENSIONS {
                return Err("a tensor of more dimensions than any network's".into());
            }
            match self.field(end)? {
                (1, Content::Number(dim)) => shape.push(dimension(dim)?),
                (1, Content::Bytes(packed_end)) => {
                    while self.at < packed_end && shape.len() <= MAX_DIMENSIONS {
                        shape.push(dimension(self.varint(packed_end)?)?);
                    }
                }
                (2, Content::Bytes(text_end)) => number = Some(self.text(text_end)?),
                (3, Content::Bytes(content_end)) => {
                    pieces.push((self.at, content_end - self.at));
                    self.skip_to(content_end)?;
                }
                (_, Content::Bytes(other_end)) => self.skip_to(other_end)?,
                (_, Content::Number(_)) => {}
            }
        }
        let number = match number.as_deref() {
            Some("Float16") => Number::F16,
            Some("BFloat16") => Number::BF16,
            Some("Float32") => Number::F32,
            Some("Float64") => Number::F64,
            Some(other) => Number::Other(other.to_owned()),
            None => return Err("a tensor without a type".into()),
        };
        Ok(Stored {
            number,
            shape,
            pieces,
            strides: None,
        })
    }

    /// The number of the next field and its content, which lies before `end`.
    fn field(&mut self, end: u64) -> Result<(u64, Content), Fault> {
        let key = self.varint(end)?;
        let content = match key & 7 {
            0 => Content::Number(self.varint(end)?),
            DELIMITED => {
                let length = self.varint(end)?;
                let content_end = self.at.checked_add(length).filter(|at| *at <= end);
                let too_long = || format!("{length} bytes at {} reach past their end", self.at);
                Content::Bytes(content_end.ok_or_else(too_long)?)
            }
            other => return Err(format!("wire type {other} at byte {}", self.at).into()),
        };
        Ok((key >> 3, content))
    }

    fn varint(&mut self, end: u64) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            if self.at >= end {
                return Err("a number reaches past its end".into());
            }
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(format!("a number of more than ten bytes at {}", self.at).into())
    }

    fn text(&mut self, end: u64) -> Result<String, Fault> {
        let length = end - self.at;
        let mut bytes = Vec::new();
        (&mut self.reader).take(length).read_to_end(&mut bytes)?;
        self.at = end;
        String::from_utf8(bytes).map_err(|_| "a name that is not UTF-8".into())
    }

    fn skip_to(&mut self, end: u64) -> Result<(), Fault> {
        self.reader.seek_relative((end - self.at).cast_signed())?;
        self.at = end;
        Ok(())
    }
}

fn dimension(value: u64) -> Result<usize, Fault> {
    usize::try_from(value)
        .ok()
        .filter(|dim| isize::try_from(*dim).is_ok())
        .ok_or_else(|| format!("a dimension of {value}").into())
}

/// A tensor of more bytes than this is split.
pub(crate) const MAX_SLICE: u64 = 512 << 20;

/// How many of `count` numbers of `size` bytes go into each value of a tensor, none of which is longer
/// than `limit` bytes: as evenly as possible, the longer ones first. MindSpore itself splits every `limit`
/// bytes, and joins neighbouring values of one tag of any length (`train/serialization.py`, 2.10.0).
pub(crate) fn slices(count: usize, size: u64, limit: u64) -> impl Iterator<Item = usize> {
    let bytes = count as u64 * size;
    let parts = bytes.div_ceil(limit.max(size)).max(1) as usize;
    let (each, longer) = (count / parts, count % parts);
    (0..parts).map(move |part| each + usize::from(part < longer))
}

/// The bytes of a `Value` before its numbers, which take `content` bytes.
pub(crate) fn value_header(
    tag: &str,
    shape: &[usize],
    precision: Precision,
    content: u64,
) -> Vec<u8> {
    let mut tensor = Vec::new();
    for &dim in shape {
        put_varint(&mut tensor, 1 << 3);
        put_varint(&mut tensor, dim as u64);
    }
    let kind = match precision {
        Precision::F32 => "Float32",
        Precision::F16 => "Float16",
        Precision::BF16 => "BFloat16",
    };
    put_text(&mut tensor, 2, kind);
    put_varint(&mut tensor, 3 << 3 | DELIMITED);
    put_varint(&mut tensor, content);

    let mut value = Vec::new();
    put_text(&mut value, 1, tag);
    put_varint(&mut value, 2 << 3 | DELIMITED);
    put_varint(&mut value, tensor.len() as u64 + content);
    value.extend(tensor);

    let mut whole = Vec::new();
    put_varint(&mut whole, 1 << 3 | DELIMITED);
    put_varint(&mut whole, value.len() as u64 + content);
    whole.extend(value);
    whole
}

/// The end of a file whose bytes so far have this CRC-32.
pub(crate) fn trailer(crc: u32) -> Vec<u8> {
    let mut bytes = TRAILER_TAG.to_vec();
    bytes.extend([0; 6]);
    bytes.extend(crc.to_be_bytes());
    bytes
}

fn put_text(out: &mut Vec<u8>, field: u64, text: &str) {
    put_varint(out, field << 3 | DELIMITED);
    put_varint(out, text.len() as u64);
    out.extend(text.as_bytes());
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_as_even_as_can_be() {
        let slices = |count, limit| slices(count, 4, limit).collect::<Vec<_>>();
        assert_eq!(slices(10, 16), [4, 3, 3]);
        assert_eq!(slices(8, 16), [4, 4]);
        assert_eq!(slices(4, 16), [4]);
        assert_eq!(slices(5, 16), [3, 2]);
        assert_eq!(slices(0, 16), [0]);
        assert_eq!(slices(3, 1), [1, 1, 1]);
        assert_eq!(slices(150_000_000, MAX_SLICE), [75_000_000; 2]);
    }
}
