//! The `shard` binary: packs raw images into shards, and verifies, inspects, exports and
//! benchmarks what it packed. Thin: each command is a module of its own.
#![forbid(unsafe_code)]

mod args;
mod build;
mod cmd;
mod histogram;
mod machine;
mod parallel;
mod progress;
mod text;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use clap::Parser;

use args::{Cli, Command};

/// How a command ended when nothing went wrong with the command itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok,
    /// It did its work and the answer is bad: damaged records, unusable images.
    Failed,
    /// It was asked to stop and did so cleanly.
    Interrupted,
}

fn main() -> ExitCode {
    let cli = Cli::parse(); // wrong usage exits with 2
    let result = match &cli.command {
        Command::Build(args) => cmd::build::run(args, cli.quiet),
        Command::Verify(args) => cmd::verify::run(args, cli.quiet),
        Command::Inspect(args) => cmd::inspect::run(args),
        Command::Export(args) => cmd::export::run(args, cli.quiet),
        Command::Bench(args) => cmd::bench::run(args, cli.quiet),
    };
    match result {
        Ok(Exit::Ok) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shard: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// Whoever read our output, `head` say, has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let plain = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        plain.or(json.and_then(serde_json::Error::io_error_kind)) == Some(ErrorKind::BrokenPipe)
    })
}
