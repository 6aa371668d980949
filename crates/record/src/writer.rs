//! Writes one shard. The bytes depend on what is pushed and on nothing else.

use std::path::Path;

use crate::atomic::AtomicFile;
use crate::hash::xxh3;
use crate::header::HEADER_LEN;
use crate::index::Index;
use crate::tail::{TAIL_LEN, Tail};
use crate::wire::align_up;
use crate::{ALIGNMENT, Entry, Header, RecordError, ShardSummary, check_key};

/// The longest note in bytes.
pub const MAX_NOTE_LEN: usize = 16 << 20;

/// Writes a shard to `<path>.tmp` and gives it its name when it is finished. If it is dropped unfinished, it
/// leaves nothing behind.
pub struct ShardWriter {
    file: AtomicFile,
    header_hash: u64,
    index: Index,
    /// Bytes written so far: a multiple of the alignment between two pushes.
    offset: u64,
    /// A write failed half-way: anything after it would be in the wrong place.
    broken: bool,
}

/// What is stored about a record besides its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// A relative path, allowed by [`check_key`](crate::check_key).
    pub key: &'a str,
    /// Class index; opaque here.
    pub label: u32,
    /// Width of the image in pixels; opaque here.
    pub width: u32,
    /// Height of the image in pixels; opaque here.
    pub height: u32,
    /// How the payload encodes the image: the codec's tag, opaque here.
    pub encoding: u8,
}

impl ShardWriter {
    /// Starts a shard, overwriting whatever an interrupted run left at `<path>.tmp`. A finished shard at
    /// `path` stays until [`finish`](Self::finish) replaces it. One writer per path at a time: two
    /// would write to the same temporary file.
    ///
    /// # Errors
    /// If the temporary file cannot be created or written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let mut file = AtomicFile::create(path.as_ref())?;
        let (header, header_hash) = Header::CURRENT.encode();
        file.write(&header)?;
        Ok(Self {
            file,
            header_hash,
            index: Index::default(),
            offset: HEADER_LEN,
            broken: false,
        })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// If the key is not allowed, the payload is empty or has 4 GiB or more, or writing fails. After
    /// a failed write the shard cannot be finished.
    pub fn push(&mut self, record: &NewRecord<'_>, payload: &[u8]) -> Result<(), RecordError> {
        self.ensure_whole()?;
        let &NewRecord {
            key,
            label,
            width,
            height,
            encoding,
        } = record;
        let number = self.index.len();
        check_key(key).map_err(|fault| RecordError::BadKey {
            path: self.file.path().into(),
            record: number,
            key: key.to_owned(),
            fault,
        })?;
        let length = u32::try_from(payload.len()).map_err(|_| {
            let what = format!("the length of the payload of {key} in bytes");
            self.limit(
                what,
                payload.len() as u64,
                u64::from(u32::MAX),
                "leave it out",
            )
        })?;
        if length == 0 {
            let path = self.file.path().into();
            return Err(RecordError::EmptyPayload {
                path,
                record: number,
                key: key.to_owned(),
            });
        }
        let end = self
            .offset
            .checked_add(u64::from(length))
            .and_then(|end| Some((end, align_up(end)?)));
        let Some((end, next)) = end else {
            let what = "the length of the shard in bytes".to_owned();
            return Err(self.limit(what, u64::MAX, u64::MAX, "use more shards"));
        };
        let entry = Entry {
            offset: self.offset,
            hash: xxh3(payload),
            length,
            label,
            width,
            height,
            encoding,
        };
        if self.index.push(entry, key).is_none() {
            let what = "the length of all keys together in bytes".to_owned();
            return Err(self.limit(what, 1 << 32, u64::from(u32::MAX), "use more shards"));
        }

        self.broken = true;
        self.file.write(payload)?;
        let zeros = [0; ALIGNMENT as usize];
        self.file
            .write(zeros.get(..(next - end) as usize).unwrap_or_default())?;
        self.broken = false;
        self.offset = next;
        Ok(())
    }

    /// The number of records pushed so far.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no record has been pushed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes index and tail, makes the file durable and gives it its name. `note` is stored with the
    /// index, covered by its hash, and not interpreted here.
    ///
    /// # Errors
    /// If the note exceeds [`MAX_NOTE_LEN`], an earlier write had failed, or one fails now.
    pub fn finish(mut self, note: &[u8]) -> Result<ShardSummary, RecordError> {
        self.ensure_whole()?;
        if note.len() > MAX_NOTE_LEN {
            let what = "the length of the note in bytes".to_owned();
            return Err(self.limit(what, note.len() as u64, MAX_NOTE_LEN as u64, "shorten it"));
        }
        let path = self.file.path().to_owned();
        let index = self
            .index
            .encode(note)
            .map_err(RecordError::io(&path, "pack the index of"))?;
        let records = self.index.len() as u64;
        let tail = Tail {
            index_offset: self.offset,
            index_length: index.len() as u64,
            records,
            index_hash: xxh3(&index),
            header_hash: self.header_hash,
        };
        let (tail, hash) = tail.encode();
        self.file.write(&index)?;
        self.file.write(&tail)?;
        self.file.commit()?;
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(ShardSummary {
            file,
            records,
            bytes: self.offset + index.len() as u64 + TAIL_LEN,
            hash,
        })
    }

    fn ensure_whole(&self) -> Result<(), RecordError> {
        match self.broken {
            true => Err(RecordError::WriterBroken {
                path: self.file.path().into(),
            }),
            false => Ok(()),
        }
    }

    fn limit(&self, what: String, value: u64, limit: u64, fix: &'static str) -> RecordError {
        RecordError::Limit {
            path: self.file.path().into(),
            what,
            value,
            limit,
            fix,
        }
    }
}
