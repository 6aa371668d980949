//! `shard bench`: the input pipeline alone, as fast as it goes. It trains nothing and writes nothing but
//! its report, and with `--compare` data sets in a scratch directory that it removes.

mod cold;
mod compare;
pub(crate) mod recipe;
mod report;

use std::{
    io::{Write, stdout},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use augment::Filter;
use cpu_time::ProcessTime;
use loader::{
    Cursor, Decode, Loader, LoaderConfig, LoaderRecipe, OnError, Output, Preprocess, Shuffle,
    StatsSnapshot, Tuning,
};
use record::{Dataset, Io, Split};

use crate::{
    Exit,
    args::{BenchArgs, OutputKind},
    cmd::thread_count,
    text,
};
use report::{Report, Run, Set};

/// Batches in the making while one is consumed.
const SLOTS: usize = 3;

/// The short side that validation images are scaled to is the output's over this.
const CROP_PCT: f64 = 0.875;

pub(crate) fn run(args: &BenchArgs, quiet: bool) -> Result<Exit> {
    let json_only = args.json.as_deref() == Some(Path::new("-"));
    let quiet = quiet || json_only;
    let recipe = recipe::read(args)?;
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
    // Rounds go round all that is compared, so that a slow minute of the machine is everybody's.
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
    /// A split of a data set, under the name that it has in the report.
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

fn is_train(args: &BenchArgs) -> bool {
    args.split == "train"
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

/// The loader's configuration: the recipe's for training images, MindCV's for validation images.
fn config(
    split: &Split,
    args: &BenchArgs,
    recipe: &LoaderRecipe,
    workers: usize,
) -> Result<LoaderConfig> {
    let mut config = recipe.train(Cursor::start(0), u64::MAX, workers, SLOTS)?;
    config.tuning = Tuning {
        pin: args.pin,
        ..config.tuning
    };
    // A set smaller than a batch is measured in the batches that it has.
    config.drop_last = split.len() >= u64::from(config.batch);
    config.output = match args.output {
        OutputKind::U8 => Output::U8Nhwc,
        OutputKind::F32 => Output::F32Nchw(recipe.normalize()?),
    };
    config.on_error = OnError::Fail;
    if !is_train(args) {
        config.shuffle = Shuffle::None;
        config.mix = None;
        config.decode = Decode::Exact;
        config.preprocess = Preprocess::Eval {
            crop_pct: CROP_PCT,
            filter: Filter::Bilinear,
        };
    }
    if args.cold {
        // What has been read once is warm.
        config.epochs = 1;
    }
    Ok(config)
}

fn measure(set: &Set, args: &BenchArgs, recipe: &LoaderRecipe, threads: usize) -> Result<Run> {
    if args.cold {
        cold::drop_from_cache(&set.shards)?;
    }
    let split = Arc::new(Dataset::open(&set.dataset)?.split(&set.split, Io::Map)?);
    let config = config(&split, args, recipe, threads)?;
    let (mut cpu, mut read) = (ProcessTime::now(), cold::bytes_read());
    let mut loader = Loader::start(split, config)?;
    // A cold run is measured from its first record on: the workers have begun already.
    let mut before = StatsSnapshot::default();
    if !args.cold {
        consume(&mut loader, args.warmup)?;
        (cpu, read, before) = (ProcessTime::now(), cold::bytes_read(), loader.stats());
    }
    consume(&mut loader, args.seconds)?;
    // Batches that were ready before the clock ran are no measure of anything.
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

/// Takes batches, at least one, for so many seconds or until there are no more.
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
            None => bail!("the loader ended early"),
        }
        if started.elapsed().as_secs_f64() >= seconds {
            return Ok(());
        }
    }
}

/// Where `--compare` works unless told otherwise.
fn scratch_parent(args: &BenchArgs) -> Result<PathBuf> {
    match &args.scratch {
        Some(dir) => Ok(dir.clone()),
        None => {
            std::path::absolute(std::env::temp_dir()).context("there is no temporary directory")
        }
    }
}
