//! Packs planned shards. Threads claim samples in the order of the plan, read and examine them at
//! their own pace, and hand them to their shard, which stores them in order. So the bytes do not
//! depend on the number of threads, and all cores work even on a single shard.
//!
//! Memory is bounded by the number of buffers: a thread needs one to claim a sample, and gets it
//! back once the sample is stored.

mod encode;
mod error;
mod examine;
mod scale;
mod shard;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use codec::Tables;
use crossbeam_channel::{Receiver, Sender, unbounded};
use imagenet::{Sample, Source};

use crate::build::{BadFile, Finished};
use crate::event::Running;
use crate::options::{Check, OnBad};
use crate::plan::{ShardPlan, SplitPlan};
use crate::storage::Storing;

use encode::Encoder;
use examine::Examiner;
use shard::{OpenShard, Ready};

pub use error::{EncodeError, PackError};

/// Buffers for each thread: how far threads may run ahead of the slowest image.
const BUFFERS_PER_THREAD: usize = 8;

/// A buffer that a large image has grown beyond this is given back to the system.
const KEEP_CAPACITY: usize = 1 << 20;

/// What to pack, and how.
pub(crate) struct Job<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) out: &'a Path,
    /// The shards to write, each with its split.
    pub(crate) shards: Vec<(&'a SplitPlan, &'a ShardPlan)>,
    pub(crate) on_bad: OnBad,
    pub(crate) check: Check,
    pub(crate) storing: Storing,
    /// The symbol tables, if the encoding needs any.
    pub(crate) tables: Option<&'a Tables>,
    pub(crate) threads: usize,
    pub(crate) progress: &'a Running<'a>,
    /// Set from outside to stop soon.
    pub(crate) stop: &'a AtomicBool,
}

/// What a job has written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The shards that were finished. Fewer than the job's if it was stopped, or if
    /// [`OnBad::Fail`] met bad files.
    pub(crate) finished: Vec<Finished>,
    /// The bad files that [`OnBad::Fail`] met.
    pub(crate) bad: Vec<BadFile>,
}

/// Writes all shards of the job.
///
/// # Errors
/// If a sample cannot be read or a shard cannot be written.
pub(crate) fn write_shards(job: &Job<'_>) -> Result<Written, PackError> {
    let (return_buffer, buffers) = unbounded();
    for _ in 0..job.threads * BUFFERS_PER_THREAD {
        let _ = return_buffer.send(Vec::new());
    }
    let mut total = 0;
    let mut shards = Vec::new();
    for &(split, plan) in &job.shards {
        shards.push(Claims {
            split,
            plan,
            start: total,
            open: Mutex::default(),
        });
        total += plan.samples.len();
    }
    let line = Line {
        job,
        shards,
        total,
        claimed: AtomicUsize::new(0),
        ended: AtomicBool::new(false),
        error: Mutex::new(None),
    };
    thread::scope(|scope| {
        for _ in 0..job.threads {
            let (return_buffer, buffers) = (return_buffer.clone(), buffers.clone());
            let line = &line;
            scope.spawn(move || {
                // Dropped even by a panic, which the scope hands on once all threads have ended.
                let _last = WakeOthers {
                    ended: &line.ended,
                    return_buffer: &return_buffer,
                    threads: line.job.threads,
                };
                if let Err(error) = line.work(&return_buffer, &buffers) {
                    lock(&line.error).get_or_insert(error);
                }
            });
        }
    });
    if let Some(error) = lock(&line.error).take() {
        return Err(error);
    }
    let mut written = Written::default();
    for shard in line.shards {
        let open = shard
            .open
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        written.finished.extend(open.finished);
        written.bad.extend(open.bad);
    }
    Ok(written)
}

/// All samples of a job in one line, and what the threads that work along it share.
struct Line<'a> {
    job: &'a Job<'a>,
    shards: Vec<Claims<'a>>,
    /// Samples in all shards.
    total: usize,
    /// Samples claimed so far.
    claimed: AtomicUsize,
    /// A thread has ended, for whatever reason: there is nothing more to claim, or no point in it.
    ended: AtomicBool,
    error: Mutex<Option<PackError>>,
}

