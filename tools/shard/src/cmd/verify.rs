//! `shard verify`: finds every fault of a data set, not just the first.

use std::{
    collections::HashSet,
    fs,
    io::{Write, stdout},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use codec::{CodecError, Decoder, Encoding, Health, Tables};
use record::{
    Dataset, Entry, Io, Manifest, OddAction, Shard, ShardName, ShardSummary, TABLES_FILE,
};
use serde::Serialize;

use crate::{Exit, args::VerifyArgs, parallel, progress::Progress, text};

/// Records in one piece of work: enough that claiming costs nothing, few enough that all threads
/// end together.
const PIECE: usize = 64;

/// A fault.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    /// The record's number in the file, where the fault is a record's.
    record: Option<usize>,
    key: Option<String>,
    problem: String,
}

#[derive(Debug, Serialize)]
struct Report {
    dataset: String,
    decoded: bool,
    records: u64,
    bytes: u64,
    shards: u64,
    /// Records that decode only with a warning, as the manifest says of them.
    known_damaged: u64,
    findings: Vec<Finding>,
    seconds: f64,
}

pub(crate) fn run(args: &VerifyArgs, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    let dataset = Dataset::open(&args.dataset)?;
    let manifest = dataset.manifest();
    let mut findings = unlisted_shards(dataset.dir(), manifest)?;
    let mut open = Vec::new();
    for (split, info) in &manifest.splits {
        for listed in &info.shards {
            match open_shard(dataset.dir(), listed) {
                Ok(shard) => open.push(OpenShard { split, shard }),
                Err(problem) => findings.push(Finding::of_file(&listed.file, problem)),
            }
        }
    }
    let faults = Faults {
        manifest,
        repaired: repaired(manifest),
        known_damaged: AtomicU64::new(0),
        found: Mutex::new(findings),
    };
    duplicate_keys(&open, &faults);

    let pieces = pieces(&open);
    let records = open.iter().map(|open| open.shard.len() as u64).sum();
    let bytes = open.iter().map(|open| open.shard.summary().bytes).sum();
    let progress = Progress::new("verify", records, quiet);
    let tables = match dataset.tables() {
        Ok(stored) => Tables::of_dataset(stored.as_deref())?,
        Err(problem) => {
            faults.add_of_file(TABLES_FILE, problem);
            Tables::builtin()?
        }
    };
    let checker = || {
        let decoder = args.decode.then(Decoder::new).transpose()?;
        Ok::<_, CodecError>(Checker {
            decoder: decoder.map(|decoder| decoder.with_tables(tables.clone())),
            tables: &tables,
            scratch: Vec::new(),
        })
    };
    let check = |checker: &mut Checker<'_>, piece: usize| {
        if let Some(&(shard, start)) = pieces.get(piece)
            && let Some(open) = open.get(shard)
        {
            if start == 0
                && let Err(error) = open.shard.verify_layout()
            {
                faults.add(open, None, error);
            }
            let end = (start + PIECE).min(open.shard.len());
            for record in start..end {
                let length = checker.check(open, record, &faults);
                progress.add(1, length);
            }
        }
        Ok(())
    };
    let threads = parallel::threads(args.threads);
    let result = parallel::for_each(threads, pieces.len(), checker, check);
    progress.finish();
    result.context("cannot set up a decoder")?;

    let mut findings = faults
        .found
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    findings.sort_by(|a, b| (&a.file, a.record).cmp(&(&b.file, b.record)));
    let report = Report {
        dataset: args.dataset.display().to_string(),
        decoded: args.decode,
        records,
        bytes,
        shards: open.len() as u64,
        known_damaged: faults.known_damaged.into_inner(),
        findings,
        seconds: started.elapsed().as_secs_f64(),
    };
    report.print(args.json, quiet)
}

struct OpenShard<'a> {
    split: &'a str,
    shard: Shard,
}

