//! What the command-line tools share: signals, exit codes, output, progress and numbers in words.
//!
//! Only tools depend on this crate. It does not parse arguments, and it knows nothing about data sets or networks.
#![forbid(unsafe_code)]

pub mod exit;
pub mod machine;
pub mod output;
pub mod progress;
pub mod signals;
pub mod status_bar;
pub mod text;

use std::io::{IsTerminal, stderr};

/// Whether standard error is a terminal that can move its cursor, so that a bar can be drawn on it.
fn can_draw() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !dumb && stderr().is_terminal()
}