/// A shard, and where its samples are in the line.
struct Claims<'a> {
    split: &'a SplitPlan,
    plan: &'a ShardPlan,
    /// How many samples the shards before this one have.
    start: usize,
    open: Mutex<OpenShard>,
}

impl<'a> Line<'a> {
    fn work(
        &self,
        return_buffer: &Sender<Vec<u8>>,
        buffers: &Receiver<Vec<u8>>,
    ) -> Result<(), PackError> {
        let job = self.job;
        let mut examiner = Examiner::new(job.check).map_err(PackError::Decoder)?;
        let mut encoder = Encoder::new(job.storing, job.tables).map_err(PackError::Decoder)?;
        while let Ok(mut bytes) = buffers.recv() {
            if self.ended.load(Ordering::Relaxed) || job.stop.load(Ordering::Relaxed) {
                break;
            }
            // Claimed only with a buffer in hand, hence in order: whoever holds the oldest sample
            // never waits, so the others do not wait forever either.
            let claim = self.claimed.fetch_add(1, Ordering::Relaxed);
            let Some((shard, position)) = self.locate(claim) else {
                break;
            };
            let (index, sample) = self.sample(shard, position)?;
            let ready = if sample.misnamed {
                bytes.clear();
                Ready::misnamed(bytes)
            } else {
                let read = job.source.read(shard.split.source, index, &mut bytes);
                read.map_err(|cause| PackError::Read {
                    key: sample.key.clone(),
                    cause,
                })?;
                let ready = Ready::new(&sample.key, bytes, &mut examiner, &mut encoder);
                ready.map_err(|cause| PackError::Encode {
                    key: sample.key.clone(),
                    cause,
                })?
            };
            self.hand_in(shard, position, ready, return_buffer)?;
        }
        Ok(())
    }

    fn locate(&self, claim: usize) -> Option<(&Claims<'a>, usize)> {
        let after = self.shards.partition_point(|shard| shard.start <= claim);
        let shard = self.shards.get(after.checked_sub(1)?)?;
        (claim < self.total).then(|| (shard, claim - shard.start))
    }

    fn sample(
        &self,
        shard: &Claims<'_>,
        position: usize,
    ) -> Result<(usize, &'a Sample), PackError> {
        let splits = self.job.source.splits();
        shard
            .plan
            .samples
            .get(position)
            .and_then(|&number| {
                let samples = &splits.get(shard.split.source)?.samples;
                Some((number as usize, samples.get(number as usize)?))
            })
            .ok_or(PackError::SourceChanged)
    }

    /// Stores the sample if it is its turn, with all those that were waiting for it.
    fn hand_in(
        &self,
        shard: &Claims<'_>,
        position: usize,
        ready: Ready,
        return_buffer: &Sender<Vec<u8>>,
    ) -> Result<(), PackError> {
        let mut open = lock(&shard.open);
        open.early.insert(position, ready);
        loop {
            let position = open.next;
            let Some(mut ready) = open.early.remove(&position) else {
                break;
            };
            let (_, sample) = self.sample(shard, position)?;
            let mut bytes = std::mem::take(&mut ready.bytes);
            open.store(self.job, shard.split, shard.plan, sample, &bytes, ready)?;
            open.next += 1;
            self.job.progress.done(1, bytes.len() as u64);
            if bytes.capacity() > KEEP_CAPACITY {
                bytes = Vec::new();
            }
            let _ = return_buffer.send(bytes);
        }
        if open.next == shard.plan.samples.len() {
            open.finish(self.job, shard.plan)?;
        }
        Ok(())
    }
}

/// When a thread ends, however it ends, the others must not wait for buffers that will not come.
struct WakeOthers<'a> {
    ended: &'a AtomicBool,
    return_buffer: &'a Sender<Vec<u8>>,
    threads: usize,
}

impl Drop for WakeOthers<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for _ in 0..self.threads {
            let _ = self.return_buffer.send(Vec::new());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
