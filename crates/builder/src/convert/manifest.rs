//! The manifest of a converted data set: the old one, with what the conversion changed.

use record::{Manifest, ShardSummary, Split, SplitInfo, TablesSummary};
use serde_json::{Value, json};

use crate::storage::pixels_in_manifest;

use super::shard::Conversion;

/// The new shards come in the order of the splits.
pub(super) fn converted(
    old: &Manifest,
    conversion: &Conversion<'_>,
    splits: &[Split],
    summaries: Vec<ShardSummary>,
) -> Manifest {
    let mut manifest = old.clone();
    manifest.encoding = conversion.to.to_string();
    let tables = conversion.new_tables.as_ref();
    manifest.tables = tables.map(|tables| TablesSummary::of(tables.as_bytes()));
    let from = json!(old.encoding);
    manifest.options.insert("converted_from".to_owned(), from);
    // Records whose files were kept are pixels no longer; the others still are.
    let kept = |pixels: &Value| pixels["originals"] == "kept";
    if manifest.options.get("pixels").is_some_and(kept) {
        manifest.options.remove("pixels");
    }
    if let Some(options) = conversion.pixels {
        let pixels = pixels_in_manifest(options, "all");
        manifest.options.insert("pixels".to_owned(), pixels);
    }
    let mut summaries = summaries.into_iter();
    for split in splits {
        let own = summaries.by_ref().take(split.shards().len()).collect();
        if let Some(info) = manifest.splits.get_mut(split.name()) {
            *info = SplitInfo::new(info.layout.clone(), own);
        }
    }
    manifest
}
