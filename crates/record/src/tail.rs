//! The last 64 bytes of a shard: where the index is, how many records there are, and the hashes
//! that tie header, index and tail together. The tail's own hash represents the whole shard.

use std::path::Path;

use crate::hash::xxh3;
use crate::header::{ALIGNMENT, HEADER_LEN};
use crate::wire::Fields;
use crate::{Part, RecordError};

pub(crate) const TAIL_LEN: u64 = 64;

const MAGIC: [u8; 8] = *b"IMSTAIL\x01";
const HASHED: usize = 56;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) index_offset: u64,
    pub(crate) index_length: u64,
    pub(crate) records: u64,
    pub(crate) index_hash: u64,
    pub(crate) header_hash: u64,
}

impl Tail {
    /// The tail's bytes, and the hash that ends them.
    pub(crate) fn encode(&self) -> (Vec<u8>, u64) {
        let mut bytes = Vec::with_capacity(TAIL_LEN as usize);
        bytes.extend_from_slice(&MAGIC);
        for field in [
            self.index_offset,
            self.index_length,
            self.records,
            self.index_hash,
            self.header_hash,
        ] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.resize(HASHED, 0);
        let hash = xxh3(&bytes);
        bytes.extend_from_slice(&hash.to_le_bytes());
        (bytes, hash)
    }

    /// The tail of a file of `length` bytes, with its own hash; every size in it is checked
    /// against that length.
    pub(crate) fn decode(
        bytes: &[u8; TAIL_LEN as usize],
        length: u64,
        path: &Path,
    ) -> Result<(Self, u64), RecordError> {
        let malformed = RecordError::malformed(path, Part::Tail);
        let mut fields = Fields(bytes);
        let parsed = (|| {
            let magic: [u8; 8] = fields.array()?;
            let tail = Self {
                index_offset: fields.u64()?,
                index_length: fields.u64()?,
                records: fields.u64()?,
                index_hash: fields.u64()?,
                header_hash: fields.u64()?,
            };
            let _reserved = fields.u64()?;
            Some((magic, tail, fields.u64()?))
        })();
        let Some((magic, tail, expected)) = parsed else {
            return Err(malformed("it is shorter than its fields".to_owned()));
        };
        if magic != MAGIC {
            return Err(RecordError::NoTail {
                path: path.into(),
                length,
            });
        }
        let found = xxh3(bytes.get(..HASHED).unwrap_or_default());
        if found != expected {
            return Err(RecordError::Damaged {
                path: path.into(),
                part: Part::Tail,
                expected,
                found,
            });
        }
        tail.fits(length).map_err(malformed)?;
        Ok((tail, expected))
    }

    /// Header, records, index and tail fill the file exactly, and there is room for the records.
    fn fits(&self, length: u64) -> Result<(), String> {
        let end = self
            .index_offset
            .checked_add(self.index_length)
            .and_then(|end| end.checked_add(TAIL_LEN));
        if end != Some(length) {
            return Err(format!(
                "an index of {} bytes at {} does not end where the tail of a file of {length} bytes begins",
                self.index_length, self.index_offset
            ));
        }
        let area = self.index_offset.checked_sub(HEADER_LEN);
        match area {
            Some(area) if area % u64::from(ALIGNMENT) == 0 => {
                // A payload is never empty, so each record takes one unit of alignment at least.
                if self.records > area / u64::from(ALIGNMENT) {
                    return Err(format!(
                        "{} records do not fit into {area} bytes",
                        self.records
                    ));
                }
                Ok(())
            }
            _ => Err(format!("no index can start at {}", self.index_offset)),
        }
    }
}
