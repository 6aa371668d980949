//! The footer index: what is known about each record besides its payload. In the file it is stored by column,
//! which compresses well; in memory by row, so that a random look-up touches one cache line.

use crate::column::{Columns, NewColumn};
use crate::header::HEADER_LEN;
use crate::wire::{Fields, align_up};
use crate::{check_key, column};

// Columns by their ids in the file.
const OFFSET: u32 = 1;
const LENGTH: u32 = 2;
const LABEL: u32 = 3;
const WIDTH: u32 = 4;
const HEIGHT: u32 = 5;
const ENCODING: u32 = 6;
const HASH: u32 = 7;
const KEY_LENGTH: u32 = 8;
const KEYS: u32 = 9;
const NOTE: u32 = 10;

/// What the index says about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where the payload starts, in bytes from the start of the shard file.
    pub offset: u64,
    /// XXH3-64 of the payload.
    pub hash: u64,
    /// Length of the payload in bytes, never 0.
    pub length: u32,
    /// Class index; opaque here.
    pub label: u32,
    /// Width of the image in pixels; opaque here.
    pub width: u32,
    /// Height of the image in pixels; opaque here.
    pub height: u32,
    /// How the payload encodes the image: the codec's tag, opaque here.
    pub encoding: u8,
}

/// The index of one shard: one allocation for the entries, one for where keys end, one for keys.
#[derive(Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    key_ends: Vec<u32>,
    keys: String,
    note: Vec<u8>,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, record: usize) -> Option<&Entry> {
        self.entries.get(record)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn key(&self, record: usize) -> Option<&str> {
        let end = *self.key_ends.get(record)?;
        let start = match record.checked_sub(1) {
            Some(before) => *self.key_ends.get(before)?,
            None => 0,
        };
        self.keys.get(start as usize..end as usize)
    }

    pub(crate) fn note(&self) -> &[u8] {
        &self.note
    }

    /// Adds a record whose key has been checked; `None` if all keys together outgrow 4 GiB.
    pub(crate) fn push(&mut self, entry: Entry, key: &str) -> Option<()> {
        let end = u32::try_from(self.keys.len().checked_add(key.len())?).ok()?;
        self.entries.push(entry);
        self.keys.push_str(key);
        self.key_ends.push(end);
        Some(())
    }

    pub(crate) fn encode(&self, note: &[u8]) -> std::io::Result<Vec<u8>> {
        let words = |field: fn(&Entry) -> u32| {
            self.entries
                .iter()
                .flat_map(|e| field(e).to_le_bytes())
                .collect()
        };
        let longs = |field: fn(&Entry) -> u64| {
            self.entries
                .iter()
                .flat_map(|e| field(e).to_le_bytes())
                .collect()
        };
        let key_starts = std::iter::once(&0).chain(&self.key_ends);
        let key_lengths = key_starts
            .zip(&self.key_ends)
            .flat_map(|(start, end)| ((end - start) as u16).to_le_bytes());
        column::encode(&[
            NewColumn {
                id: OFFSET,
                bytes: longs(|e| e.offset),
                pack: true,
            },
            NewColumn {
                id: LENGTH,
                bytes: words(|e| e.length),
                pack: true,
            },
            NewColumn {
                id: LABEL,
                bytes: words(|e| e.label),
                pack: true,
            },
            NewColumn {
                id: WIDTH,
                bytes: words(|e| e.width),
                pack: true,
            },
            NewColumn {
                id: HEIGHT,
                bytes: words(|e| e.height),
                pack: true,
            },
            NewColumn {
                id: ENCODING,
                bytes: self.entries.iter().map(|e| e.encoding).collect(),
                pack: true,
            },
            NewColumn {
                id: HASH,
                bytes: longs(|e| e.hash),
                pack: false,
            },
            NewColumn {
                id: KEY_LENGTH,
                bytes: key_lengths.collect(),
                pack: true,
            },
            NewColumn {
                id: KEYS,
                bytes: self.keys.clone().into_bytes(),
                pack: true,
            },
            NewColumn {
                id: NOTE,
                bytes: note.to_vec(),
                pack: false,
            },
        ])
    }

    /// The index of `records` records that exactly fill the file from the header to `area_end`.
    ///
    /// The caller has made sure that the file has room for this many records. Together with the limit on
    /// a key's length, that bounds every allocation here.
    pub(crate) fn decode(table: &[u8], records: usize, area_end: u64) -> Result<Self, String> {
        let columns = Columns::parse(table)?;
        let sized = |id: u32, width: usize| {
            let length = records
                .checked_mul(width)
                .ok_or("it has too many records")?;
            columns.unpack(id, length)
        };
        let (offset, length) = (sized(OFFSET, 8)?, sized(LENGTH, 4)?);
        let (label, width, height) = (sized(LABEL, 4)?, sized(WIDTH, 4)?, sized(HEIGHT, 4)?);
        let (encoding, hash) = (sized(ENCODING, 1)?, sized(HASH, 8)?);
        let (mut offset, mut length) = (Fields(&offset), Fields(&length));
        let (mut label, mut width, mut height) = (Fields(&label), Fields(&width), Fields(&height));
        let (mut encoding, mut hash) = (Fields(&encoding), Fields(&hash));

        let mut entries = Vec::with_capacity(records);
        let mut next = HEADER_LEN;
        for record in 0..records {
            let mut entry = || {
                Some(Entry {
                    offset: offset.u64()?,
                    hash: hash.u64()?,
                    length: length.u32()?,
                    label: label.u32()?,
                    width: width.u32()?,
                    height: height.u32()?,
                    encoding: encoding.array::<1>()?[0],
                })
            };
            let entry = entry().ok_or("a column is too short")?;
            if entry.offset != next {
                return Err(format!(
                    "record {record} starts at {}, not at {next}",
                    entry.offset
                ));
            }
            if entry.length == 0 {
                return Err(format!("record {record} is empty"));
            }
            next = next
                .checked_add(u64::from(entry.length))
                .and_then(align_up)
                .filter(|&next| next <= area_end)
                .ok_or_else(|| format!("record {record} reaches into the index"))?;
            entries.push(entry);
        }
        if next != area_end {
            return Err(format!(
                "its records end at {next}, and it starts at {area_end}"
            ));
        }

        let (keys, key_ends) = decode_keys(&columns, &sized(KEY_LENGTH, 2)?)?;
        let note = columns.plain(NOTE)?.to_vec();
        Ok(Self {
            entries,
            key_ends,
            keys,
            note,
        })
    }
}

fn decode_keys(columns: &Columns<'_>, lengths: &[u8]) -> Result<(String, Vec<u32>), String> {
    let mut lengths = Fields(lengths);
    let mut key_ends = Vec::with_capacity(lengths.0.len() / 2);
    let mut end = 0u32;
    while let Some(length) = lengths.u16() {
        if usize::from(length) > crate::MAX_KEY_LEN {
            return Err(format!(
                "the key of record {} has {length} bytes",
                key_ends.len()
            ));
        }
        end = end
            .checked_add(u32::from(length))
            .ok_or("its keys exceed 4 GiB")?;
        key_ends.push(end);
    }
    let keys = columns.unpack(KEYS, end as usize)?.into_owned();
    let keys =
        String::from_utf8(keys).map_err(|fault| format!("its keys are not UTF-8: {fault}"))?;
    let mut start = 0;
    for (record, &end) in key_ends.iter().enumerate() {
        let key = keys
            .get(start..end as usize)
            .ok_or_else(|| format!("the key of record {record} is not UTF-8"))?;
        check_key(key).map_err(|fault| format!("the key {key:?} of record {record} {fault}"))?;
        start = end as usize;
    }
    Ok((keys, key_ends))
}