/// What all threads know and add to.
struct Faults<'a> {
    manifest: &'a Manifest,
    /// Split and key of the records that are known to decode only with a warning.
    repaired: HashSet<(&'a str, &'a str)>,
    known_damaged: AtomicU64,
    found: Mutex<Vec<Finding>>,
}

impl Faults<'_> {
    fn add_of_file(&self, file: &str, problem: impl ToString) {
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Finding::of_file(file, problem.to_string()));
    }

    fn add(&self, open: &OpenShard<'_>, record: Option<usize>, problem: impl ToString) {
        let key = record.and_then(|record| open.shard.key(record));
        let finding = Finding {
            file: open.shard.summary().file,
            record,
            key: key.map(ToOwned::to_owned),
            problem: problem.to_string(),
        };
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(finding);
    }
}

struct Checker<'a> {
    decoder: Option<Decoder>,
    tables: &'a Tables,
    scratch: Vec<u8>,
}

impl Checker<'_> {
    /// Checks one record; gives its length in bytes.
    fn check(&mut self, open: &OpenShard<'_>, record: usize, faults: &Faults<'_>) -> u64 {
        let Some(entry) = open.shard.entry(record) else {
            return 0;
        };
        let fault = |problem: String| faults.add(open, Some(record), problem);
        let classes = faults.manifest.classes.len();
        if entry.label as usize >= classes {
            fault(format!("label {} of {classes} classes", entry.label));
        }
        let checked = open
            .shard
            .bytes(record, &mut self.scratch)
            .and_then(|bytes| {
                open.shard.check(record, bytes)?;
                Ok(bytes)
            });
        match (checked, &mut self.decoder) {
            (Err(error), _) => fault(error.to_string()),
            (Ok(bytes), Some(decoder)) => match decode(decoder, self.tables, entry, bytes) {
                Ok(()) => {}
                Err(Fault::Warning(_))
                    if open
                        .shard
                        .key(record)
                        .is_some_and(|key| faults.repaired.contains(&(open.split, key))) =>
                {
                    faults.known_damaged.fetch_add(1, Ordering::Relaxed);
                }
                Err(Fault::Warning(problem) | Fault::Other(problem)) => fault(problem),
            },
            (Ok(_), None) => {}
        }
        u64::from(entry.length)
    }
}

enum Fault {
    Warning(String),
    Other(String),
}

fn decode(decoder: &mut Decoder, tables: &Tables, entry: Entry, bytes: &[u8]) -> Result<(), Fault> {
    let encoding = Encoding::from_tag(entry.encoding).map_err(|e| Fault::Other(e.to_string()))?;
    let (width, height) =
        codec::image_size(encoding, bytes, tables).map_err(|e| Fault::Other(e.to_string()))?;
    if (width, height) != (entry.width, entry.height) {
        return Err(Fault::Other(format!(
            "the image is {width} x {height} pixels, the index says {} x {}",
            entry.width, entry.height
        )));
    }
    match decoder.health(encoding, bytes) {
        Health::Clean => Ok(()),
        Health::Damaged(warning) => Err(Fault::Warning(format!(
            "decodes only with a warning: {warning}"
        ))),
        Health::Undecodable(error) => Err(Fault::Other(error.to_string())),
    }
}

/// Shard files in the directory that the manifest does not list, and leftovers.
fn unlisted_shards(dir: &Path, manifest: &Manifest) -> Result<Vec<Finding>> {
    let listed: HashSet<&str> = manifest
        .splits
        .values()
        .flat_map(|split| &split.shards)
        .map(|shard| shard.file.as_str())
        .collect();
    let mut findings = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let name = entry
            .with_context(|| format!("cannot read {}", dir.display()))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        let finished = name.strip_suffix(".tmp");
        if finished.is_some_and(|name| ShardName::parse(name).is_some()) {
            let problem = "left by an interrupted build; delete it";
            findings.push(Finding::of_file(&name, problem));
        } else if ShardName::parse(&name).is_some() && !listed.contains(name.as_str()) {
            let problem = "the manifest does not list this shard: it is of another build; \
                           delete it, or rebuild the data set";
            findings.push(Finding::of_file(&name, problem));
        }
    }
    Ok(findings)
}

