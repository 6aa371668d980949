//! `shard build`: plan, survey, pack, manifest.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, TryLockError},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, bail};
use cli::signals::Stop;
use codec::{Encoding, Tables};
use imagenet::{OpenOptions, Source};
use record::{Dataset, Shard, TablesSummary};

use crate::{
    Exit,
    args::BuildArgs,
    build::{
        Finished,
        frontier::Frontier,
        manifest::manifest,
        note::Note,
        pack::{self, Job, Packed},
        plan::{self, Options, Shards, SplitPlan},
        report::{Report, Run, Status},
        survey::{self, Stale, Survey, Why},
        tables,
    },
    parallel,
    progress::{Progress, Scanning},
    text,
};

pub(crate) fn run(args: &BuildArgs, quiet: bool) -> Result<Exit> {
    let run = Run {
        started: Instant::now(),
        stop: Stop::listen().context("cannot handle signals")?,
    };
    let stop = run.stop.asked();
    let source = open_source(args, quiet)?;
    let source = source.as_ref();
    let tables = tables::tables(args, source, quiet)?;
    let tables = tables.as_deref();
    let options = Options {
        shards: args
            .shards
            .map_or(Shards::Bytes(args.shard_size.as_u64()), Shards::Count),
        order: args.order,
        seed: args.seed,
        check: args.check,
        storing: args.storing(),
        tables: tables.map(Tables::id),
    };
    let plan = plan::plan(source, &args.split, options)?;
    if plan.iter().all(|split| split.shards.is_empty()) {
        bail!("{}: there are no images here", args.source.display());
    }

    let out = args.out.as_path();
    // Twice: others' directories are refused before anything is touched, and what counts is what
    // lies there once no other build is at work.
    survey::survey(out, &plan, args.on_bad)?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let _lock = lock(out)?;
    let survey = survey::survey(out, &plan, args.on_bad)?;
    if !args.force {
        refuse_to_destroy(out, &survey)?;
    }
    if let Some(finished) = is_complete(args, source, tables, &plan, &survey) {
        let report = Report::new(Status::Complete, out, source, &plan, &finished);
        return report.print(args.json, quiet, &run);
    }

    announce(&survey, quiet);
    survey::sweep(out, &survey)?;
    let threads = parallel::threads(args.threads);
    let kept = verify_finished(survey.finished, threads, stop, quiet)?;
    let shards_kept = kept.len() as u64;
    let packed = pack_rest(args, source, tables, &plan, &kept, stop, quiet)?;
    let all = in_order_of_plan(&plan, kept.into_iter().chain(packed.finished));

    let planned: usize = plan.iter().map(|split| split.shards.len()).sum();
    let status = if all.len() == planned {
        if let Some(tables) = tables {
            TablesSummary::write(out, tables.as_bytes())?;
        }
        manifest(args, source, tables, &plan, &all).write(out)?;
        Status::Built
    } else if stop.load(Ordering::Relaxed) {
        Status::Interrupted
    } else {
        Status::Failed
    };
    let mut report = Report::new(status, out, source, &plan, &all);
    report.shards_kept = shards_kept;
    report.bad = packed.bad;
    if status == Status::Built && (!quiet || args.json) {
        report.frontier = frontier(out, &plan);
    }
    let exit = report.print(args.json, quiet, &run)?;
    if status == Status::Built
        && !quiet
        && let Some(advice) = text::faster_encoding(&Encoding::from(args.encoding).to_string(), out)
    {
        text::complain(&advice);
    }
    Ok(exit)
}

/// A look at the split that is trained on, or the only one. The build is done and good without it.
fn frontier(out: &Path, plan: &[SplitPlan]) -> Option<Frontier> {
    let train = plan.iter().find(|split| split.name == "train");
    let split = train.or(plan.first())?;
    Frontier::measure(out, &split.name).ok().flatten()
}

fn open_source(args: &BuildArgs, quiet: bool) -> Result<Box<dyn Source>> {
    let mut scanning = Scanning::new(quiet);
    let mut report = |progress: imagenet::Progress| {
        scanning.report(progress.split, progress.samples, progress.fraction);
    };
    let mut options = OpenOptions::new().progress(&mut report);
    if let Some(labels) = &args.labels {
        options = options.labels(labels);
    }
    let source = options.open(&args.source);
    scanning.finish();
    let source = source?;
    if !quiet {
        text::complain(&source.describe());
        let ignored = source.ignored().iter();
        let ignored = ignored.map(|file| format!("{}: {}", file.path.display(), file.reason));
        if ignored.len() > 0 {
            let count = text::count(ignored.len() as u64, "file");
            let files = text::shorten(ignored, 10);
            text::complain(&format!("{count} left aside:\n{files}"));
        }
    }
    Ok(source)
}

