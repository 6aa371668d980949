//! What `shard bench` measures: a recipe file, or without one the crop and flip that loaders are compared by, and flags,
//! which override it. Files are read by the crate `recipe`, as `train` reads them.

use anyhow::Result;
use loader::{LoaderConfig, OnError, Output, Split, Tuning};
use recipe::{Layer, Purpose, Recipe};

use crate::args::{BenchArgs, OutputKind};

/// Batches in preparation, including the one in use.
pub(super) const SLOTS: usize = 3;

/// The recipe to measure.
pub(super) fn read(args: &BenchArgs) -> Result<Recipe> {
    let mut recipe = match &args.recipe {
        // Notes are about keys that do not concern a loader.
        Some(path) => {
            let file = Layer::from_yaml_file(path)?;
            Recipe::resolve(&Recipe::default(), &[file], Purpose::Load)?.recipe
        }
        None => plain(),
    };
    if let Some(batch) = args.batch {
        recipe.batch_size = batch;
    }
    if let Some(size) = args.size {
        recipe.image_resize = size;
    }
    if let Some(decode) = args.decode {
        recipe.decode = decode;
    }
    if args.shuffle_window.is_some() {
        recipe.shuffle_window = args.shuffle_window;
    }
    if let Some(readahead) = args.readahead {
        recipe.readahead = readahead;
    }
    Ok(recipe)
}

/// A random resized crop to 299 pixels, mirrored half of the time, in batches of 256.
fn plain() -> Recipe {
    let defaults = Recipe::default();
    Recipe {
        batch_size: defaults.batch_size.saturating_add(128),
        image_resize: defaults.image_resize.saturating_add(75),
        ratio: [3.0 / 4.0, 4.0 / 3.0],
        color_jitter: None,
        ..defaults
    }
}

/// Whether training images are measured; otherwise validation images.
pub(super) fn is_train(args: &BenchArgs) -> bool {
    args.split == "train"
}

/// The settings of the loader: what the recipe says, for as long as anybody takes batches.
pub(super) fn config(
    split: &Split,
    args: &BenchArgs,
    recipe: &Recipe,
    workers: usize,
) -> Result<LoaderConfig> {
    let config = match is_train(args) {
        true => recipe.training_config()?,
        false => recipe.evaluation_config(),
    };
    let output = match args.output {
        OutputKind::U8 => Output::U8Nhwc,
        OutputKind::F32 => Output::F32Nchw(recipe.normalize()?),
    };
    // A split smaller than a batch is measured in the batches that it has.
    let drop_last = split.len() >= u64::from(config.batch);
    // Whatever has been read once is warm.
    let epochs = if args.cold { 1 } else { u64::MAX };
    let tuning = Tuning {
        pin: args.pin,
        ..config.tuning
    };
    Ok(config
        .with_workers(workers)
        .with_slots(SLOTS)
        .with_epochs(epochs)
        .with_drop_last(drop_last)
        .with_output(output)
        .with_on_error(OnError::Fail)
        .with_tuning(tuning))
}

#[cfg(test)]
mod tests {
    use loader::{Preprocess, Warp};

    use super::*;

    #[test]
    fn without_a_recipe_it_is_the_loaders_own_default() {
        let described = |preprocess: &Preprocess| match preprocess {
            // A recipe names a filter for warps too; without a policy nothing is warped.
            Preprocess::Train(train) if train.policy.is_none() => {
                let mut train = train.clone();
                train.warp = Warp::default();
                format!("{train:?}")
            }
            other => format!("{other:?}"),
        };
        let ours = plain().training_config();
        let ours = ours.map(|config| described(&config.preprocess));
        let loaders = described(&LoaderConfig::train(256, 299).preprocess);
        assert_eq!(ours.ok(), Some(loaders));
    }
}
