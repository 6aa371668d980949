//! What the manifest says about a build. It is made from the plan and the notes of the finished shards, so
//! it is the same however often the build was interrupted.

use std::collections::BTreeMap;

use codec::Encoding;
use record::{Class, Manifest, SplitInfo, TablesSummary, Version};
use serde_json::{Value, json};

use crate::storage::{originals_in_manifest, pixels_in_manifest};

use super::Finished;
use super::write::Build;

/// The manifest of a data set whose shards, in the order of the plan, are `finished`.
pub(super) fn manifest(build: &Build<'_>, finished: &[Finished]) -> Manifest {
    let source = build.options.source.as_ref();
    let classes = source.classes().iter().map(|class| Class {
        synset: class.synset.clone(),
        names: class.names.clone(),
    });
    let mut shards = finished.iter().map(|shard| shard.summary.clone());
    let splits = build.plan.iter().map(|split| {
        let own = shards.by_ref().take(split.shards.len()).collect();
        (
            split.name.clone(),
            SplitInfo::new(split.layout.as_str(), own),
        )
    });
    Manifest {
        format: Version::CURRENT,
        tool: concat!("shard ", env!("CARGO_PKG_VERSION")).to_owned(),
        encoding: build.storing.encoding.to_string(),
        tables: build
            .tables
            .as_ref()
            .map(|tables| TablesSummary::of(tables.as_bytes())),
        options: options(build),
        classes: classes.collect(),
        splits: splits.collect(),
        odd: finished
            .iter()
            .flat_map(|shard| shard.note.odd.clone())
            .collect(),
    }
}

/// The options that decided what the shards contain.
fn options(build: &Build<'_>) -> BTreeMap<String, Value> {
    let orders: BTreeMap<_, _> = build
        .plan
        .iter()
        .map(|split| (&split.name, split.order))
        .collect();
    let mut options = vec![
        ("check", json!(build.options.check)),
        ("on_bad", json!(build.options.on_bad)),
        ("order", json!(orders)),
        ("seed", json!(build.options.seed)),
    ];
    let storing = build.storing;
    if let Some(originals) = storing.transcode {
        let originals = originals_in_manifest(originals);
        options.push(("transcode", json!({ "originals": originals })));
    }
    let pixels = match (storing.encoding, storing.odd_as_pixels) {
        (Encoding::Pixels, _) => Some("all"),
        (_, true) => Some("odd"),
        (_, false) => None,
    };
    if let Some(of) = pixels {
        options.push(("pixels", pixels_in_manifest(storing.pixels, of)));
    }
    if let Some(scale) = storing.scale {
        options.push(("lossy", json!(scale)));
    }
    options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
