//! The tables that the `recoded` encoding stores images with. They depend on the source and the options
//! only, so that an interrupted build goes on with the same.

use std::sync::Arc;

use anyhow::{Context, Result};
use codec::{TableTrainer, Tables};
use imagenet::Source;

use crate::{
    args::{BuildArgs, Stored, TablesFrom},
    progress::Progress,
};

/// Images that the tables are trained on, at most.
pub(crate) const SAMPLE: usize = 2000;

/// Trains the tables on images spread evenly over all splits, or takes the built-in ones; `None` if the build
/// needs none.
pub(crate) fn tables(
    args: &BuildArgs,
    source: &dyn Source,
    quiet: bool,
) -> Result<Option<Arc<Tables>>> {
    match (args.encoding, args.tables) {
        (Stored::Jpeg | Stored::Source | Stored::Pixels, _) => Ok(None),
        (Stored::Recoded, TablesFrom::Builtin) => Ok(Some(Tables::builtin()?)),
        (Stored::Recoded, TablesFrom::Trained) => train(source, quiet).map(Some),
    }
}

fn train(source: &dyn Source, quiet: bool) -> Result<Arc<Tables>> {
    let splits = source.splits().iter().enumerate();
    let all: Vec<(usize, usize)> = splits
        .flat_map(|(split, of)| (0..of.samples.len()).map(move |sample| (split, sample)))
        .filter(|&(split, sample)| !source.splits()[split].samples[sample].misnamed)
        .collect();
    let count = all.len().min(SAMPLE);
    let progress = Progress::new("train tables", count as u64, quiet);
    let mut trainer = TableTrainer::new();
    let mut bytes = Vec::new();
    for i in 0..count {
        let (split, sample) = all[i * all.len() / count];
        source
            .read(split, sample, &mut bytes)
            .context("cannot read the images that the tables are trained on")?;
        trainer.add(&bytes);
        progress.add(1, bytes.len() as u64);
    }
    progress.finish();
    Ok(Arc::new(trainer.finish()?))
}
