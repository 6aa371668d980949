//! `shard build`: opens the source, runs the library's builder, and reports.

use std::io::{Write, stdout};
use std::time::Instant;

use anyhow::{Context, Result};
use builder::{Builder, Built, ShardSize, Status};
use cli::signals::Stop;
use codec::Encoding;
use imagenet::{OpenOptions, Source};
use serde::Serialize;

use crate::args::BuildArgs;
use crate::cmd::frontier::Frontier;
use crate::progress::Scanning;
use crate::watch::Watch;
use crate::{Exit, text};

pub(crate) fn run(args: &BuildArgs, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    let stop = Stop::listen().context("cannot handle signals")?;
    let source = open_source(args, quiet)?;
    let watch = Watch::new(quiet);
    let show = |event: builder::Event<'_>| watch.show(event);
    let built = configure(Builder::new(source), args)
        .stop(stop.asked())
        .progress(&show)
        .write(&args.out)?;

    let finished = built.status == Status::Built;
    let frontier = match finished && (!quiet || args.json) {
        true => frontier(&built),
        false => None,
    };
    let summary = Summary {
        built,
        seconds: started.elapsed().as_secs_f64(),
        frontier,
    };
    let printed = summary.print(args.json, quiet);
    if !args.json && summary.built.status == Status::Failed {
        text::complain(&summary.failure());
    }
    // The exit code tells how the build ended, even if nobody reads the report.
    match summary.built.status {
        Status::Interrupted => return Ok(Exit::Interrupted(stop.exit_code())),
        Status::Complete | Status::Built => printed?,
        _ => return Ok(Exit::Failed),
    }
    let encoding = Encoding::from(args.encoding).to_string();
    if finished
        && !quiet
        && let Some(advice) = text::faster_encoding(&encoding, &args.out)
    {
        text::complain(&advice);
    }
    Ok(Exit::Ok)
}

fn configure<'a>(builder: Builder<'a>, args: &BuildArgs) -> Builder<'a> {
    let size = ShardSize::Bytes(args.shard_size.as_u64());
    let builder = builder
        .splits(&args.split)
        .shard_size(args.shards.map_or(size, ShardSize::Count))
        .shuffle_seed(args.seed)
        .check(args.check)
        .on_bad(args.on_bad)
        .storage(args.storage())
        .rebuild(args.force);
    let builder = match args.order {
        Some(order) => builder.order(order),
        None => builder,
    };
    match args.threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    }
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
            text::complain(&format!("{count} ignored:\n{files}"));
        }
    }
    Ok(source)
}

/// A look at the split that is trained on, or the only one. The build is finished and sound without it.
fn frontier(built: &Built) -> Option<Frontier> {
    let train = built.splits.iter().find(|split| *split == "train");
    let split = train.or(built.splits.first())?;
    Frontier::measure(&built.out, split).ok().flatten()
}

/// What a build tells its user at the end, in words or as JSON.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    built: Built,
    seconds: f64,
    /// Size and speed of what was built; known for new sets that are not tiny.
    #[serde(skip_serializing_if = "Option::is_none")]
    frontier: Option<Frontier>,
}

impl Summary {
    fn print(&self, json: bool, quiet: bool) -> Result<()> {
        let mut out = stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
        } else if !quiet {
            out.write_all(self.text().as_bytes())?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let built = &self.built;
        let out = built.out.display();
        let mut lines = self.headline();
        if built.shards_kept > 0 {
            let kept = text::count(built.shards_kept, "shard");
            lines.push(format!("{kept} of an earlier run verified and kept"));
        }
        lines.push(built.source.clone());
        for (what, counts, outcome) in [
            ("unusual file", &built.kept, ", stored as they are"),
            ("damaged file", &built.repaired, " kept (repaired)"),
            ("bad file", &built.skipped, " left out (skipped)"),
        ] {
            if counts.files > 0 {
                let files = text::count(counts.files, what);
                lines.push(format!("{files}{outcome}: {counts}"));
            }
        }
        lines.extend(self.frontier.as_ref().map(Frontier::text));
        if built.status == Status::Built {
            lines.push(format!(
                "next: shard verify {out}   shard bench {out}   shard inspect {out}"
            ));
            if !built.splits.iter().any(|split| split == "val") {
                lines
                    .push("there is no val split: training works, validation needs one".to_owned());
            }
        }
        lines.join("\n") + "\n"
    }

    fn headline(&self) -> Vec<String> {
        let built = &self.built;
        let (out, planned) = (built.out.display(), built.shards_planned);
        let records = text::count(built.records, "image");
        let shards = text::count(built.shards, "shard");
        let (bytes, seconds) = (text::bytes(built.bytes), text::seconds(self.seconds));
        match built.status {
            Status::Complete => vec![
                format!("{out} is complete: {records}, {bytes} in {shards}; nothing to do"),
                "(to rebuild a damaged shard, delete its file and run this again)".to_owned(),
            ],
            Status::Built => vec![format!("{out}: {records}, {bytes} in {shards}, {seconds}")],
            Status::Interrupted => vec![format!(
                "interrupted with {} of {planned} shards finished; run the same command again to continue",
                built.shards
            )],
            _ => vec![format!(
                "{out}: {} of {planned} shards finished and kept",
                built.shards
            )],
        }
    }

    fn failure(&self) -> String {
        let bad = &self.built.bad;
        let repairable = bad.iter().filter(|file| file.repairable).count() as u64;
        let mut text = format!("shard: {}:\n", text::count(bad.len() as u64, "bad file"));
        for file in bad {
            let key = text::printable(&file.key);
            text += &format!("  {}/{key}: {}\n", file.split, file.cause);
        }
        text += "Run the same command with --on-bad skip to leave them out";
        if repairable > 0 {
            let which = text::count(repairable, "file");
            text +=
                &format!(", or with --on-bad repair to keep the {which} that decode with warnings");
        }
        text + "; finished shards are kept.\n"
    }
}
