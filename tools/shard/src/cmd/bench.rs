//! `shard bench`: the input pipeline alone, as fast as it goes.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write, stdout},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};
use augment::{Filter, Normalize, RandomResizedCrop};
use cpu_time::ProcessTime;
use loader::{
    Binding, Cursor, Decode, Loader, LoaderConfig, OnError, Output, Preprocess, Shuffle, Stage,
    StatsSnapshot,
};
use record::{Dataset, Io, Split};
use serde::Serialize;

use crate::{
    Exit,
    args::{BenchArgs, DecodeKind, OutputKind},
    machine::Machine,
    parallel, text,
};

/// Images per second that eight Ascend 910* cards consume (MindCV's README: 8 x 32 images, 80.97 ms
/// a step).
const TARGET: f64 = 3161.66;

/// Batches in the making while one is consumed.
const SLOTS: usize = 3;

/// The short side that validation images are scaled to is the output's over this.
const CROP_PCT: f64 = 0.875;

#[derive(Serialize)]
struct Report {
    /// Of the best run; all runs follow.
    img_per_s: f64,
    img_per_s_per_core: f64,
    cpu_percent: f64,
    stages_us: BTreeMap<&'static str, f64>,
    threads: usize,
    target: Target,
    runs: Vec<Run>,
    dataset: Measured,
    machine: Machine,
    command: String,
    version: &'static str,
    date: String,
}

