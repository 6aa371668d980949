//! The `shard` program: packs raw images into shards, and verifies, inspects, converts, exports and
//! benchmarks them. It has arguments, progress bars, reports and exit codes; the work is done by the
//! libraries, `builder` above all.
#![forbid(unsafe_code)]

mod args;
mod cmd;
mod machine;
mod progress;
mod text;
mod watch;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, error::ErrorKind as Usage};

use args::{Cli, Command};

/// How a command ended when nothing went wrong with the command itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Ok,
    /// It did its work, and the result is bad: damaged records, unusable images.
    Failed,
    /// It was asked to stop and did so cleanly; with its exit code.
    Interrupted(u8),
}

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
    match result {
        Ok(Exit::Ok) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::Interrupted(code)) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            text::complain(&format!("shard: {}", describe(&error)));
            ExitCode::from(1)
        }
    }
}

/// The error with its causes, each said once: many messages have their cause in them already.
fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    let mut disk_full = false;
    for cause in error.chain() {
        let words = cause.to_string();
        if text.is_empty() {
            text = words;
        } else if !text.contains(&words) {
            text = text + ": " + &words;
        }
        let io = cause.downcast_ref::<io::Error>();
        disk_full |= io.is_some_and(|error| error.kind() == ErrorKind::StorageFull);
    }
    if disk_full {
        text += "; make room and run the same command again; finished shards are kept";
    }
    text
}

/// Whether the reader of our output, `head` for example, has stopped reading.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let plain = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        plain.or(json.and_then(serde_json::Error::io_error_kind)) == Some(ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_is_in_the_message_is_not_repeated() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let told = anyhow::Error::new(full()).context(format!("a.shard: {}", full()));
        let description = describe(&told);
        assert_eq!(description.matches(&full().to_string()).count(), 1);
        assert!(description.contains("make room"), "{description}");
        let untold = anyhow::anyhow!("no such thing").context("cannot open a.shard");
        assert_eq!(describe(&untold), "cannot open a.shard: no such thing");
    }

    #[test]
    fn a_closed_pipe_is_recognised_through_json_and_context() {
        let pipe = || io::Error::from(ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&anyhow::Error::new(pipe()).context("print")));
        let json = serde_json::Error::io(pipe());
        assert!(is_broken_pipe(&anyhow::Error::new(json)));
        assert!(!is_broken_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
