//! What is done to the images: `--recipe FILE`, or the crop and flip that every loader is compared by.
//! Flags that are given win over the file.

use std::fs;

use anyhow::{Context, Result};
use loader::{Decode, LoaderRecipe};
use serde_json::{Map, Value};

use crate::args::{BenchArgs, DecodeKind};

/// The pipeline to measure.
pub(crate) fn read(args: &BenchArgs) -> Result<LoaderRecipe> {
    let mut recipe = match &args.recipe {
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            parse(&text).with_context(|| format!("{}: not a recipe", path.display()))?
        }
        None => plain(),
    };
    if let Some(batch) = args.batch {
        recipe.batch_size = batch;
    }
    if let Some(size) = args.size {
        recipe.image_resize = size;
    }
    match args.decode {
        Some(DecodeKind::Fast) => recipe.decode = Decode::Fast,
        Some(DecodeKind::Exact) => recipe.decode = Decode::Exact,
        None => {}
    }
    if args.shuffle_window.is_some() {
        recipe.shuffle_window = args.shuffle_window;
    }
    if let Some(readahead) = args.readahead {
        recipe.readahead = readahead;
    }
    Ok(recipe)
}

/// A random resized crop to 299 pixels, mirrored half of the time.
pub(crate) fn plain() -> LoaderRecipe {
    let defaults = LoaderRecipe::default();
    LoaderRecipe {
        batch_size: defaults.batch_size.saturating_add(128),
        image_resize: defaults.image_resize.saturating_add(75),
        ratio: [3.0 / 4.0, 4.0 / 3.0],
        color_jitter: None,
        ..defaults
    }
}

/// The loader's keys of a training recipe; the trainer's are passed over. A key without a value has its
/// default, except that no jitter is no jitter.
fn parse(text: &str) -> Result<LoaderRecipe> {
    let written: Option<Map<String, Value>> = serde_saphyr::from_str(text)?;
    let mut keys = written.unwrap_or_default();
    keys.retain(|key, value| !is_nothing(value) || key == "color_jitter");
    Ok(serde_json::from_value(Value::Object(keys))?)
}

/// YAML's null, and Python's None, which YAML takes for a word.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(word) => word.eq_ignore_ascii_case("none") || word.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_loader_s_keys_are_read_and_others_passed_over() {
        let recipe = parse(
            "# MindCV\nmode: 0\nbatch_size: 32\nimage_resize: 299\nauto_augment: 'autoaug'\n\
             re_prob: 0.25\nlr: 0.045\ninterpolation: bilinear\nmixup: None\nscale: [0.2, 1.0]\n",
        )
        .unwrap();
        assert_eq!(recipe.batch_size.get(), 32);
        assert_eq!(recipe.auto_augment.as_deref(), Some("autoaug"));
        assert_eq!(
            (recipe.re_prob, recipe.mixup, recipe.scale),
            (0.25, 0.0, [0.2, 1.0])
        );
        assert_eq!(parse("").unwrap(), LoaderRecipe::default());
        assert_eq!(parse("color_jitter: none").unwrap().color_jitter, None);
        assert!(parse("batch_size: many").is_err());
        assert!(parse("- 1").is_err());
    }
}
