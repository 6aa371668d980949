//! One shard file, open for reading.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::hash::xxh3;
use crate::header::HEADER_LEN;
use crate::index::Index;
use crate::storage::Storage;
use crate::tail::{TAIL_LEN, Tail};
use crate::wire::align_up;
use crate::{Entry, Header, Io, Part, RecordError, ShardSummary};

/// An open shard: header, index and tail are validated, payloads are not until [`Shard::check`].
pub struct Shard {
    path: PathBuf,
    length: u64,
    /// The tail's hash, which represents the whole shard.
    hash: u64,
    header: Header,
    index: Index,
    storage: Storage,
}

impl Shard {
    /// Opens a shard, validating its structure against the file's real length before anything is
    /// mapped or allocated: hashes of header, index and tail; records that fill the space between
    /// header and index exactly; keys that are [allowed](crate::check_key).
    ///
    /// Allocations are bounded by the file's length, whatever the file claims.
    ///
    /// # Errors
    /// If the file cannot be opened or read, is not a shard, is truncated, damaged or malformed, or
    /// needs a newer reader.
    pub fn open(path: impl AsRef<Path>, io: Io) -> Result<Self, RecordError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(RecordError::io(path, "open"))?;
        let length = file
            .metadata()
            .map_err(RecordError::io(path, "open"))?
            .len();
        let smallest = HEADER_LEN + TAIL_LEN;
        if length < smallest {
            return Err(RecordError::TooShort {
                path: path.into(),
                length,
                smallest,
            });
        }
        let read = |buffer: &mut [u8], offset| {
            file.read_exact_at(buffer, offset)
                .map_err(RecordError::io(path, "read"))
        };

        let mut bytes = [0; HEADER_LEN as usize];
        read(&mut bytes, 0)?;
        let (header, header_hash) = Header::decode(&bytes, path)?;

        let mut bytes = [0; TAIL_LEN as usize];
        read(&mut bytes, length - TAIL_LEN)?;
        let (tail, hash) = Tail::decode(&bytes, length, path)?;
        if tail.header_hash != header_hash {
            let detail = "it belongs to another header".to_owned();
            return Err(RecordError::malformed(path, Part::Tail)(detail));
        }

        let index = read_index(&tail, path, read)?;
        let storage = Storage::new(file, length, io).map_err(RecordError::io(path, "map"))?;
        Ok(Self {
            path: path.into(),
            length,
            hash,
            header,
            index,
            storage,
        })
    }

    /// The shard's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The shard's header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the index says about a record; `None` beyond the last.
    pub fn entry(&self, record: usize) -> Option<Entry> {
        self.index.entry(record).copied()
    }

    /// What the index says about all records, in order.
    pub fn entries(&self) -> &[Entry] {
        self.index.entries()
    }

    /// A record's key, such as `n01440764/n01440764_10026.JPEG`; `None` beyond the last record.
    pub fn key(&self, record: usize) -> Option<&str> {
        self.index.key(record)
    }

    /// The opaque bytes that the writer left with [`finish`](crate::ShardWriter::finish).
    pub fn note(&self) -> &[u8] {
        self.index.note()
    }

    /// What a manifest says about this shard.
    pub fn summary(&self) -> ShardSummary {
        let file = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        ShardSummary {
            file,
            records: self.len() as u64,
            bytes: self.length,
            hash: self.hash,
        }
    }

    /// A record's payload, unverified: a slice of the map, or read into `scratch`, which grows as
    /// needed. Keep `scratch` for the next call.
    ///
    /// # Errors
    /// If there is no such record, or reading fails.
    pub fn bytes<'a>(
        &'a self,
        record: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], RecordError> {
        let entry = self.expect_entry(record)?;
        self.storage
            .bytes(entry.offset, entry.length as usize, scratch)
            .map_err(RecordError::io(&self.path, "read"))
    }

    /// Checks a payload against its hash in the index.
    ///
    /// # Errors
    /// If there is no such record, or the hash differs.
    pub fn check(&self, record: usize, bytes: &[u8]) -> Result<(), RecordError> {
        let expected = self.expect_entry(record)?.hash;
        let found = xxh3(bytes);
        if found == expected {
            return Ok(());
        }
        Err(RecordError::RecordDamaged {
            path: self.path.clone(),
            record,
            key: self.key(record).unwrap_or_default().to_owned(),
            expected,
            found,
        })
    }

    /// Checks that every byte of padding is zero. Together with opening the shard and with
    /// [`check`](Self::check) of each record, this covers every bit of the file.
    ///
    /// # Errors
    /// If a byte of padding is not zero, or reading fails.
    pub fn verify_layout(&self) -> Result<(), RecordError> {
        let mut scratch = Vec::new();
        for entry in self.index.entries() {
            let start = entry.offset + u64::from(entry.length);
            let length = align_up(start).map_or(0, |end| (end - start) as usize);
            let padding = self
                .storage
                .bytes(start, length, &mut scratch)
                .map_err(RecordError::io(&self.path, "read"))?;
            if let Some((at, &found)) = padding.iter().enumerate().find(|&(_, &byte)| byte != 0) {
                let offset = start + at as u64;
                return Err(RecordError::PaddingDamaged {
                    path: self.path.clone(),
                    offset,
                    found,
                });
            }
        }
        Ok(())
    }

    /// Checks every bit: [`verify_layout`](Self::verify_layout) and each record's
    /// [`check`](Self::check), up to the first that fails.
    ///
    /// # Errors
    /// The first damage found, or a failure to read.
    pub fn verify(&self) -> Result<(), RecordError> {
        let mut scratch = Vec::new();
        for record in 0..self.len() {
            let bytes = self.bytes(record, &mut scratch)?;
            self.check(record, bytes)?;
        }
        self.verify_layout()
    }

    /// Asks the kernel to start reading a record's payload, so that a later access need not wait
    /// for the disk. A hint, without effect with [`Io::Pread`] or beyond the last record.
    pub fn prefetch(&self, record: usize) {
        if let Some(entry) = self.index.entry(record) {
            self.storage.will_need(entry.offset, entry.length as usize);
        }
    }

    fn expect_entry(&self, record: usize) -> Result<&Entry, RecordError> {
        self.index
            .entry(record)
            .ok_or_else(|| RecordError::NoSuchRecord {
                place: self.path.display().to_string(),
                record: record as u64,
                records: self.len() as u64,
            })
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("path", &self.path)
            .field("records", &self.len())
            .field("bytes", &self.length)
            .finish_non_exhaustive()
    }
}

/// `tail` has been checked against the file's length, so its sizes are no larger than the file.
fn read_index(
    tail: &Tail,
    path: &Path,
    read: impl Fn(&mut [u8], u64) -> Result<(), RecordError>,
) -> Result<Index, RecordError> {
    let too_large =
        |_| RecordError::malformed(path, Part::Tail)("too large for this machine".to_owned());
    let mut table = vec![0; usize::try_from(tail.index_length).map_err(too_large)?];
    read(&mut table, tail.index_offset)?;
    let (expected, found) = (tail.index_hash, xxh3(&table));
    if found != expected {
        return Err(RecordError::Damaged {
            path: path.into(),
            part: Part::Index,
            expected,
            found,
        });
    }
    let records = usize::try_from(tail.records).map_err(too_large)?;
    Index::decode(&table, records, tail.index_offset)
        .map_err(RecordError::malformed(path, Part::Index))
}
