//! The symbol tables of the `recoded` encoding: the built-in ones, or those learned from a sample.
//!
//! They depend on the images and options alone, so that an interrupted build continues with the same.

use std::sync::Arc;

use codec::{CodecError, Encoding, TableTrainer, Tables};
use imagenet::{Source, SourceError};

use crate::event::{Pass, Running, Watch};
use crate::options::TablesFrom;

/// The most images that tables are learned from.
const SAMPLE: u64 = 2000;

/// Why there are no tables to encode with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TablesError {
    /// An image of the sample cannot be read.
    #[error("cannot read the images that the tables are trained on: {0}")]
    Read(#[source] SourceError),
    /// The tables cannot be made.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// The tables of a build; `None` if its encoding needs none.
pub(crate) fn tables_of_source(
    source: &dyn Source,
    encoding: Encoding,
    from: TablesFrom,
    watch: Watch<'_>,
) -> Result<Option<Arc<Tables>>, TablesError> {
    match (encoding, from) {
        (Encoding::Recoded, TablesFrom::Builtin) => Ok(Some(Tables::builtin()?)),
        (Encoding::Recoded, TablesFrom::Trained) => train_on_source(source, watch).map(Some),
        _ => Ok(None),
    }
}

fn train_on_source(source: &dyn Source, watch: Watch<'_>) -> Result<Arc<Tables>, TablesError> {
    let all: Vec<(usize, usize)> = source
        .splits()
        .iter()
        .enumerate()
        .flat_map(|(number, split)| {
            let named = |(_, sample): &(usize, &imagenet::Sample)| !sample.misnamed;
            let samples = split.samples.iter().enumerate().filter(named);
            samples.map(move |(sample, _)| (number, sample))
        })
        .collect();
    let mut bytes = Vec::new();
    train(all.len() as u64, watch, |number, trainer| {
        if let Some(&(split, sample)) = all.get(number as usize) {
            source
                .read(split, sample, &mut bytes)
                .map_err(TablesError::Read)?;
            trainer.add(&bytes);
        }
        Ok(bytes.len() as u64)
    })
}

/// Learns tables from a sample that is spread evenly over images 0 to `available`. `add` adds the image of a
/// number and returns its bytes.
pub(crate) fn train<E: From<CodecError>>(
    available: u64,
    watch: Watch<'_>,
    mut add: impl FnMut(u64, &mut TableTrainer) -> Result<u64, E>,
) -> Result<Arc<Tables>, E> {
    let count = available.min(SAMPLE);
    let running = Running::begin(watch, Pass::TrainTables, count);
    let mut trainer = TableTrainer::new();
    for i in 0..count {
        let bytes = add(i * available / count, &mut trainer)?;
        running.done(1, bytes);
    }
    Ok(Arc::new(trainer.finish()?))
}
