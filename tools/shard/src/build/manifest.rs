//! What the manifest says of a build: made from the plan and the notes of the finished shards, so
//! that it is the same however often the build was interrupted.

use std::collections::BTreeMap;

use codec::{Encoding, Originals, Tables};
use imagenet::Source;
use record::{Class, Manifest, SplitInfo, TablesSummary, Version};
use serde_json::json;

use crate::args::{BuildArgs, pixels_told};

use super::{Finished, plan::SplitPlan};

/// The manifest of a data set whose shards, in the order of the plan, are `finished`.
pub(crate) fn manifest(
    args: &BuildArgs,
    source: &dyn Source,
    tables: Option<&Tables>,
    plan: &[SplitPlan],
    finished: &[Finished],
) -> Manifest {
    let classes = source.classes().iter().map(|class| Class {
        synset: class.synset.clone(),
        names: class.names.clone(),
    });
    let orders: BTreeMap<_, _> = plan
        .iter()
        .map(|split| (&split.name, split.order))
        .collect();
    let mut options = vec![
        ("check", json!(args.check)),
        ("on_bad", json!(args.on_bad)),
        ("order", json!(orders)),
        ("seed", json!(args.seed)),
    ];
    let storing = args.storing();
    if let Some(originals) = storing.transcode {
        let kept = originals == Originals::Keep;
        options.push((
            "transcode",
            json!({ "originals": if kept { "kept" } else { "dropped" } }),
        ));
    }
    let pixels = match (storing.encoding, storing.odd_as_pixels) {
        (Encoding::Pixels, _) => Some("all"),
        (_, true) => Some("odd"),
        (_, false) => None,
    };
    if let Some(of) = pixels {
        options.push(("pixels", pixels_told(storing.pixels, of)));
    }
    if let Some(scale) = storing.scale {
        options.push(("lossy", json!(scale)));
    }
    let mut shards = finished.iter().map(|shard| shard.summary.clone());
    let splits = plan.iter().map(|split| {
        let own = shards.by_ref().take(split.shards.len()).collect();
        (
            split.name.clone(),
            SplitInfo::new(split.layout.as_str(), own),
        )
    });
    Manifest {
        format: Version::CURRENT,
        tool: concat!("shard ", env!("CARGO_PKG_VERSION")).to_owned(),
        encoding: Encoding::from(args.encoding).to_string(),
        tables: tables.map(|tables| TablesSummary::of(tables.as_bytes())),
        options: options
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        classes: classes.collect(),
        splits: splits.collect(),
        odd: finished
            .iter()
            .flat_map(|shard| shard.note.odd.clone())
            .collect(),
    }
}
