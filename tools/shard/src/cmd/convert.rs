//! `shard convert`: stores a data set's images in another encoding, and reports.

use std::io::{Write, stdout};
use std::time::Instant;

use anyhow::Result;
use builder::ConvertOptions;

use crate::args::ConvertArgs;
use crate::watch::Watch;
use crate::{Exit, text};

pub(crate) fn run(args: &ConvertArgs, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    let watch = Watch::new(quiet);
    let options = ConvertOptions {
        to: args.to,
        from: args.from,
        tables: args.tables,
        pixels: args.pixels.options(),
        threads: args.threads,
    };
    let converted = builder::convert(&args.dataset, &args.out, &options, &|event| {
        watch.show(event);
    })?;
    if !quiet {
        writeln!(
            stdout().lock(),
            "{}: {} as {}, {} (was {}), {}",
            args.out.display(),
            text::count(converted.records, "record"),
            converted.encoding,
            text::bytes(converted.bytes),
            text::bytes(converted.bytes_before),
            text::seconds(started.elapsed().as_secs_f64())
        )?;
    }
    Ok(Exit::Ok)
}
