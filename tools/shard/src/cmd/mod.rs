//! The commands, a module each.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod convert;
pub(crate) mod export;
pub(crate) mod inspect;
mod record_view;
pub(crate) mod verify;

use anyhow::{Context, Result};
use record::Manifest;

/// The split that a command means when none is named: `train`, or else the only one there is.
fn default_split<'a>(manifest: &'a Manifest, asked: Option<&'a str>) -> Result<&'a str> {
    let only = || match manifest.splits.len() {
        1 => manifest.splits.keys().next().map(String::as_str),
        _ => None,
    };
    let train = || manifest.splits.contains_key("train").then_some("train");
    asked
        .or_else(train)
        .or_else(only)
        .context("name a split with --split: there are several and none is called train")
}

/// What people call a class, or else its id.
fn class_name(manifest: &Manifest, label: u32) -> Option<&str> {
    let class = manifest.classes.get(label as usize)?;
    Some(class.names.first().unwrap_or(&class.synset))
}
