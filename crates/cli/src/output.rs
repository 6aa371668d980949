//! Results on standard output: text, or JSON for `--json`. Complaints and progress go to standard error instead.

use std::io;
use std::io::{Write, stdout};

use serde::Serialize;

/// Prints a result of one line or more, and a newline.
///
/// # Errors
/// Nobody reads the output any more, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// Prints a result as indented JSON, and a newline.
///
/// # Errors
/// Nobody reads the output any more, or the disk is full.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}

/// Prints a result as JSON in one line, for output with one object per line.
///
/// # Errors
/// Nobody reads the output any more, or the disk is full.
pub fn print_json_line(value: &impl Serialize) -> io::Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")
}
