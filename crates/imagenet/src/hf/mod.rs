//! ImageNet as Hugging Face serves it: `train-00000-of-00294.parquet` and so on, columns `image {bytes, path}` and
//! `label`. Rows keep their order, keys are made from the paths. Other schemas are refused.

mod classes;
mod columns;
mod groups;
mod keys;

use std::path::{Path, PathBuf};

use columns::{RowFile, Rows};
use groups::Groups;
use keys::UniqueKeys;

use crate::error::SourceError;
use crate::progress::Hook;
use crate::raw::describe;
use crate::source::{ClassName, Ignored, Layout, Sample, Source, SplitSource};

/// Parquet files of one or two splits.
pub(crate) struct ParquetSource {
    root: PathBuf,
    classes: Vec<ClassName>,
    splits: Vec<SplitSource>,
    /// One for each split.
    stores: Vec<Groups>,
    ignored: Vec<Ignored>,
}

/// A row while classes are not known.
struct Row {
    label: u32,
    path: Option<String>,
    synset: Option<String>,
}

/// One split while classes are not known.
struct Scan {
    name: &'static str,
    files: Vec<RowFile>,
    rows: Vec<Row>,
}

impl ParquetSource {
    /// `files` sorted by name; those that belong to no known split are left out.
    pub(crate) fn open(
        root: &Path,
        files: Vec<PathBuf>,
        hook: &mut Hook<'_>,
    ) -> Result<ParquetSource, SourceError> {
        let mut ignored = Vec::new();
        let (mut train, mut val) = (Vec::new(), Vec::new());
        for path in files {
            match split_of(&path) {
                Some("train") => train.push(path),
                Some("validation" | "val") => val.push(path),
                Some("test") => ignored.push(Ignored {
                    path,
                    reason: "the test split has no labels".to_owned(),
                }),
                _ => ignored.push(Ignored {
                    path,
                    reason: "its name starts with neither train- nor validation-".to_owned(),
                }),
            }
        }
        let mut scans = Vec::new();
        for (name, paths) in [("train", train), ("val", val)] {
            if !paths.is_empty() {
                scans.push(scan(name, paths, hook)?);
            }
        }
        if scans.is_empty() {
            let found =
                "parquet files, but none whose name starts with train- or validation-".to_owned();
            return Err(SourceError::Unrecognised {
                path: root.to_path_buf(),
                found,
            });
        }
        let classes = classes::identify(&scans)?;
        let (splits, stores) = scans.into_iter().map(|scan| number(scan, &classes)).unzip();
        Ok(ParquetSource {
            root: root.to_path_buf(),
            classes,
            splits,
            stores,
            ignored,
        })
    }
}

impl Source for ParquetSource {
    fn describe(&self) -> String {
        describe(&self.root, &self.classes, &self.splits)
    }

    fn classes(&self) -> &[ClassName] {
        &self.classes
    }

    fn splits(&self) -> &[SplitSource] {
        &self.splits
    }

    fn read(&self, split: usize, index: usize, into: &mut Vec<u8>) -> Result<(), SourceError> {
        let sample = self
            .splits
            .get(split)
            .and_then(|split| split.samples.get(index));
        let (Some(sample), Some(groups)) = (sample, self.stores.get(split)) else {
            return Err(SourceError::OutOfRange {
                source_name: self.describe(),
                split,
                index,
            });
        };
        groups.read(index, &sample.key, into)
    }

    fn random_access(&self) -> bool {
        false
    }

    fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }
}

/// `train` for `train-00000-of-00294.parquet`.
fn split_of(path: &Path) -> Option<&str> {
    path.file_name()?
        .to_str()?
        .split_once(['-', '.'])
        .map(|(split, _)| split)
}

fn scan(name: &'static str, paths: Vec<PathBuf>, hook: &mut Hook<'_>) -> Result<Scan, SourceError> {
    let total = paths.len();
    let mut scan = Scan {
        name,
        files: Vec::with_capacity(total),
        rows: Vec::new(),
    };
    for (done, path) in paths.into_iter().enumerate() {
        let (file, Rows { labels, paths }) = RowFile::scan(&path)?;
        scan.files.push(file);
        scan.rows
            .extend(labels.into_iter().zip(paths).map(|(label, path)| {
                let synset = path.as_deref().and_then(keys::synset_in).map(str::to_owned);
                Row {
                    label,
                    path,
                    synset,
                }
            }));
        hook.report(name, scan.rows.len(), done + 1, total);
    }
    Ok(scan)
}

fn number(scan: Scan, classes: &[ClassName]) -> (SplitSource, Groups) {
    let mut keys = UniqueKeys::default();
    let samples = scan
        .rows
        .iter()
        .enumerate()
        .map(|(row, Row { label, path, .. })| {
            let class = classes
                .get(*label as usize)
                .map_or("", |class| class.synset.as_str());
            Sample {
                key: keys.make(path.as_deref(), class, row),
                misnamed: false,
                label: *label,
                size: 0,
            }
        });
    let split = SplitSource {
        name: scan.name.to_owned(),
        layout: Layout::Parquet,
        samples: samples.collect(),
    };
    (split, Groups::new(scan.files))
}
