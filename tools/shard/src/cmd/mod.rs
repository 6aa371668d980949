//! The commands, a module each.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod convert;
pub(crate) mod export;
mod frontier;
pub(crate) mod inspect;
pub(crate) mod verify;

use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context, Result};
use record::Manifest;

/// The split that a command uses if none is given: `train`, or else the only one.
fn default_split<'a>(manifest: &'a Manifest, asked: Option<&'a str>) -> Result<&'a str> {
    let only = || match manifest.splits.len() {
        1 => manifest.splits.keys().next().map(String::as_str),
        _ => None,
    };
    let train = || manifest.splits.contains_key("train").then_some("train");
    asked
        .or_else(train)
        .or_else(only)
        .context("choose a split with --split: there are several, and none is called train")
}

/// The number of threads asked for, or all cores.
fn thread_count(asked: Option<NonZeroUsize>) -> usize {
    asked
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}
