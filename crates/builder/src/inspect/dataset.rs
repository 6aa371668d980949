//! A whole data set: its splits, classes and odd files. Opens every shard, reads no record.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use record::{Dataset, Io, OddFile, RecordError, Shard, ShardSummary};
use serde::Serialize;
use serde_json::Value;

use crate::losses::losses;

use super::Sizes;

/// What a data set holds.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct DatasetView {
    /// Its directory.
    pub dataset: String,
    /// The format's version.
    pub format: String,
    /// The program that built it.
    pub tool: String,
    /// The encoding asked for.
    pub encoding: String,
    /// The options of its build.
    pub options: BTreeMap<String, Value>,
    /// What it no longer has of its sources.
    pub losses: Vec<String>,
    /// How many classes it has.
    pub num_classes: usize,
    /// Its splits by name.
    pub splits: BTreeMap<String, SplitView>,
    /// Its classes by label.
    pub classes: Vec<ClassView>,
    /// Files that were odd or bad.
    pub odd: Vec<OddFile>,
}

/// What a split holds.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct SplitView {
    /// How the source's files were laid out.
    pub layout: String,
    /// How many records there are.
    pub records: u64,
    /// Bytes of its shards.
    pub bytes: u64,
    /// Its shards.
    pub shards: Vec<ShardSummary>,
    /// Distributions over its records.
    #[serde(flatten)]
    pub sizes: Sizes,
}

/// A class, and how many records it has.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ClassView {
    /// Its label.
    pub label: u32,
    /// Its WordNet synset id, or the name of its folder.
    pub synset: String,
    /// What people call it.
    pub names: Vec<String>,
    /// Records by split.
    pub records: BTreeMap<String, u64>,
}

impl DatasetView {
    /// Looks at the data set in `dir`.
    ///
    /// # Errors
    /// If there is no data set, or one of its shards is missing or damaged.
    pub fn new(dir: impl AsRef<Path>) -> Result<Self, RecordError> {
        let dataset = Dataset::open(dir)?;
        let manifest = dataset.manifest();
        let mut counts: HashMap<u32, BTreeMap<String, u64>> = HashMap::new();
        let mut splits = BTreeMap::new();
        for (name, info) in &manifest.splits {
            let split = dataset.split(name, Io::Map)?;
            for entry in split.shards().iter().flat_map(Shard::entries) {
                let by_split = counts.entry(entry.label).or_default();
                *by_split.entry(name.clone()).or_default() += 1;
            }
            let view = SplitView {
                layout: info.layout.clone(),
                records: info.records,
                bytes: info.bytes,
                shards: info.shards.clone(),
                sizes: Sizes::of(split.shards().iter()),
            };
            splits.insert(name.clone(), view);
        }
        let classes = (0..)
            .zip(&manifest.classes)
            .map(|(label, class)| ClassView {
                label,
                synset: class.synset.clone(),
                names: class.names.clone(),
                records: counts.remove(&label).unwrap_or_default(),
            });
        let classes = classes.collect();
        Ok(Self {
            dataset: dataset.dir().display().to_string(),
            format: manifest.format.to_string(),
            tool: manifest.tool.clone(),
            encoding: manifest.encoding.clone(),
            options: manifest.options.clone(),
            losses: losses(manifest),
            num_classes: manifest.classes.len(),
            splits,
            classes,
            odd: manifest.odd.clone(),
        })
    }
}
