//! What a data set no longer has of its sources, as its manifest tells.

use record::Manifest;
use serde_json::Value;

/// What a data set no longer has of its sources, a sentence each. Empty unless its builder asked for it.
#[must_use]
pub fn losses(manifest: &Manifest) -> Vec<String> {
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
             same pixels replace them"
                .to_owned(),
        );
    }
    if let Some(pixels) = option("pixels").filter(|pixels| pixels["originals"] == "dropped") {
        let which = match pixels["of"] == "all" {
            true => "the source files",
            false => "files that are not baseline JPEGs",
        };
        losses.push(format!(
            "{which} were dropped; PNG files of the same pixels replace them"
        ));
    }
    losses
}
