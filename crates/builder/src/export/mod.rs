//! Gives the source files of a data set back, byte for byte, unless its build scaled images or dropped files.

mod error;
mod file;

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use codec::{Encoding, Tables};
use record::{Dataset, Io, Manifest, OddAction, Split};

use crate::event::{Event, Pass, Running};
use crate::losses::losses;
use crate::{FileError, parallel};

pub use error::ExportError;
pub use file::write_file;

/// Where a build looks for the labels of images in a flat folder: the one list that names each
/// image, so that it also fits when bad images were left out.
const LABELS_FILE: &str = "LOC_val_solution.csv";

/// How to export.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Only this split; all if absent.
    pub split: Option<String>,
    /// Overwrite files whose contents differ.
    pub overwrite: bool,
    /// How many threads work; all cores if absent.
    pub threads: Option<NonZeroUsize>,
}

/// What was exported.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exported {
    /// Files that were written.
    pub written: u64,
    /// Files that were there already, with the same contents.
    pub present: u64,
    /// Files of the source that were left out when the data set was built.
    pub left_out: u64,
    /// What the data set no longer has of its sources, in sentences.
    pub losses: Vec<String>,
}

/// Writes the source files below `out`, laid out as the source was: `train/<class>/<file>`, or `val/<file>` with
/// the labels in `LOC_val_solution.csv` for images in a flat folder. Every record's hash is checked first.
///
/// # Errors
/// If the data set is damaged or lacks the split, a file is there with other contents, or cannot be written.
pub fn export(
    dataset: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &ExportOptions,
    progress: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Exported, ExportError> {
    let out = out.as_ref();
    let dataset = Dataset::open(dataset)?;
    let manifest = dataset.manifest();
    let splits = match &options.split {
        Some(name) => vec![dataset.split(name, Io::Map)?],
        None => {
            let names = manifest.splits.keys();
            let splits = names.map(|name| dataset.split(name, Io::Map));
            splits.collect::<Result<_, _>>()?
        }
    };
    fs::create_dir_all(out).map_err(FileError::new("create", out))?;
    let (written, present) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = splits.iter().map(Split::len).sum();
    let running = Running::begin(progress, Pass::Export, total);
    for split in &splits {
        let tables = Tables::of_dataset(split.tables())?;
        let dir = out.join(split.name());
        let work = |scratch: &mut Vec<u8>, record: usize| {
            let record = record as u64;
            let file = source_of(split, &tables, record, scratch)?;
            // Keys are safe relative paths: opening a shard checks them.
            let path = dir.join(split.key(record).unwrap_or_default());
            let count = match write_file(&path, &file, options.overwrite)? {
                true => &written,
                false => &present,
            };
            count.fetch_add(1, Ordering::Relaxed);
            running.done(1, file.len() as u64);
            Ok::<_, ExportError>(())
        };
        let threads = parallel::thread_count(options.threads);
        parallel::for_each(threads, split.len() as usize, || Ok(Vec::new()), work)?;
        if is_flat(split) {
            let labels = labels(split, manifest)?;
            write_file(&out.join(LABELS_FILE), labels.as_bytes(), options.overwrite)?;
        }
    }
    let left_out = manifest.odd.iter().filter(|odd| {
        let exported = splits.iter().any(|split| split.name() == odd.split);
        odd.action == OddAction::Skipped && exported
    });
    Ok(Exported {
        written: written.into_inner(),
        present: present.into_inner(),
        left_out: left_out.count() as u64,
        losses: losses(manifest),
    })
}

/// The source file of one record, counted from 0 in its split. Its hash is checked.
///
/// # Errors
/// If the data set has no such split or record, or the record is damaged.
pub fn source_file(dataset: &Dataset, split: &str, record: u64) -> Result<Vec<u8>, ExportError> {
    let split = dataset.split(split, Io::Map)?;
    let tables = Tables::of_dataset(split.tables())?;
    source_of(&split, &tables, record, &mut Vec::new())
}

fn source_of(
    split: &Split,
    tables: &Tables,
    record: u64,
    scratch: &mut Vec<u8>,
) -> Result<Vec<u8>, ExportError> {
    let payload = split.bytes(record, scratch)?;
    split.check(record, payload)?;
    let tag = split.entry(record).map_or(0, |entry| entry.encoding);
    let file =
        Encoding::from_tag(tag).and_then(|encoding| codec::unpack_with(encoding, payload, tables));
    match file {
        Ok(file) => Ok(file.into_owned()),
        Err(cause) => Err(ExportError::Unpack {
            record,
            split: split.name().to_owned(),
            cause,
        }),
    }
}

/// Whether the paths of the files do not tell their classes.
fn is_flat(split: &Split) -> bool {
    split.key(0).is_some_and(|key| !key.contains('/'))
}

/// Labels in Kaggle's form: a line for each image, with its name without extension and its class.
fn labels(split: &Split, manifest: &Manifest) -> Result<String, ExportError> {
    let mut text = "ImageId,PredictionString\n".to_owned();
    for record in 0..split.len() {
        let key = split.key(record).unwrap_or_default();
        let stem = key.rsplit_once('.').map_or(key, |(stem, _)| stem);
        let class = split
            .entry(record)
            .and_then(|entry| manifest.classes.get(entry.label as usize))
            .ok_or_else(|| ExportError::UnknownLabel {
                key: key.to_owned(),
            })?;
        let _ = writeln!(text, "{stem},{}", class.synset);
    }
    Ok(text)
}