/// The shard, unless it is missing, damaged, or not the one that the manifest lists.
fn open_shard(dir: &Path, listed: &ShardSummary) -> Result<Shard, String> {
    let path = dir.join(&listed.file);
    if !path.exists() {
        return Err("missing, though the manifest lists it; copy it here again or rebuild".into());
    }
    let shard = Shard::open(&path, Io::Map).map_err(|error| error.to_string())?;
    let found = shard.summary();
    if found != *listed {
        return Err(format!(
            "not the shard that the manifest lists: {} records, {} bytes, hash {:016x} instead of \
             {} records, {} bytes, hash {:016x}; copy the right one here or rebuild",
            found.records, found.bytes, found.hash, listed.records, listed.bytes, listed.hash
        ));
    }
    Ok(shard)
}

fn repaired(manifest: &Manifest) -> HashSet<(&str, &str)> {
    let odd = manifest.odd.iter();
    odd.filter(|odd| odd.action == OddAction::Repaired)
        .map(|odd| (odd.split.as_str(), odd.key.as_str()))
        .collect()
}

fn duplicate_keys(open: &[OpenShard<'_>], faults: &Faults<'_>) {
    let mut seen = HashSet::new();
    for one in open {
        for record in 0..one.shard.len() {
            if let Some(key) = one.shard.key(record)
                && !seen.insert((one.split, key))
            {
                faults.add(one, Some(record), "the split has this key twice; rebuild");
            }
        }
    }
}

/// Shard number and first record of each piece of work.
fn pieces(open: &[OpenShard<'_>]) -> Vec<(usize, usize)> {
    let of_shard = |(number, open): (usize, &OpenShard<'_>)| {
        // An empty shard still has a layout to verify.
        (0..open.shard.len().max(1))
            .step_by(PIECE)
            .map(move |start| (number, start))
    };
    open.iter().enumerate().flat_map(of_shard).collect()
}

impl Finding {
    fn of_file(file: &str, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            record: None,
            key: None,
            problem: problem.into(),
        }
    }
}

impl Report {
    fn print(&self, json: bool, quiet: bool) -> Result<Exit> {
        let printed = self.write(json, quiet);
        // The verdict is in the exit code even where nobody reads on.
        match self.findings.is_empty() {
            true => printed.map(|()| Exit::Ok),
            false => Ok(Exit::Failed),
        }
    }

    fn write(&self, json: bool, quiet: bool) -> Result<()> {
        let mut out = stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
        } else {
            for Finding {
                file,
                record,
                key,
                problem,
            } in &self.findings
            {
                // The record's own errors name path, record and key already.
                match (record, key) {
                    (Some(record), Some(key)) if !problem.contains(key.as_str()) => {
                        writeln!(out, "{file}: record {record} ({key}): {problem}")?;
                    }
                    _ if problem.contains(file.as_str()) => writeln!(out, "{problem}")?,
                    _ => writeln!(out, "{file}: {problem}")?,
                }
            }
            if !quiet || !self.findings.is_empty() {
                writeln!(out, "{}", self.verdict())?;
            }
        }
        Ok(())
    }

    fn verdict(&self) -> String {
        let what = match self.decoded {
            true => "every hash checked, every image decoded",
            false => "every hash checked",
        };
        let verdict = match self.findings.len() as u64 {
            0 => "all is well".to_owned(),
            n => text::count(n, "fault"),
        };
        let known = match self.known_damaged {
            0 => String::new(),
            n => format!(
                " ({} known to be damaged, and kept at build)",
                text::count(n, "image")
            ),
        };
        format!(
            "{}: {verdict}: {}, {} in {}, {what}{known}, {}",
            self.dataset,
            text::count(self.records, "record"),
            text::bytes(self.bytes),
            text::count(self.shards, "shard"),
            text::seconds(self.seconds)
        )
    }
}
