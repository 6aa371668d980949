//! A worker thread: claims places in batches, makes their images, and survives whatever goes wrong with one. `image`
//! makes the images themselves.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use augment::BatchMix;
use codec::Tables;
use record::Split;

use crate::affinity;
use crate::batch::Note;
use crate::cursor::Timeline;
use crate::error::Fault;
use crate::image::{ImageMaker, Sample, Style};
use crate::ring::Producer;
use crate::stats::{Laps, Stage, Stats};
use crate::{Plan, Tuning};

/// What all workers of a loader share.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) split: Arc<Split>,
    /// The symbol tables that the split's records share, if they do.
    pub(crate) tables: Option<Arc<Tables>>,
    /// The plan of some epoch. Each worker derives its own plans from it.
    pub(crate) plan: Plan,
    pub(crate) seed: u64,
    pub(crate) timeline: Timeline,
    pub(crate) style: Style,
    /// The bytes of all views of one record.
    pub(crate) item_bytes: usize,
    pub(crate) tuning: Tuning,
    pub(crate) mix: Option<BatchMix>,
    pub(crate) stats: Stats,
    /// Called with each record before it is read. Tests use it to simulate faults.
    #[cfg(test)]
    pub(crate) sabotage: fn(u64),
}

/// Works until all turns are claimed or the consumer is gone.
pub(crate) fn run(job: &Job, worker: usize, mut producer: Producer<Note>, mut maker: ImageMaker) {
    let mut laps = Laps::start(job.stats.worker(worker));
    let mut plan = job.plan.clone();
    if job.tuning.pin {
        affinity::pin(worker);
    }
    while let Some(mut item) = producer.claim() {
        laps.lap(Stage::WaitForSlot);
        let cursor = job.timeline.cursor(item.turn());
        if plan.epoch() != cursor.epoch {
            plan = plan.of_epoch(cursor.epoch);
        }
        let Some((position, record)) = plan.sample(cursor.step, item.index()) else {
            continue; // a short batch: the place stays empty
        };
        if job.tuning.readahead > 0 {
            let next = plan.ahead(position, job.tuning.readahead);
            job.split.prefetch(next);
        }
        let sample = Sample {
            record,
            seed: job.seed,
            epoch: cursor.epoch,
            position,
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            (job.sabotage)(record);
            maker.make(&job.split, &job.style, &sample, item.bytes(), &mut laps)
        }));
        let label = made.unwrap_or_else(|payload| {
            // It was interrupted in the middle, so it is not reused.
            maker = ImageMaker::new(&job.style, job.tables.as_ref())?;
            Err(Fault::Panic(message(&*payload)))
        });
        if label.is_err() {
            laps.failure();
        }
        item.finish(Note {
            label: label.map_err(Box::new),
        });
    }
}

/// The message of a panic, if it has one.
fn message(payload: &(dyn Any + Send)) -> String {
    let words = payload
        .downcast_ref::<&str>()
        .map(|&words| words.to_owned());
    words
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
