//! One shard file, with or without a data set around it.

use std::collections::BTreeMap;
use std::path::Path;

use record::{Entry, Io, RecordError, Shard};
use serde::Serialize;

use crate::note::Note;

use super::Histogram;

/// What a shard holds.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ShardView {
    /// Its file.
    pub file: String,
    /// The format's version.
    pub format: String,
    /// How many records it has.
    pub records: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its hash; in JSON as 16 hexadecimal digits.
    #[serde(serialize_with = "as_hex")]
    pub hash: u64,
    /// Feature bits that a reader must understand.
    pub must_understand: u64,
    /// Feature bits that a reader may ignore.
    pub may_ignore: u64,
    /// Records by label.
    pub labels: BTreeMap<u32, u64>,
    /// Distributions over its records.
    #[serde(flatten)]
    pub sizes: Sizes,
    /// What its builder noted; absent if another program wrote the shard.
    pub note: Option<Note>,
}

/// Distributions over the records of a split or shard; absent if there are no records.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Sizes {
    /// Widths in pixels.
    pub width: Option<Histogram>,
    /// Heights in pixels.
    pub height: Option<Histogram>,
    /// Bytes of a stored image.
    pub image_bytes: Option<Histogram>,
}

impl ShardView {
    /// Looks at the shard in `path`.
    ///
    /// # Errors
    /// If the file is not a shard, or its header or index is damaged.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let shard = Shard::open(path, Io::Map)?;
        let (summary, header) = (shard.summary(), shard.header());
        let mut labels = BTreeMap::new();
        for entry in shard.entries() {
            *labels.entry(entry.label).or_default() += 1;
        }
        Ok(Self {
            file: shard.path().display().to_string(),
            format: header.version.to_string(),
            records: summary.records,
            bytes: summary.bytes,
            hash: summary.hash,
            must_understand: header.must_understand,
            may_ignore: header.may_ignore,
            labels,
            sizes: Sizes::of(std::iter::once(&shard)),
            note: Note::parse(shard.note()),
        })
    }
}

impl Sizes {
    pub(super) fn of<'a>(shards: impl Iterator<Item = &'a Shard> + Clone) -> Self {
        let histogram = |value: fn(&Entry) -> u32| {
            let entries = shards.clone().flat_map(Shard::entries);
            Histogram::of(entries.map(|entry| u64::from(value(entry))).collect())
        };
        Self {
            width: histogram(|entry| entry.width),
            height: histogram(|entry| entry.height),
            image_bytes: histogram(|entry| entry.length),
        }
    }
}

fn as_hex<S: serde::Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hash:016x}"))
}
