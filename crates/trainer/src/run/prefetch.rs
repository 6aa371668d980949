//! Batches on the device, one step ahead: a thread takes them from the loader, uploads and normalises them while the
//! network computes. It does not change their order or contents.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use loader::{Batch, Cursor, Loader, LoaderError, StatsSnapshot};

use super::RunError;
use crate::data::Input;
use crate::step::loss::Targets;

/// A batch on the device, and what the host needs to know about it.
#[derive(Debug)]
pub struct PrefetchedBatch {
    /// The normalised images `[batch x views, 3, size, size]` and their targets; `None` if every record failed.
    pub on_device: Option<(Tensor<4>, Targets)>,
    /// Their classes, one for all views of an image; the first image's class for a mixed image.
    pub labels: Vec<u32>,
    /// Their records' numbers in the split.
    pub records: Vec<u64>,
    /// Why records were skipped.
    pub skipped: Vec<String>,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The step in the epoch, from 0.
    pub step: u64,
    /// Where a loader continues after this batch.
    pub next_cursor: Cursor,
    /// How long the step waited for it.
    pub waited: Duration,
    /// The loader's counters when the batch was taken.
    pub stats: StatsSnapshot,
}

/// The thread, and the channel that its batches come through.
#[derive(Debug)]
pub struct Prefetcher {
    /// `None` once the prefetcher is dropped, so that the thread ends.
    batches: Option<Receiver<Result<PrefetchedBatch, LoaderError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Prefetcher {
    /// Starts to take batches from `loader`.
    ///
    /// # Errors
    /// The system provides no thread.
    pub fn start(mut loader: Loader, input: Input) -> std::io::Result<Self> {
        // The channel holds no batch: the thread offers one while the previous step computes.
        let (offer, batches) = sync_channel(0);
        let run = move || {
            loop {
                let stats = loader.stats();
                let Some(batch) = loader.next() else { break };
                let batch = batch.map(|batch| PrefetchedBatch::of(&batch, &input, stats));
                let last = batch.is_err();
                if offer.send(batch).is_err() || last {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("prefetch".to_owned())
            .spawn(run)?;
        Ok(Prefetcher {
            batches: Some(batches),
            thread: Some(thread),
        })
    }
}

/// Ends after the loader's last batch or after an error, either the loader's or a panic of the thread.
impl Iterator for Prefetcher {
    type Item = Result<PrefetchedBatch, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let began = Instant::now();
        match self.batches.as_ref()?.recv() {
            Ok(batch) => {
                let waited = began.elapsed();
                Some(
                    batch
                        .map(|batch| PrefetchedBatch { waited, ..batch })
                        .map_err(Into::into),
                )
            }
            Err(_) => match self.thread.take()?.join() {
                Ok(()) => None,
                Err(_) => Some(Err(RunError::PrefetcherLost)),
            },
        }
    }
}

impl PrefetchedBatch {
    fn of(batch: &Batch<'_>, input: &Input, stats: StatsSnapshot) -> Self {
        PrefetchedBatch {
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

impl Drop for Prefetcher {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // its error, if any, interests nobody any more
        }
    }
}
