//! The `weights` binary: `weights convert` and `weights summary`. What they do is in `trainer`.
#![forbid(unsafe_code)]

mod convert;
mod summary;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Command;
use cli::exit;
use train_programs::log;

const NOTE: &str = "\
In earlier versions these commands were separate programs, `convert` and `summary`.";

fn main() -> ExitCode {
    let matches = command().get_matches();
    log::to_stderr();
    exit::end(match matches.subcommand() {
        Some(("convert", matches)) => convert::run(matches),
        Some(("summary", matches)) => summary::run(matches),
        _ => Err(anyhow!("pass a command: convert or summary")),
    })
}

fn command() -> Command {
    Command::new("weights")
        .about("Converts weights files, and lists the layers of a network")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(NOTE)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(convert::command())
        .subcommand(summary::command())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
