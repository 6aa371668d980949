//! `dataset.json`: what a data set holds. It is written last: if it is there, the build is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::atomic::AtomicFile;
use crate::{RecordError, ShardName, Version, hash, is_split_name};

/// The manifest's file name in the data set's directory.
pub const MANIFEST_FILE: &str = "dataset.json";

/// The name of the file of symbol tables that the records of a data set share.
pub const TABLES_FILE: &str = "dataset.tables";

/// What a data set holds and how it came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format's version, `1.0`.
    #[serde(serialize_with = "write_version", deserialize_with = "read_version")]
    pub format: Version,
    /// The program that built the data set, with its version.
    pub tool: String,
    /// How images are stored, in the codec's words.
    pub encoding: String,
    /// The file of symbol tables, if the records share any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<TablesSummary>,
    /// The options of the build, by name.
    pub options: BTreeMap<String, serde_json::Value>,
    /// The classes, in the order of their labels.
    pub classes: Vec<Class>,
    /// The splits by name: `train`, `val`.
    pub splits: BTreeMap<String, SplitInfo>,
    /// The source files that could not be stored as they were.
    pub odd: Vec<OddFile>,
}

/// A class. Its label is its position in [`Manifest::classes`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// WordNet's id, `n01440764`, or another name of the class's folder.
    pub synset: String,
    /// Names for people, the usual one first: `tench`, `Tinca tinca`.
    pub names: Vec<String>,
}

/// What the manifest says about a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitInfo {
    /// How the source files were laid out, for export.
    pub layout: String,
    /// The number of records in all shards.
    pub records: u64,
    /// The length of all shard files in bytes.
    pub bytes: u64,
    /// The shards, in the order of their records.
    pub shards: Vec<ShardSummary>,
}

/// What the manifest says about a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardSummary {
    /// The file's name in the data set's directory.
    pub file: String,
    /// The number of records.
    pub records: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The hash that ends the file: that of its tail, which holds the hashes of header and index,
    /// which holds those of the records. So it stands for every byte, and costs nothing to compare.
    #[serde(with = "hash")]
    pub hash: u64,
}

/// What the manifest says about [`TABLES_FILE`]. Only the codec understands its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablesSummary {
    /// The length of the file in bytes.
    pub bytes: u64,
    /// XXH3-64 of its contents.
    #[serde(with = "hash")]
    pub hash: u64,
}

impl TablesSummary {
    /// What a manifest says about a file with these contents.
    pub fn of(contents: &[u8]) -> Self {
        TablesSummary {
            bytes: contents.len() as u64,
            hash: hash::xxh3(contents),
        }
    }

    /// Writes the file into `dir`, atomically: before the manifest that has this summary.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(dir: impl AsRef<Path>, contents: &[u8]) -> Result<Self, RecordError> {
        let mut file = AtomicFile::create(&dir.as_ref().join(TABLES_FILE))?;
        file.write(contents)?;
        file.commit()?;
        Ok(Self::of(contents))
    }
}

/// A source file that could not be stored as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddFile {
    /// The split that it belongs to.
    pub split: String,
    /// Its key.
    pub key: String,
    /// What the build did with it.
    pub action: OddAction,
    /// What is odd about it.
    pub reason: String,
}

/// What a build did with an odd file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OddAction {
    /// Stored unchanged.
    Kept,
    /// Stored after a change.
    Repaired,
    /// Left out.
    Skipped,
}

impl Manifest {
    /// Writes `dataset.json` into `dir`, atomically: the last step of a build.
    ///
    /// # Errors
    /// If the manifest contradicts itself, or writing fails.
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), RecordError> {
        let path = dir.as_ref().join(MANIFEST_FILE);
        self.validate(&path)?;
        let mut json =
            serde_json::to_vec_pretty(self).map_err(|source| RecordError::ManifestSyntax {
                path: path.clone(),
                source,
            })?;
        json.push(b'\n');
        let mut file = AtomicFile::create(&path)?;
        file.write(&json)?;
        file.commit()
    }

    /// The manifest at `path`, which must exist.
    pub(crate) fn read(path: &Path) -> Result<Self, RecordError> {
        let syntax = |source| RecordError::ManifestSyntax {
            path: path.into(),
            source,
        };
        let json = fs::read(path).map_err(RecordError::io(path, "read"))?;
        // The version first: a newer manifest may contain anything else.
        let Versioned { format: found } = serde_json::from_slice(&json).map_err(syntax)?;
        let supported = Version::CURRENT;
        if found.major > supported.major {
            return Err(RecordError::NewerVersion {
                path: path.into(),
                found,
                supported,
            });
        }
        let manifest: Self = serde_json::from_slice(&json).map_err(syntax)?;
        manifest.validate(path)?;
        Ok(manifest)
    }

    fn validate(&self, path: &Path) -> Result<(), RecordError> {
        let invalid = |detail| RecordError::ManifestInvalid {
            path: path.into(),
            detail,
        };
        let mut files = BTreeSet::new();
        for (name, split) in &self.splits {
            split.validate(name).map_err(invalid)?;
            for shard in &split.shards {
                if !files.insert(&shard.file) {
                    return Err(invalid(format!("it lists {} twice", shard.file)));
                }
            }
        }
        Ok(())
    }
}

impl SplitInfo {
    /// A split of these shards, in this order.
    pub fn new(layout: impl Into<String>, shards: Vec<ShardSummary>) -> Self {
        let sum =
            |field: fn(&ShardSummary) -> u64| shards.iter().map(field).fold(0, u64::saturating_add);
        let (records, bytes) = (sum(|shard| shard.records), sum(|shard| shard.bytes));
        Self {
            layout: layout.into(),
            records,
            bytes,
            shards,
        }
    }

    fn validate(&self, name: &str) -> Result<(), String> {
        if !is_split_name(name) {
            return Err(format!("{name:?} cannot be the name of a split"));
        }
        for shard in &self.shards {
            if ShardName::parse(&shard.file).is_none() {
                return Err(format!(
                    "split {name:?} lists {:?}, which is not the name of a shard",
                    shard.file
                ));
            }
        }
        let sum = |field: fn(&ShardSummary) -> u64| {
            self.shards
                .iter()
                .try_fold(0u64, |sum, shard| sum.checked_add(field(shard)))
        };
        for (what, total, sum) in [
            ("records", self.records, sum(|shard| shard.records)),
            ("bytes", self.bytes, sum(|shard| shard.bytes)),
        ] {
            if sum != Some(total) {
                return Err(format!(
                    "the {what} of the shards of split {name:?} do not add up to {total}"
                ));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Versioned {
    #[serde(deserialize_with = "read_version")]
    format: Version,
}

fn write_version<S: Serializer>(version: &Version, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(version)
}

fn read_version<'de, D: Deserializer<'de>>(from: D) -> Result<Version, D::Error> {
    let text = String::deserialize(from)?;
    text.split_once('.')
        .and_then(|(major, minor)| {
            Some(Version {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        })
        .ok_or_else(|| D::Error::custom(format!("{text:?} is not a version such as \"1.0\"")))
}
