//! How a tool ends: its exit code, and its error on standard error.
//!
//! All tools use the same codes: 0 for success, 1 for failure, 2 for wrong usage (the argument parser's own), and
//! 129, 130 or 143 after SIGHUP, SIGINT or SIGTERM.

use std::io;
use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Error, Result};

use crate::text;

/// How a command ended if it did not return an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It succeeded.
    Ok,
    /// It did its work and found a fault: damaged records, unusable images.
    Failed,
    /// A signal stopped it cleanly. The field is the exit code.
    Interrupted(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => ExitCode::SUCCESS,
            Exit::Failed => ExitCode::FAILURE,
            Exit::Interrupted(code) => ExitCode::from(code),
        }
    }
}

/// Turns the result of a tool into its exit code, and prints the error if there is one.
#[must_use]
pub fn end(result: Result<Exit>) -> ExitCode {
    end_with_advice(result, |_| None)
}

/// Like [`end`], and adds what `advice` says to the error.
#[must_use]
pub fn end_with_advice(
    result: Result<Exit>,
    advice: impl Fn(&Error) -> Option<String>,
) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        // The reader of our output, `head` for example, has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let advice = advice(&error).map_or_else(String::new, |advice| format!("; {advice}"));
            text::complain(&format!("error: {}{advice}", describe(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes in one line. A cause that the text already contains is not repeated.
#[must_use]
pub fn describe(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = text + ": " + &cause;
        }
    }
    text
}

/// Whether the disk was full.
#[must_use]
pub fn is_disk_full(error: &Error) -> bool {
    caused_by(error, ErrorKind::StorageFull)
}

fn is_broken_pipe(error: &Error) -> bool {
    caused_by(error, ErrorKind::BrokenPipe)
}

fn caused_by(error: &Error, kind: ErrorKind) -> bool {
    error.chain().any(|cause| {
        let plain = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        plain.or(json.and_then(serde_json::Error::io_error_kind)) == Some(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_is_in_the_message_is_not_repeated() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let told = Error::new(full()).context(format!("a.shard: {}", full()));
        let description = describe(&told);
        assert_eq!(description.matches(&full().to_string()).count(), 1);
        assert!(is_disk_full(&told));
        let untold = anyhow::anyhow!("no such thing").context("cannot open a.shard");
        assert_eq!(describe(&untold), "cannot open a.shard: no such thing");
        assert!(!is_disk_full(&untold));
        let twice = anyhow::anyhow!("full").context("set: full");
        assert_eq!(describe(&twice.context("no run")), "no run: set: full");
    }

    #[test]
    fn a_closed_pipe_is_recognised_through_json_and_context() {
        let pipe = || io::Error::from(ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&Error::new(pipe()).context("print")));
        let json = serde_json::Error::io(pipe());
        assert!(is_broken_pipe(&Error::new(json)));
        assert!(!is_broken_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
