//! The `shard` binary: packs raw images into shards, and verifies, inspects, exports and benchmarks them. Each command
//! is a module of its own.
#![forbid(unsafe_code)]

mod args;
mod build;
mod cmd;
mod histogram;
mod parallel;
mod text;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind as Usage};
use cli::{
    exit::{self, Exit},
    machine, progress,
};

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse(); // wrong usage exits with 2
    let contradiction = match &cli.command {
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
