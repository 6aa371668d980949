//! What `train`, `validate` and `predict` share: flags made from the recipe's keys, logging, the bar on a
//! terminal and exit codes. What they do lies in `trainer`.

#![forbid(unsafe_code)]

pub mod bar;
pub mod flags;
pub mod log;

use std::io::{self, Write};
use std::process::ExitCode;

/// Turns the end of a program into its exit code: errors go to stderr, with their causes, as 1. (A
/// wrong command line has ended the program before, with 2.)
#[must_use]
pub fn exit(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {}", in_words(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Prints a program's result, a line or more.
///
/// # Errors
/// Nobody reads it any more, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// Prints a complaint. Standard error may be on the same full disk; the exit code says it then.
pub fn say(complaint: &str) {
    writeln!(io::stderr().lock(), "{complaint}").ok();
}

/// An error and its causes; not those that it names itself.
fn in_words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("full").context("set: full").context("no run");
        assert_eq!(in_words(&error), "no run: set: full");
    }
}
