//! The loader: starts the workers, hands out batches in order, and ends the workers. The images are made in
//! `worker` and `image`.

use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Instant;

use augment::MixPlan;
use codec::Tables;
use record::Split;

use crate::batch::{Batch, Note, Samples};
use crate::cursor::Timeline;
use crate::image::{ImageMaker, Style};
use crate::ring::{Consumer, Deserted, Layout, OutOfMemory, ring};
use crate::stats::Stats;
use crate::worker;
use crate::worker::Job;
use crate::{Cursor, LoaderConfig, LoaderError, OnError, Plan, PlanSpec, StatsSnapshot};

/// Batches of one split, made ahead of time by worker threads.
///
/// The batches are a pure function of the split and of the configuration, except `workers`, `slots` and `tuning`, which
/// change only the speed. Memory is bounded by the slots. Epochs follow one another without a pause in the
/// pipeline. You may drop the loader at any time: each thread ends after the image that it is working on.
#[derive(Debug)]
pub struct Loader {
    consumer: Consumer<Note>,
    threads: Vec<JoinHandle<()>>,
    job: Arc<Job>,
    /// The plan of the current epoch.
    plan: Plan,
    samples: Samples,
    on_error: OnError,
    /// No worker is left, so no more batches will come.
    deserted: bool,
}

impl Loader {
    /// Checks the configuration, allocates the ring and starts the workers.
    ///
    /// # Errors
    /// The split is empty or too small for a batch, a setting is out of range, the cursor lies beyond its epoch, or
    /// there is not enough memory or no further thread.
    pub fn start(
        split: impl Into<Arc<Split>>,
        config: LoaderConfig,
    ) -> Result<Loader, LoaderError> {
        let job = Job::new(split.into(), &config)?;
        Loader::start_job(job, &config)
    }

    pub(crate) fn start_job(job: Job, config: &LoaderConfig) -> Result<Loader, LoaderError> {
        let layout = Layout {
            slots: config.slots,
            items: config.batch as usize,
            item_bytes: job.item_bytes,
            turns: job.timeline.turns(),
            workers: config.workers,
        };
        let (consumer, producers) = ring(layout).map_err(|OutOfMemory| no_memory(config))?;
        let mut loader = Loader {
            consumer,
            threads: Vec::with_capacity(config.workers),
            plan: job.plan.clone(),
            job: Arc::new(job),
            samples: Samples::default(),
            on_error: config.on_error,
            deserted: false,
        };
        for (worker, producer) in producers.into_iter().enumerate() {
            let maker = ImageMaker::new(&loader.job.style, loader.job.tables.as_ref())
                .map_err(LoaderError::Decoder)?;
            let job = loader.job.clone();
            let thread = thread::Builder::new()
                .name(format!("loader-{worker}"))
                .spawn(move || worker::run(&job, worker, producer, maker))
                .map_err(LoaderError::Thread)?;
            loader.threads.push(thread);
        }
        Ok(loader)
    }

    /// The next batch, after waiting for it if necessary; `None` after the last epoch.
    ///
    /// # Errors
    /// [`LoaderError::Sample`] for the first record of the batch that failed, under [`OnError::Fail`]: the batch is
    /// dropped, and the next call continues with the next step. [`LoaderError::WorkersGone`] if no worker is left;
    /// `None` follows.
    #[allow(clippy::should_implement_trait)] // a batch borrows the loader, which `Iterator` cannot express
    pub fn next(&mut self) -> Option<Result<Batch<'_>, LoaderError>> {
        if self.deserted {
            return None;
        }
        let asked = Instant::now();
        let turn = self.consumer.turn();
        let mut slot = match self.consumer.next()? {
            Ok(slot) => slot,
            Err(Deserted) => {
                self.deserted = true;
                return Some(Err(LoaderError::WorkersGone));
            }
        };
        let waited = asked.elapsed();
        let job = &*self.job;
        job.stats.delivered(waited);
        let cursor = job.timeline.cursor(turn);
        if self.plan.epoch() != cursor.epoch {
            self.plan = self.plan.of_epoch(cursor.epoch);
        }
        let planned = self.plan.samples(cursor.step);
        self.samples
            .gather(&mut slot, planned, job.item_bytes, &job.split);
        if self.on_error == OnError::Fail && !self.samples.skipped.is_empty() {
            let first = self.samples.skipped.swap_remove(0);
            return Some(Err(LoaderError::Sample(Box::new(first))));
        }
        let mixed = match &job.mix {
            Some(mix) => mix.plan(
                job.seed,
                cursor.epoch,
                cursor.step,
                job.style.size,
                job.style.size,
            ),
            None => MixPlan::NONE,
        };
        let images = self.samples.labels.len() * job.item_bytes;
        if let Err(error) = job.style.mix(&mixed, &mut slot.bytes_mut()[..images]) {
            return Some(Err(error.into()));
        }
        Some(Ok(Batch {
            slot,
            samples: &self.samples,
            mixed,
            split: &job.split,
            output: &job.style.output,
            item_bytes: job.item_bytes,
            views: job.style.preprocess.views(),
            cursor,
            next_cursor: job.timeline.cursor(turn + 1),
            waited,
        }))
    }

    /// Where the next call of [`Loader::next`] stands: after all delivered batches, however far ahead the workers are.
    pub fn cursor(&self) -> Cursor {
        self.job.timeline.cursor(self.consumer.turn())
    }

    /// Steps in an epoch, the same on every rank.
    pub fn steps_per_epoch(&self) -> u64 {
        self.job.plan.steps()
    }

    /// Counters since the start.
    pub fn stats(&self) -> StatsSnapshot {
        self.job.stats.snapshot()
    }

    /// The split that it loads.
    pub fn split(&self) -> &Split {
        &self.job.split
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.consumer.stop();
        for thread in self.threads.drain(..) {
            // A panicking worker has reported it on stderr, and its item counts as failed.
            let _ = thread.join();
        }
    }
}

impl Job {
    pub(crate) fn new(split: Arc<Split>, config: &LoaderConfig) -> Result<Job, LoaderError> {
        config.check()?;
        let style = Style {
            size: config.size,
            preprocess: config.preprocess.clone(),
            decode: config.decode,
            output: config.output.clone(),
        };
        style.check()?;
        let plan = Plan::new(PlanSpec {
            records: split.len(),
            seed: config.seed,
            epoch: config.start.epoch,
            rank: config.rank,
            world: config.world,
            batch: config.batch,
            drop_last: config.drop_last,
            shuffle: config.shuffle,
            sampling: config.sampling,
        })?;
        let (step, steps) = (config.start.step, plan.steps());
        if step > steps {
            return Err(LoaderError::Cursor { step, steps });
        }
        let tables = split.tables().map(Tables::parse).transpose();
        Ok(Job {
            tables: tables.map_err(LoaderError::Decoder)?.map(Arc::new),
            split,
            seed: config.seed,
            timeline: Timeline::new(config.start, steps, config.epochs),
            plan,
            item_bytes: style.item_bytes().ok_or_else(|| no_memory(config))?,
            style,
            tuning: config.tuning,
            mix: config.mix,
            stats: Stats::new(config.workers),
            #[cfg(test)]
            sabotage: |_| {},
        })
    }
}

fn no_memory(config: &LoaderConfig) -> LoaderError {
    LoaderError::Memory {
        slots: config.slots,
        batch: config.batch,
    }
}
