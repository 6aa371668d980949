//! Batches on the device, one ahead of the step: a thread takes them from the loader, uploads and
//! normalises them while the network computes. Changes nothing about their order or contents.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use loader::{Batch, Cursor, Loader, LoaderError, StatsSnapshot};

use crate::data::Input;
use crate::error::TrainError;
use crate::loss::Targets;

/// A batch on the device, and what the host has to know of it.
#[derive(Debug)]
pub struct Fed {
    /// The images `[batch x views, 3, size, size]`, normalised, and what they should be taken for; nothing
    /// where every record failed.
    pub on_device: Option<(Tensor<4>, Targets)>,
    /// Their classes, one for all views of an image; of mixed images, the first one's.
    pub labels: Vec<u32>,
    /// Their records' numbers in the split.
    pub records: Vec<u64>,
    /// What was wrong with the records that were left out.
    pub skipped: Vec<String>,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The step in the epoch, from 0.
    pub step: u64,
    /// Where a loader goes on after this batch.
    pub next_cursor: Cursor,
    /// How long the step waited for it.
    pub waited: Duration,
    /// The loader's counters as it was taken.
    pub stats: StatsSnapshot,
}

/// The thread, and the way batches come from it.
#[derive(Debug)]
pub struct Feed {
    /// Gone once the feed is dropped, so that the thread ends.
    batches: Option<Receiver<Result<Fed, LoaderError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    /// Begins to take batches from `loader`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(mut loader: Loader, input: Input) -> std::io::Result<Self> {
        // No batch waits in the channel: one is offered, while the step before it computes.
        let (offer, batches) = sync_channel(0);
        let run = move || {
            loop {
                let stats = loader.stats();
                let Some(batch) = loader.next() else { break };
                let fed = batch.map(|batch| Fed::of(&batch, &input, stats));
                let last = fed.is_err();
                if offer.send(fed).is_err() || last {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("feed".to_owned()).spawn(run)?;
        Ok(Feed {
            batches: Some(batches),
            thread: Some(thread),
        })
    }
}

/// Nothing comes after the loader's last batch, or after an error: the loader's, or that the thread has
/// panicked.
impl Iterator for Feed {
    type Item = Result<Fed, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        let began = Instant::now();
        match self.batches.as_ref()?.recv() {
            Ok(fed) => {
                let waited = began.elapsed();
                Some(fed.map(|fed| Fed { waited, ..fed }).map_err(Into::into))
            }
            Err(_) => match self.thread.take()?.join() {
                Ok(()) => None,
                Err(_) => Some(Err(TrainError::FeedLost)),
            },
        }
    }
}

impl Fed {
    fn of(batch: &Batch<'_>, input: &Input, stats: StatsSnapshot) -> Self {
        Fed {
            on_device: (!batch.is_empty()).then(|| input.of(batch)),
            labels: batch.labels().to_vec(),
            records: batch.records().to_vec(),
            skipped: batch.skipped().iter().map(ToString::to_string).collect(),
            epoch: batch.epoch(),
            step: batch.step(),
            next_cursor: batch.next_cursor(),
            waited: Duration::ZERO,
            stats,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // nobody waits for what it might have said
        }
    }
}
