//! Stores the images of a data set in another lossless encoding, shard by shard, into a new directory. The source
//! files are not needed: every encoding gives them back, unless they were dropped.

mod error;
mod manifest;
mod shard;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use codec::{Encoding, PixelOptions, Tables};
use record::{Dataset, Io, MANIFEST_FILE, Manifest, Shard, Split, TablesSummary};

use crate::event::{Event, Pass, Running, Watch};
use crate::options::{EncodingChoice, TablesFrom};
use crate::{FileError, parallel, tables};

use shard::Conversion;

pub use error::ConvertError;

/// How to convert.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConvertOptions {
    /// The new encoding.
    pub to: EncodingChoice,
    /// Refuse a data set of another encoding than this.
    pub from: Option<EncodingChoice>,
    /// Where the symbol tables of [`EncodingChoice::Recoded`] come from.
    pub tables: TablesFrom,
    /// How pixels are stored, for [`EncodingChoice::Pixels`].
    pub pixels: PixelOptions,
    /// How many threads work, each on a shard of its own; all cores if absent.
    pub threads: Option<NonZeroUsize>,
}

/// A data set that was converted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Converted {
    /// The new manifest.
    pub manifest: PathBuf,
    /// How its images are stored.
    pub encoding: Encoding,
    /// How many there are.
    pub records: u64,
    /// Bytes of the new shards.
    pub bytes: u64,
    /// Bytes of the old ones.
    pub bytes_before: u64,
}

/// Converts the data set in `dataset` into a new one in `out`. After an interruption, the same call continues.
///
/// Records whose source files were dropped stay as they are.
///
/// # Errors
/// If the data set cannot be read or is damaged, `out` already contains a data set, or a file cannot be written.
pub fn convert(
    dataset: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &ConvertOptions,
    progress: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Converted, ConvertError> {
    let out = out.as_ref();
    let dataset = Dataset::open(dataset)?;
    check_target(&dataset, out, options)?;
    fs::create_dir_all(out).map_err(FileError::new("create", out))?;

    let old = dataset.manifest();
    let splits = old.splits.keys().map(|name| dataset.split(name, Io::Map));
    let splits = splits.collect::<Result<Vec<_>, _>>()?;
    let records = splits.iter().map(Split::len).sum();
    let to = Encoding::from(options.to);
    let old_tables = Tables::of_dataset(dataset.tables()?.as_deref())?;
    let new_tables = match (to, options.tables) {
        (Encoding::Recoded, TablesFrom::Trained) => Some(train(&splits, &old_tables, progress)?),
        (Encoding::Recoded, TablesFrom::Builtin) => Some(Tables::builtin()?),
        _ => None,
    };
    let conversion = Conversion {
        out,
        to,
        old_tables,
        new_tables,
        pixels: (to == Encoding::Pixels).then_some(options.pixels),
        running: Running::begin(progress, Pass::Convert, records),
    };
    let summaries = convert_shards(&conversion, &splits, options.threads)?;
    let new = manifest::converted(old, &conversion, &splits, summaries);
    if let Some(tables) = &conversion.new_tables {
        TablesSummary::write(out, tables.as_bytes())?;
    }
    new.write(out)?;
    Ok(Converted {
        manifest: out.join(MANIFEST_FILE),
        encoding: to,
        records,
        bytes: bytes(&new),
        bytes_before: bytes(old),
    })
}

fn check_target(
    dataset: &Dataset,
    out: &Path,
    options: &ConvertOptions,
) -> Result<(), ConvertError> {
    let found = &dataset.manifest().encoding;
    if let Some(from) = options.from.map(Encoding::from)
        && *found != from.to_string()
    {
        return Err(ConvertError::OtherEncoding {
            dataset: dataset.dir().to_owned(),
            found: found.clone(),
            expected: from,
        });
    }
    if out.join(MANIFEST_FILE).exists() {
        return Err(ConvertError::AlreadyThere {
            out: out.to_owned(),
        });
    }
    Ok(())
}

/// Summaries of the new shards, in the order of the splits.
fn convert_shards(
    conversion: &Conversion<'_>,
    splits: &[Split],
    threads: Option<NonZeroUsize>,
) -> Result<Vec<record::ShardSummary>, ConvertError> {
    let shards: Vec<&Shard> = splits.iter().flat_map(Split::shards).collect();
    let finished = Mutex::new(Vec::new());
    let work = |(): &mut (), number: usize| {
        if let Some(shard) = shards.get(number) {
            let summary = conversion.shard(shard)?;
            let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
            finished.push((number, summary));
        }
        Ok::<_, ConvertError>(())
    };
    let threads = parallel::thread_count(threads);
    parallel::for_each(threads, shards.len(), || Ok(()), work)?;
    let mut finished = finished
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    finished.sort_by_key(|&(number, _)| number);
    Ok(finished.into_iter().map(|(_, summary)| summary).collect())
}

/// Trains tables on records spread evenly over all splits.
fn train(splits: &[Split], old: &Tables, watch: Watch<'_>) -> Result<Arc<Tables>, ConvertError> {
    let all = splits.iter().map(Split::len).sum();
    let mut scratch = Vec::new();
    tables::train(all, watch, |mut record, trainer| {
        for split in splits {
            if record >= split.len() {
                record -= split.len();
                continue;
            }
            let payload = split.bytes(record, &mut scratch)?;
            split.check(record, payload)?;
            let tag = split.entry(record).map_or(0, |entry| entry.encoding);
            let file = codec::unpack_with(Encoding::from_tag(tag)?, payload, old)?;
            trainer.add(&file);
            return Ok(file.len() as u64);
        }
        Ok(0)
    })
}

fn bytes(manifest: &Manifest) -> u64 {
    manifest.splits.values().map(|split| split.bytes).sum()
}