#[derive(Clone, Serialize)]
struct Run {
    threads: usize,
    img_per_s: f64,
    /// Over the cores that were in fact busy: CPU time, not threads.
    img_per_s_per_core: f64,
    /// 100 is one core.
    cpu_percent: f64,
    mb_per_s: f64,
    /// Microseconds of a thread for one image.
    stages_us: BTreeMap<&'static str, f64>,
    /// What sets the pace.
    binding: String,
    images: u64,
    decode_warnings: u64,
    failures: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct Target {
    img_per_s: f64,
    /// The best run's rate over the target.
    share: f64,
    /// Cores of this machine that would reach it at the best run's rate for each core.
    cores_needed: f64,
}

#[derive(Serialize)]
struct Measured {
    path: String,
    split: String,
    records: u64,
    bytes: u64,
    batch: u32,
    size: u32,
    output: OutputKind,
    decode: DecodeKind,
    encoding: String,
    preprocess: &'static str,
}

pub(crate) fn run(args: &BenchArgs, quiet: bool) -> Result<Exit> {
    let dataset = Dataset::open(&args.dataset)?;
    let split = Arc::new(dataset.split(&args.split, Io::Map)?);
    if split.is_empty() {
        bail!("{}: split {} is empty", args.dataset.display(), args.split);
    }
    let machine = Machine::this();
    let json_only = args.json.as_deref() == Some(Path::new("-"));
    let quiet = quiet || json_only;
    let measured = Measured {
        path: args.dataset.display().to_string(),
        split: args.split.clone(),
        records: split.len(),
        bytes: split
            .shards()
            .iter()
            .map(|shard| shard.summary().bytes)
            .sum(),
        batch: args.batch,
        size: args.size,
        output: args.output,
        decode: args.decode,
        encoding: dataset.manifest().encoding.clone(),
        preprocess: match is_train(args) {
            true => "random resized crop (0.08-1, 3/4-4/3), bilinear, horizontal flip",
            false => "short side scaled, centre crop (0.875), bilinear",
        },
    };
    if !quiet {
        print_heading(&machine, &measured)?;
    }
    let mut runs = Vec::new();
    for threads in thread_counts(args) {
        let run = measure(&split, args, threads)?;
        if !quiet {
            print_run(&run)?;
        }
        runs.push(run);
    }
    let report = report(machine, measured, runs)?;
    if !quiet {
        print_verdict(&report)?;
    }
    if let Some(path) = &args.json {
        write_json(&report, path)?;
    }
    Ok(Exit::Ok)
}

fn is_train(args: &BenchArgs) -> bool {
    args.split == "train"
}

fn thread_counts(args: &BenchArgs) -> Vec<usize> {
    let mut counts: Vec<usize> = match args.threads.is_empty() {
        true => vec![1, parallel::threads(None)],
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

fn config(split: &Split, args: &BenchArgs, workers: usize) -> LoaderConfig {
    LoaderConfig {
        batch: args.batch,
        size: args.size,
        rank: 0,
        world: 1,
        workers,
        slots: SLOTS,
        shuffle: match is_train(args) {
            true => Shuffle::Full,
            false => Shuffle::None,
        },
        // A set smaller than a batch is measured in the batches that it has.
        drop_last: split.len() >= u64::from(args.batch),
        start: Cursor::start(0),
        epochs: u64::MAX,
        preprocess: match is_train(args) {
            true => Preprocess::Train {
                crop: RandomResizedCrop::default(),
                filter: Filter::Bilinear,
                hflip: 0.5,
                vflip: 0.0,
                jitter: None,
                erase: None,
            },
            false => Preprocess::Eval {
                crop_pct: CROP_PCT,
                filter: Filter::Bilinear,
            },
        },
        decode: match args.decode {
            DecodeKind::Fast => Decode::Fast,
            DecodeKind::Exact => Decode::Exact,
        },
        output: match args.output {
            OutputKind::U8 => Output::U8Nhwc,
            OutputKind::F32 => Output::F32Nchw(Normalize::default()),
        },
        on_error: OnError::Fail,
    }
}

fn measure(split: &Arc<Split>, args: &BenchArgs, threads: usize) -> Result<Run> {
    let mut loader = Loader::start(split.clone(), config(split, args, threads))?;
    consume(&mut loader, args.warmup)?;
    let (before, cpu) = (loader.stats(), ProcessTime::now());
    consume(&mut loader, args.seconds)?;
    let (interval, cpu) = (loader.stats().since(&before), cpu.elapsed());
    Ok(Run::new(&interval, cpu))
}

/// Takes batches, at least one, for so many seconds.
fn consume(loader: &mut Loader, seconds: f64) -> Result<()> {
    let started = Instant::now();
    loop {
        loader.next().context("the loader ended early")??;
        if started.elapsed().as_secs_f64() >= seconds {
            return Ok(());
        }
    }
}

impl Run {
    fn new(interval: &StatsSnapshot, cpu: Duration) -> Self {
        let seconds = interval.elapsed.as_secs_f64();
        let cores = cpu.as_secs_f64() / seconds;
        let img_per_s = interval.images_per_second();
        Self {
            threads: interval.workers,
            img_per_s,
            img_per_s_per_core: img_per_s / cores,
            cpu_percent: cores * 100.0,
            mb_per_s: interval.bytes as f64 / seconds / 1e6,
            stages_us: Stage::ALL
                .into_iter()
                .map(|stage| (stage.name(), interval.stage_us(stage)))
                .collect(),
            binding: match interval.binding() {
                Binding::Workers(stage) => stage.name().to_owned(),
                _ => "consumer".to_owned(),
            },
            images: interval.images,
            decode_warnings: interval.warnings,
            failures: interval.failures,
            seconds,
        }
    }
}

fn report(machine: Machine, dataset: Measured, runs: Vec<Run>) -> Result<Report> {
    let best = runs
        .iter()
        .max_by(|a, b| a.img_per_s.total_cmp(&b.img_per_s))
        .context("no number of threads was given")?
        .clone();
    Ok(Report {
        img_per_s: best.img_per_s,
        img_per_s_per_core: best.img_per_s_per_core,
        cpu_percent: best.cpu_percent,
        stages_us: best.stages_us,
        threads: best.threads,
        target: Target {
            img_per_s: TARGET,
            share: best.img_per_s / TARGET,
            cores_needed: TARGET / best.img_per_s_per_core,
        },
        runs,
        dataset,
        machine,
        command: env::args().collect::<Vec<_>>().join(" "),
        version: env!("CARGO_PKG_VERSION"),
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    })
}

fn print_heading(machine: &Machine, measured: &Measured) -> Result<()> {
    let mut out = stdout().lock();
    let cores = text::count(machine.cores as u64, "core");
    writeln!(out, "{}, {cores}", machine.cpu)?;
    writeln!(
        out,
        "{} {}: {}, {}, {}, stored as {}; {}, decoded {}; out: {} px {:?} in batches of {}",
        measured.path,
        measured.split,
        text::count(measured.records, "image"),
        text::bytes(measured.bytes),
        text::bytes(measured.bytes / measured.records.max(1)) + " each",
        measured.encoding,
        measured.preprocess,
        match measured.decode {
            DecodeKind::Fast => "fast",
            DecodeKind::Exact => "exactly",
        },
        measured.size,
        measured.output,
        measured.batch
    )?;
    Ok(())
}

fn print_run(run: &Run) -> Result<()> {
    let mut out = stdout().lock();
    let threads = text::count(run.threads as u64, "thread");
    writeln!(
        out,
        "\n{threads}: {:.0} img/s, {:.0} img/s for each busy core, CPU {:.0} %, {:.1} MB/s stored",
        run.img_per_s, run.img_per_s_per_core, run.cpu_percent, run.mb_per_s
    )?;
    let total: f64 = run.stages_us.values().sum();
    for stage in Stage::ALL {
        let us = run.stages_us.get(stage.name()).copied().unwrap_or_default();
        let bar = text::bar(us as u64, total as u64, 32);
        writeln!(out, "  {:<14} {us:>8.1} us  {bar}", stage.name())?;
    }
    if run.decode_warnings > 0 {
        let images = text::count(run.decode_warnings, "image");
        writeln!(out, "  {images} decoded with a warning (truncated data)")?;
    }
    Ok(())
}

fn print_verdict(report: &Report) -> Result<()> {
    let Target {
        share,
        cores_needed,
        ..
    } = &report.target;
    let percent = share * 100.0;
    writeln!(
        stdout().lock(),
        "\nbest: {:.0} img/s with {}: {percent:.0} % of the target of {TARGET} img/s (eight Ascend 910* cards);\n\
         it would take {cores_needed:.1} cores like these",
        report.img_per_s,
        text::count(report.threads as u64, "thread")
    )?;
    Ok(())
}

fn write_json(report: &Report, path: &Path) -> Result<()> {
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    if path == Path::new("-") {
        stdout().lock().write_all(&json)?;
    } else {
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
