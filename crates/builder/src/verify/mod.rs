//! Finds every fault of a data set, not just the first. It changes nothing.

mod error;
mod files;
mod record_check;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use codec::Tables;
use record::{Dataset, Manifest, OddAction, Shard, TABLES_FILE};
use serde::Serialize;

use crate::event::{Event, Pass, Running};
use crate::parallel;

use record_check::Checker;

pub use error::VerifyError;

/// Records in one piece of work: enough that claiming costs nothing, few enough that all threads
/// end together.
const PIECE: usize = 64;

/// How to verify.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions {
    /// Decode every image too.
    pub decode: bool,
    /// How many threads work; all cores if absent.
    pub threads: Option<NonZeroUsize>,
}

/// What was verified, and what is wrong with it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The data set's directory.
    pub dataset: String,
    /// Whether every image was decoded.
    pub decoded: bool,
    /// Records that were checked.
    pub records: u64,
    /// Bytes of their shards.
    pub bytes: u64,
    /// Shards that could be opened.
    pub shards: u64,
    /// Records that decode only with a warning, as the manifest says.
    pub known_damaged: u64,
    /// All faults, by file and record. Empty if the data set is sound.
    #[serde(rename = "findings")]
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a data set.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// The file in the data set's directory.
    pub file: String,
    /// The record's number in the file, if a record is wrong.
    pub record: Option<usize>,
    /// Its key.
    pub key: Option<String>,
    /// What is wrong, and how to fix it.
    pub problem: String,
}

/// Checks every header, index, record hash and byte of padding of a data set, and its manifest.
///
/// # Errors
/// If there is no data set with a readable manifest, or a decoder cannot be set up. Damage is not an error: see
/// [`Verified::faults`].
pub fn verify(
    dataset: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Verified, VerifyError> {
    let dataset = Dataset::open(dataset)?;
    let manifest = dataset.manifest();
    let mut found = files::unlisted(dataset.dir(), manifest)?;
    let mut open = Vec::new();
    for (split, info) in &manifest.splits {
        for listed in &info.shards {
            match files::open_shard(dataset.dir(), listed) {
                Ok(shard) => open.push(OpenShard { split, shard }),
                Err(problem) => found.push(Fault::of_file(&listed.file, problem)),
            }
        }
    }
    let tables = match dataset.tables() {
        Ok(stored) => Tables::of_dataset(stored.as_deref())?,
        Err(problem) => {
            found.push(Fault::of_file(TABLES_FILE, problem.to_string()));
            Tables::builtin()?
        }
    };
    let faults = Faults {
        classes: manifest.classes.len(),
        repaired: repaired(manifest),
        known_damaged: AtomicU64::new(0),
        found: Mutex::new(found),
    };
    find_duplicate_keys(&open, &faults);

    let records = open.iter().map(|open| open.shard.len() as u64).sum();
    let pieces = pieces(&open);
    let running = Running::begin(progress, Pass::Verify, records);
    let checker = || Checker::new(options.decode, &tables);
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
                running.done(1, length);
            }
        }
        Ok(())
    };
    let threads = parallel::thread_count(options.threads);
    parallel::for_each(threads, pieces.len(), checker, check)?;

    let mut found = faults
        .found
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|a, b| (&a.file, a.record).cmp(&(&b.file, b.record)));
    Ok(Verified {
        dataset: dataset.dir().display().to_string(),
        decoded: options.decode,
        records,
        bytes: open.iter().map(|open| open.shard.summary().bytes).sum(),
        shards: open.len() as u64,
        known_damaged: faults.known_damaged.into_inner(),
        faults: found,
    })
}

struct OpenShard<'a> {
    split: &'a str,
    shard: Shard,
}

/// What all threads know and add to.
struct Faults<'a> {
    /// How many classes there are.
    classes: usize,
    /// Split and key of the records that are known to decode only with a warning.
    repaired: HashSet<(&'a str, &'a str)>,
    known_damaged: AtomicU64,
    found: Mutex<Vec<Fault>>,
}

impl Faults<'_> {
    fn add(&self, open: &OpenShard<'_>, record: Option<usize>, problem: impl ToString) {
        let key = record.and_then(|record| open.shard.key(record));
        let fault = Fault {
            file: open.shard.summary().file,
            record,
            key: key.map(ToOwned::to_owned),
            problem: problem.to_string(),
        };
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    /// A warning is a fault, unless the record was kept in spite of it.
    fn add_warning(&self, open: &OpenShard<'_>, record: usize, problem: impl ToString) {
        let key = open.shard.key(record);
        match key.is_some_and(|key| self.repaired.contains(&(open.split, key))) {
            true => {
                self.known_damaged.fetch_add(1, Ordering::Relaxed);
            }
            false => self.add(open, Some(record), problem),
        }
    }
}

impl Fault {
    fn of_file(file: &str, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            record: None,
            key: None,
            problem: problem.into(),
        }
    }
}

fn repaired(manifest: &Manifest) -> HashSet<(&str, &str)> {
    let odd = manifest.odd.iter();
    odd.filter(|odd| odd.action == OddAction::Repaired)
        .map(|odd| (odd.split.as_str(), odd.key.as_str()))
        .collect()
}

fn find_duplicate_keys(open: &[OpenShard<'_>], faults: &Faults<'_>) {
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
