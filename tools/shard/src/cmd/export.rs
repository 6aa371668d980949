//! `shard export`: gives the source files back, all of them or one.

use std::io::{Write, stdout};
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use builder::{ExportOptions, Exported};
use record::Dataset;

use crate::args::ExportArgs;
use crate::cmd::default_split;
use crate::watch::Watch;
use crate::{Exit, text};

pub(crate) fn run(args: &ExportArgs, quiet: bool) -> Result<Exit> {
    match args.record {
        Some(record) => export_one(args, record)?,
        None => export_all(args, quiet)?,
    }
    Ok(Exit::Ok)
}

fn export_one(args: &ExportArgs, record: u64) -> Result<()> {
    let dataset = Dataset::open(&args.dataset)?;
    let split = default_split(dataset.manifest(), args.split.as_deref())?;
    let file = builder::source_file(&dataset, split, record)?;
    if args.out == Path::new("-") {
        let mut out = stdout().lock();
        out.write_all(&file)?;
        out.flush()?;
    } else if args.out.is_dir() {
        bail!(
            "{}: is a directory; --record writes one file: give its name, or - for standard output",
            args.out.display()
        );
    } else {
        builder::write_file(&args.out, &file, args.force)?;
    }
    Ok(())
}

fn export_all(args: &ExportArgs, quiet: bool) -> Result<()> {
    let started = Instant::now();
    let watch = Watch::new(quiet);
    if args.out == Path::new("-") {
        bail!("--out - writes one image to standard output; choose it with --record K");
    }
    let options = ExportOptions {
        split: args.split.clone(),
        overwrite: args.force,
        threads: args.threads,
    };
    let exported = builder::export(&args.dataset, &args.out, &options, &|event| {
        watch.show(event);
    })?;
    if !quiet {
        print(args, &exported, started)?;
    }
    Ok(())
}

fn print(args: &ExportArgs, exported: &Exported, started: Instant) -> Result<()> {
    let mut out = stdout().lock();
    let seconds = text::seconds(started.elapsed().as_secs_f64());
    let dir = args.out.display();
    let written = text::count(exported.written, "file");
    write!(out, "{dir}: {written} written")?;
    if exported.present > 0 {
        let present = text::count(exported.present, "file");
        write!(out, ", {present} there already")?;
    }
    writeln!(out, ", {seconds}")?;
    for loss in &exported.losses {
        writeln!(out, "{loss}")?;
    }
    if exported.left_out > 0 {
        let files = text::count(exported.left_out, "file");
        writeln!(
            out,
            "{files} of the source were left out when the data set was built; dataset.json lists them"
        )?;
    }
    Ok(())
}
