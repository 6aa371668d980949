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
use serde_json::Value;

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

/// What a data set no longer has of its sources, in words: nothing, unless its builder asked for it.
fn losses(manifest: &Manifest) -> Vec<String> {
    let option = |name: &str| manifest.options.get(name);
    let mut losses = Vec::new();
    if let Some(scale) = option("lossy") {
        let side = &scale["short_side"];
        let form = match &scale["quality"] {
            Value::Null => "pixels".to_owned(),
            quality => format!("JPEGs of quality {quality}"),
        };
        losses.push(format!(
            "lossy: images with a shorter side above {side} px were scaled to it and stored as {form}; \
             their sources are not here"
        ));
    }
    if option("transcode").is_some_and(|transcode| transcode["originals"] == "dropped") {
        losses.push(
            "progressive, arithmetic-coded and restart-interval files were dropped; baseline files of the \
             same pixels stand for them"
                .to_owned(),
        );
    }
    if let Some(pixels) = option("pixels").filter(|pixels| pixels["originals"] == "dropped") {
        let which = match pixels["of"] == "all" {
            true => "the source files",
            false => "files that are no ordinary JPEGs",
        };
        losses.push(format!(
            "{which} were dropped; PNG files of the same pixels stand for them"
        ));
    }
    losses
}
