//! `shard export`: the original files back, byte for byte.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::Write as _,
    fs,
    io::{self, Write, stdout},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use codec::{Encoding, Tables};
use record::{Dataset, Io, Manifest, OddAction, Split};

use crate::{
    Exit,
    args::ExportArgs,
    cmd::{default_split, losses},
    parallel,
    progress::Progress,
    text,
};

/// Where `shard build` looks for the labels of images that lie flat: the one list that names each
/// image, so that it also fits when bad images were left out.
const LABELS_FILE: &str = "LOC_val_solution.csv";

pub(crate) fn run(args: &ExportArgs, quiet: bool) -> Result<Exit> {
    let dataset = Dataset::open(&args.dataset)?;
    match args.record {
        Some(record) => export_one(args, &dataset, record),
        None => export_all(args, &dataset, quiet),
    }
}

fn export_one(args: &ExportArgs, dataset: &Dataset, record: u64) -> Result<Exit> {
    let name = default_split(dataset.manifest(), args.split.as_deref())?;
    let split = dataset.split(name, Io::Map)?;
    let mut scratch = Vec::new();
    let tables = Tables::of_dataset(split.tables())?;
    let file = original(&split, &tables, record, &mut scratch)?;
    if args.out == Path::new("-") {
        let mut out = stdout().lock();
        out.write_all(&file)?;
        out.flush()?;
    } else if args.out.is_dir() {
        bail!(
            "{}: is a directory; --record writes one file: name it, or - for standard output",
            args.out.display()
        );
    } else {
        write(&args.out, &file, args.force)?;
    }
    Ok(Exit::Ok)
}

fn export_all(args: &ExportArgs, dataset: &Dataset, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    if args.out == Path::new("-") {
        bail!("--out - writes one image to standard output; say which with --record K");
    }
    let manifest = dataset.manifest();
    let splits = manifest
        .splits
        .keys()
        .filter(|name| args.split.as_ref().is_none_or(|asked| asked == *name))
        .map(|name| dataset.split(name, Io::Map))
        .collect::<Result<Vec<_>, _>>()?;
    if let (Some(asked), []) = (args.split.as_deref(), &splits[..]) {
        dataset.split(asked, Io::Map)?; // says which there are
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let (written, present) = (AtomicU64::new(0), AtomicU64::new(0));
    let count = |outcome| match outcome {
        Outcome::Written => written.fetch_add(1, Ordering::Relaxed),
        Outcome::Present => present.fetch_add(1, Ordering::Relaxed),
    };
    let total = splits.iter().map(Split::len).sum();
    let progress = Progress::new("export", total, quiet);
    let mut result = Ok(());
    for split in &splits {
        let tables = Tables::of_dataset(split.tables())?;
        let export = |scratch: &mut Vec<u8>, record: usize| {
            let record = record as u64;
            let file = original(split, &tables, record, scratch)?;
            let key = split.key(record).unwrap_or_default();
            count(write(&target(&args.out, split, key), &file, args.force)?);
            progress.add(1, file.len() as u64);
            Ok::<_, anyhow::Error>(())
        };
        let threads = parallel::threads(args.threads);
        let records = usize::try_from(split.len())?;
        result =
            result.and_then(|()| parallel::for_each(threads, records, || Ok(Vec::new()), export));
        if result.is_ok() && lies_flat(split) {
            let labels = labels(split, manifest)?;
            write(&args.out.join(LABELS_FILE), labels.as_bytes(), args.force)?;
        }
    }
    progress.finish();
    result?;
    if !quiet {
        let exported: HashSet<&str> = splits.iter().map(Split::name).collect();
        summary(
            args,
            manifest,
            &exported,
            written.into_inner(),
            present.into_inner(),
            started,
        )?;
    }
    Ok(Exit::Ok)
}

/// The source file that the record was made from, once the record's hash is right.
fn original<'a>(
    split: &'a Split,
    tables: &Tables,
    record: u64,
    scratch: &'a mut Vec<u8>,
) -> Result<Cow<'a, [u8]>> {
    let payload = split.bytes(record, scratch)?;
    split.check(record, payload)?;
    let tag = split.entry(record).map_or(0, |entry| entry.encoding);
    let file =
        Encoding::from_tag(tag).and_then(|encoding| codec::unpack_with(encoding, payload, tables));
    file.with_context(|| format!("record {record} of split {}", split.name()))
}

fn target(out: &Path, split: &Split, key: &str) -> PathBuf {
    out.join(split.name()).join(key) // keys are safe relative paths: opening a shard checks them
}

enum Outcome {
    Written,
    /// It was there already, with the same contents.
    Present,
}

/// Writes a file whole or not at all, so that an interrupted export leaves nothing half-written at
/// a file's own name.
fn write(path: &Path, bytes: &[u8], force: bool) -> Result<Outcome> {
    match fs::read(path) {
        Ok(there) if there == bytes => return Ok(Outcome::Present),
        Ok(_) if !force => bail!(
            "{}: there is another file of this name; export elsewhere, or overwrite it with --force",
            path.display()
        ),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default();
    let temporary = parent.join(format!(".{}.tmp", name.display()));
    let written = match fs::write(&temporary, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
            fs::write(&temporary, bytes)
        }
        written => written,
    };
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Outcome::Written)
}

/// Whether the files' own paths do not tell their classes.
fn lies_flat(split: &Split) -> bool {
    split.key(0).is_some_and(|key| !key.contains('/'))
}

/// Kaggle's form: a line for each image, its name without extension, its class.
fn labels(split: &Split, manifest: &Manifest) -> Result<String> {
    let mut text = "ImageId,PredictionString\n".to_owned();
    for record in 0..split.len() {
        let key = split.key(record).unwrap_or_default();
        let stem = key.rsplit_once('.').map_or(key, |(stem, _)| stem);
        let class = split
            .entry(record)
            .and_then(|entry| manifest.classes.get(entry.label as usize))
            .with_context(|| {
                format!("{key} has a label that the manifest does not know; run shard verify")
            })?;
        writeln!(text, "{stem},{}", class.synset)?;
    }
    Ok(text)
}

fn summary(
    args: &ExportArgs,
    manifest: &Manifest,
    exported: &HashSet<&str>,
    written: u64,
    present: u64,
    started: Instant,
) -> Result<()> {
    let mut out = stdout().lock();
    let seconds = text::seconds(started.elapsed().as_secs_f64());
    let dir = args.out.display();
    write!(out, "{dir}: {} written", text::count(written, "file"))?;
    if present > 0 {
        write!(out, ", {} there already", text::count(present, "file"))?;
    }
    writeln!(out, ", {seconds}")?;
    for loss in losses(manifest) {
        writeln!(out, "{loss}")?;
    }
    let skipped = manifest
        .odd
        .iter()
        .filter(|odd| odd.action == OddAction::Skipped && exported.contains(odd.split.as_str()));
    match skipped.count() as u64 {
        0 => {}
        n => writeln!(
            out,
            "{} of the source were left out when the data set was built; dataset.json lists them",
            text::count(n, "file")
        )?,
    }
    Ok(())
}
