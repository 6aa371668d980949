//! Folders and tars as one kind of source: each split has its list of samples and a place to read them from.
//! Numbers the classes, and checks val against train.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::archive::TarFile;
use crate::coverage::thousands;
use crate::error::SourceError;
use crate::labels::DevkitClasses;
use crate::names;
use crate::scan;
use crate::scan::ClassScan;
use crate::source::{ClassName, Ignored, Layout, Sample, Source, SplitSource};

/// A source made of files: folders of images, tars of images.
pub(crate) struct RawSource {
    root: PathBuf,
    classes: Vec<ClassName>,
    splits: Vec<SplitSource>,
    /// One for each split.
    stores: Vec<Store>,
    ignored: Vec<Ignored>,
}

/// Where the bytes of a split's samples are.
enum Store {
    /// Below this folder, by key.
    Folder(PathBuf),
    /// In this tar, at these offsets.
    Tar { tar: TarFile, offsets: Vec<u64> },
}

/// One split as scanned and labelled, its classes not yet numbered.
pub(crate) struct RawSplit {
    pub(crate) name: &'static str,
    pub(crate) layout: Layout,
    pub(crate) scan: ClassScan,
    pub(crate) origin: Origin,
    /// The devkit's classes, if labels came through it.
    pub(crate) devkit: Option<DevkitClasses>,
}

/// What was scanned.
pub(crate) enum Origin {
    Folder(PathBuf),
    Tar(TarFile),
}

impl RawSource {
    /// `splits` in the order train, val.
    pub(crate) fn assemble(
        root: &Path,
        splits: Vec<RawSplit>,
        ignored: Vec<Ignored>,
    ) -> Result<RawSource, SourceError> {
        let classes = number_classes(root, &splits)?;
        let labels: HashMap<&str, u32> = (0..)
            .zip(&classes)
            .map(|(label, class)| (class.synset.as_str(), label))
            .collect();
        let mut described = Vec::with_capacity(splits.len());
        let mut stores = Vec::with_capacity(splits.len());
        for split in splits {
            let mut files = split.scan.files;
            scan::sort_by_key(&mut files, split.name, root)?;
            // From the scan's class numbers to labels; `number_classes` has made sure that every class has one.
            let label_of: Vec<u32> = split
                .scan
                .classes
                .iter()
                .filter_map(|class| labels.get(class.as_str()).copied())
                .collect();
            stores.push(match split.origin {
                Origin::Folder(folder) => Store::Folder(folder),
                Origin::Tar(tar) => Store::Tar {
                    tar,
                    offsets: files.iter().map(|file| file.offset).collect(),
                },
            });
            let samples = files.into_iter().map(|file| Sample {
                key: file.key,
                misnamed: file.misnamed,
                label: label_of[file.class as usize],
                size: file.size,
            });
            described.push(SplitSource {
                name: split.name.to_owned(),
                layout: split.layout,
                samples: samples.collect(),
            });
        }
        Ok(RawSource {
            root: root.to_path_buf(),
            classes,
            splits: described,
            stores,
            ignored,
        })
    }
}

/// Train's classes, sorted; for val alone, the devkit's classes if it was used, else its own.
fn number_classes(root: &Path, splits: &[RawSplit]) -> Result<Vec<ClassName>, SourceError> {
    let Some(first) = splits.first() else {
        return Ok(Vec::new());
    };
    let devkit: HashMap<&str, &[String]> = splits
        .iter()
        .filter_map(|split| split.devkit.as_ref())
        .flatten()
        .map(|(synset, words)| (synset.as_str(), words.as_slice()))
        .collect();
    let mut synsets: Vec<&str> = match &first.devkit {
        Some(leaves) => leaves.iter().map(|(synset, _)| synset.as_str()).collect(),
        None => first.scan.classes.iter().map(String::as_str).collect(),
    };
    synsets.sort_unstable();
    synsets.dedup();
    let known: HashSet<&str> = synsets.iter().copied().collect();
    let strange = splits
        .iter()
        .flat_map(|split| &split.scan.classes)
        .find(|class| !known.contains(class.as_str()));
    if let Some(class) = strange {
        return Err(SourceError::ClassOnlyInVal {
            path: root.to_path_buf(),
            class: class.clone(),
            train_classes: synsets.len(),
        });
    }
    let fallback = |synset: &str| devkit.get(synset).copied().unwrap_or_default();
    Ok(synsets
        .into_iter()
        .map(|synset| names::name_class(synset.to_owned(), fallback(synset)))
        .collect())
}

impl Source for RawSource {
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
        let (Some(sample), Some(store)) = (sample, self.stores.get(split)) else {
            return Err(SourceError::OutOfRange {
                source_name: self.describe(),
                split,
                index,
            });
        };
        let (path, result) = match store {
            Store::Folder(folder) if sample.misnamed => {
                let reason = "its name is not UTF-8; rename it";
                (folder.clone(), Err(io::Error::other(reason)))
            }
            Store::Folder(folder) => {
                let path = folder.join(&sample.key);
                let result = read_file(&path, into);
                (path, result)
            }
            Store::Tar { tar, offsets } => (
                tar.path.clone(),
                read_span(&tar.file, offsets[index], sample.size, into),
            ),
        };
        result.map_err(|error| SourceError::Read {
            path,
            key: sample.key.clone(),
            reason: error.to_string(),
        })
    }

    fn random_access(&self) -> bool {
        true
    }

    fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }
}

fn read_file(path: &Path, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    File::open(path)?.read_to_end(into).map(drop)
}

fn read_span(file: &File, offset: u64, size: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let size = usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?;
    into.clear();
    into.resize(size, 0);
    file.read_exact_at(into, offset)
}

/// `/data/imagenet: 1000 classes; train 1,281,167 samples (class-folders), val 50,000 samples (flat-tar)`
pub(crate) fn describe(root: &Path, classes: &[ClassName], splits: &[SplitSource]) -> String {
    let splits: Vec<String> = splits
        .iter()
        .map(|split| {
            format!(
                "{} {} samples ({})",
                split.name,
                thousands(split.samples.len()),
                split.layout
            )
        })
        .collect();
    format!(
        "{}: {} classes; {}",
        root.display(),
        classes.len(),
        splits.join(", ")
    )
}
