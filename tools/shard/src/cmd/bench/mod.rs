//! `shard bench`: the input pipeline alone, as fast as it goes. It trains nothing. It writes only its report, and with
//! `--compare` data sets in a temporary directory that it removes.

mod cold;
mod compare;
mod measurement;
mod pipeline;
mod print;
mod report;

use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use loader::{Dataset, Io, Loader, StatsSnapshot};
use recipe::Recipe;

use crate::args::BenchArgs;
use crate::cmd::thread_count;
use crate::{Exit, text};
use measurement::Run;
use report::{Report, Set};

pub(crate) fn run(args: &BenchArgs, quiet: bool) -> Result<Exit> {
    let json_only = args.json.as_deref() == Some(Path::new("-"));
    let quiet = quiet || json_only;
    let recipe = pipeline::read(args)?;
    let scratch; // removed when it goes out of scope, after the last run
    let sets = if args.compare.is_empty() {
        vec![Set::open(&args.dataset, &args.split, None)?]
    } else {
        scratch = compare::Scratch::build(args, quiet)?;
        scratch.sets(&args.split)?
    };
    let mut report = Report::new(args, &recipe, sets);
    if !quiet {
        report.print_heading()?;
    }
    // Each round measures everything once, so that a slow minute of the machine affects all alike.
    for _ in 0..args.rounds {
        for set in 0..report.sets.len() {
            for threads in thread_counts(args) {
                let run = measure(&report.sets[set], args, &recipe, threads)?;
                if !quiet && args.rounds == 1 {
                    run.print()?;
                }
                report.runs.push(run);
            }
        }
    }
    report.conclude()?;
    if !quiet {
        report.print_conclusion()?;
        if let [set] = &report.sets[..]
            && let Some(advice) = text::faster_encoding(&set.encoding, &set.dataset)
        {
            writeln!(stdout().lock(), "{advice}")?;
        }
    }
    if let Some(path) = &args.json {
        report.write_json(path)?;
    }
    Ok(Exit::Ok)
}

impl Set {
    /// Opens a split of a data set. `name` is its name in the report, instead of the encoding.
    fn open(dataset: &Path, split: &str, name: Option<String>) -> Result<Self> {
        let opened = Dataset::open(dataset)?;
        let records = opened.split(split, Io::Map)?;
        if records.is_empty() {
            bail!("{}: split {split} is empty", dataset.display());
        }
        let encoding = opened.manifest().encoding.clone();
        let shards = records.shards().iter().map(|shard| shard.path().to_owned());
        Ok(Self {
            name: name.unwrap_or_else(|| encoding.clone()),
            dataset: dataset.to_owned(),
            split: split.to_owned(),
            encoding,
            records: records.len(),
            bytes: records
                .shards()
                .iter()
                .map(|shard| shard.summary().bytes)
                .sum(),
            shards: shards.collect(),
        })
    }
}

fn thread_counts(args: &BenchArgs) -> Vec<usize> {
    let mut counts: Vec<usize> = match args.threads.is_empty() {
        true => vec![1, thread_count(None)],
        false => args
            .threads
            .iter()
            .copied()
            .map(NonZeroUsize::get)
            .collect(),
    };
    counts.dedup();
    counts
}

fn measure(set: &Set, args: &BenchArgs, recipe: &Recipe, threads: usize) -> Result<Run> {
    if args.cold {
        cold::drop_from_cache(&set.shards)?;
    }
    let split = Arc::new(Dataset::open(&set.dataset)?.split(&set.split, Io::Map)?);
    let config = pipeline::config(&split, args, recipe, threads)?;
    let (mut cpu, mut read) = (ProcessTime::now(), cold::bytes_read());
    let mut loader = Loader::start(split, config)?;
    // A cold run is measured from its first record on, for the workers have already begun.
    let mut before = StatsSnapshot::default();
    if !args.cold {
        consume(&mut loader, args.warmup)?;
        (cpu, read, before) = (ProcessTime::now(), cold::bytes_read(), loader.stats());
    }
    consume(&mut loader, args.seconds)?;
    // Batches that were ready before the clock started measure nothing.
    while loader.stats().since(&before).images < recipe.batch_size.get().into() {
        match loader.next() {
            Some(batch) => drop(batch?),
            None => break,
        }
    }
    let (interval, cpu) = (loader.stats().since(&before), cpu.elapsed());
    let from_disk = read.zip(cold::bytes_read()).map(|(from, to)| to - from);
    Ok(Run::new(set.name.clone(), &interval, cpu, from_disk))
}

/// Takes batches for this many seconds or until there are no more, and at least one.
fn consume(loader: &mut Loader, seconds: f64) -> Result<()> {
    let started = Instant::now();
    let mut taken = false;
    loop {
        match loader.next() {
            Some(batch) => {
                batch?;
                taken = true;
            }
            None if taken => return Ok(()),
            None => bail!("the loader ended before its first batch"),
        }
        if started.elapsed().as_secs_f64() >= seconds {
            return Ok(());
        }
    }
}

/// Where `--compare` builds its data sets.
fn scratch_parent(args: &BenchArgs) -> Result<PathBuf> {
    match &args.scratch {
        Some(dir) => Ok(dir.clone()),
        None => {
            std::path::absolute(std::env::temp_dir()).context("there is no temporary directory")
        }
    }
}
