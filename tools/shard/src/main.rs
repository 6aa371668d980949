//! The `shard` program: packs raw images into shards, and verifies, inspects, converts, exports and
//! benchmarks them. It has arguments, progress bars, reports and exit codes; the work is done by the
//! libraries, `builder` above all.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod text;
mod watch;

use std::process::ExitCode;

use clap::error::ErrorKind as Usage;
use clap::{CommandFactory, Parser};
use cli::exit::Exit;
use cli::{exit, machine, progress};

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse(); // wrong usage exits with 2
    let contradiction: Option<String> = match &cli.command {
        Command::Build(args) => args.contradiction(),
        Command::Convert(args) => args.contradiction(),
        _ => None,
    };
    if let Some(words) = contradiction {
        Cli::command().error(Usage::ArgumentConflict, words).exit();
    }
    let result = match &cli.command {
        Command::Build(args) => cmd::build::run(args, cli.quiet),
        Command::Verify(args) => cmd::verify::run(args, cli.quiet),
        Command::Inspect(args) => cmd::inspect::run(args),
        Command::Convert(args) => cmd::convert::run(args, cli.quiet),
        Command::Export(args) => cmd::export::run(args, cli.quiet),
        Command::Bench(args) => cmd::bench::run(args, cli.quiet),
    };
    exit::end_with_advice(result, |error| {
        exit::is_disk_full(error).then(|| {
            "free some disk space and run the same command again: finished shards are kept"
                .to_owned()
        })
    })
}