/// A finished data set, or shards of a split that this build does not make, are hours of work:
/// they are not thrown away unless the user says so.
fn refuse_to_destroy(out: &Path, survey: &Survey) -> Result<()> {
    let lost = survey.stale.iter().find(|stale| match stale.why {
        Why::Damaged(_) => false,
        Why::Changed(_) | Why::NotPlanned => survey.complete,
        Why::OtherSplit => true,
    });
    if let Some(Stale { path, why }) = lost {
        let what = match survey.complete {
            true => "holds a finished data set of another build",
            false => "holds shards of another build",
        };
        let name = path.file_name().unwrap_or_default().display();
        bail!(
            "{} {what} ({name}: {why}); give --out another directory, or --force to rebuild here",
            out.display()
        );
    }
    Ok(())
}

/// Keeps other builds out of the directory for as long as the handle lives. File systems that know
/// no locks go without.
fn lock(out: &Path) -> Result<File> {
    let dir = File::open(out).with_context(|| format!("cannot open {}", out.display()))?;
    match dir.try_lock() {
        Err(TryLockError::WouldBlock) => {
            bail!("{}: another shard build is at work here", out.display())
        }
        Ok(()) | Err(TryLockError::Error(_)) => Ok(dir),
    }
}

fn announce(survey: &Survey, quiet: bool) {
    if quiet {
        return;
    }
    for Stale { path, why } in &survey.stale {
        text::complain(&format!(
            "{}: {why}; removed, its images are packed anew",
            path.display()
        ));
    }
    if !survey.leftovers.is_empty() {
        let files = text::count(survey.leftovers.len() as u64, "temporary file");
        text::complain(&format!("{files} of an interrupted build removed"));
    }
}

/// Whether the data set is what this build would make, as far as the notes tell.
fn is_complete(
    args: &BuildArgs,
    source: &dyn Source,
    tables: Option<&Tables>,
    plan: &[SplitPlan],
    survey: &Survey,
) -> Option<Vec<Finished>> {
    if !survey.complete || !survey.stale.is_empty() {
        return None;
    }
    let finished = survey.finished.iter().map(|(shard, note)| Finished {
        summary: shard.summary(),
        note: note.clone(),
    });
    let finished = in_order_of_plan(plan, finished);
    let there = Dataset::open(&args.out).ok()?;
    let same = *there.manifest() == manifest(args, source, tables, plan, &finished);
    same.then_some(finished)
}

/// Checks every byte of the shards that an earlier run finished; removes those that are damaged.
fn verify_finished(
    candidates: Vec<(Shard, Note)>,
    threads: usize,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Vec<Finished>> {
    let records = candidates.iter().map(|(shard, _)| shard.len() as u64).sum();
    let progress = Progress::new("check", records, quiet);
    let verified = Mutex::new(Vec::new());
    let check = |(): &mut (), item: usize| {
        let Some((shard, note)) = candidates.get(item) else {
            return Ok(());
        };
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let summary = shard.summary();
        if let Err(damage) = shard.verify() {
            progress.say(&format!("{damage}; its images are packed anew"));
            let path = shard.path();
            return fs::remove_file(path)
                .with_context(|| format!("cannot remove {}", path.display()));
        }
        progress.add(summary.records, summary.bytes);
        let note = note.clone();
        let mut verified = verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.push(Finished { summary, note });
        Ok(())
    };
    let result = parallel::for_each(threads, candidates.len(), || Ok(()), check);
    progress.finish();
    result?;
    Ok(verified
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

fn pack_rest(
    args: &BuildArgs,
    source: &dyn Source,
    tables: Option<&Tables>,
    plan: &[SplitPlan],
    kept: &[Finished],
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Packed> {
    let done: HashSet<&str> = kept
        .iter()
        .map(|shard| shard.summary.file.as_str())
        .collect();
    let shards: Vec<_> = plan
        .iter()
        .flat_map(|split| split.shards.iter().map(move |shard| (split, shard)))
        .filter(|(_, shard)| !done.contains(shard.file.as_str()))
        .collect();
    let images = shards
        .iter()
        .map(|(_, shard)| shard.samples.len() as u64)
        .sum();
    let progress = Progress::new("build", images, quiet);
    let packed = pack::pack(&Job {
        source,
        out: &args.out,
        shards,
        on_bad: args.on_bad,
        check: args.check,
        storing: args.storing(),
        tables,
        threads: parallel::threads(args.threads),
        progress: &progress,
        stop,
    });
    progress.finish();
    packed
}

fn in_order_of_plan(
    plan: &[SplitPlan],
    shards: impl IntoIterator<Item = Finished>,
) -> Vec<Finished> {
    let mut by_file: HashMap<_, _> = shards
        .into_iter()
        .map(|shard| (shard.summary.file.clone(), shard))
        .collect();
    plan.iter()
        .flat_map(|split| &split.shards)
        .filter_map(|shard| by_file.remove(&shard.file))
        .collect()
}
