//! Packs planned shards. Threads claim samples in the order of the plan, read and examine them at
//! their own pace, and hand them to their shard, which stores them in order: so the bytes do not
//! depend on the number of threads, and all cores work even on a single shard.
//!
//! Memory is bounded by the number of buffers: a thread needs one to claim a sample, and gets it
//! back once the sample is stored.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};
use codec::{Encoding, Tables};
use crossbeam_channel::{Receiver, Sender, unbounded};
use imagenet::{Sample, Source};
use record::{NewRecord, OddAction, OddFile, ShardWriter};

use crate::{
    args::{Check, OnBad},
    progress::Progress,
};

use super::{
    BadFile, Finished,
    examine::{Examiner, Finding},
    note::Note,
    plan::{ShardPlan, SplitPlan},
    storing::{Storer, Storing},
};

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
    /// What its encoding is done with, if it needs any.
    pub(crate) tables: Option<&'a Tables>,
    pub(crate) threads: usize,
    pub(crate) progress: &'a Progress,
    /// Set from outside to stop soon.
    pub(crate) stop: &'a AtomicBool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// The shards that were finished. Fewer than the job's if it was stopped, or if
    /// [`OnBad::Fail`] met bad files.
    pub(crate) finished: Vec<Finished>,
    /// The bad files that [`OnBad::Fail`] met.
    pub(crate) bad: Vec<BadFile>,
}

/// Packs all shards of the job.
///
/// # Errors
/// If a sample cannot be read or a shard cannot be written.
pub(crate) fn pack(job: &Job<'_>) -> Result<Packed> {
    let (return_buffer, buffers) = unbounded();
    for _ in 0..job.threads * BUFFERS_PER_THREAD {
        let _ = return_buffer.send(Vec::new());
    }
    let mut start = 0;
    let shards = job
        .shards
        .iter()
        .map(|&(split, plan)| {
            let shard = PackedShard {
                split,
                plan,
                start,
                state: Mutex::default(),
            };
            start += plan.samples.len();
            shard
        })
        .collect();
    let packer = Packer {
        job,
        shards,
        total: start,
        claimed: AtomicUsize::new(0),
        ended: AtomicBool::new(false),
        error: Mutex::new(None),
    };
    thread::scope(|scope| {
        for _ in 0..job.threads {
            let (return_buffer, buffers) = (return_buffer.clone(), buffers.clone());
            let packer = &packer;
            scope.spawn(move || {
                // Dropped even by a panic, which the scope hands on once all threads have ended.
                let _last = WakeOthers {
                    ended: &packer.ended,
                    return_buffer: &return_buffer,
                    threads: packer.job.threads,
                };
                if let Err(error) = packer.work(&return_buffer, &buffers) {
                    lock(&packer.error).get_or_insert(error);
                }
            });
        }
    });
    if let Some(error) = lock(&packer.error).take() {
        return Err(error);
    }
    let mut packed = Packed::default();
    for shard in packer.shards {
        let state = shard
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        packed.finished.extend(state.finished);
        packed.bad.extend(state.bad);
    }
    Ok(packed)
}

struct Packer<'a> {
    job: &'a Job<'a>,
    shards: Vec<PackedShard<'a>>,
    /// Samples in all shards.
    total: usize,
    /// Samples claimed so far.
    claimed: AtomicUsize,
    /// A thread has ended, for whatever reason: there is nothing more to claim, or no point in it.
    ended: AtomicBool,
    error: Mutex<Option<anyhow::Error>>,
}

struct PackedShard<'a> {
    split: &'a SplitPlan,
    plan: &'a ShardPlan,
    /// How many samples the shards before this one have.
    start: usize,
    state: Mutex<ShardState>,
}

#[derive(Default)]
struct ShardState {
    /// The position of the sample to store next.
    next: usize,
    /// Samples that are ready before their turn, by position.
    early: BTreeMap<usize, Examined>,
    writer: Option<ShardWriter>,
    odd: Vec<OddFile>,
    bad: Vec<BadFile>,
    finished: Option<Finished>,
}

struct Examined {
    bytes: Vec<u8>,
    finding: Finding,
    encoding: Encoding,
    /// What is stored, unless that is the file itself.
    payload: Option<Vec<u8>>,
}

impl Examined {
    /// Encodes the file if it is sound.
    fn new(bytes: Vec<u8>, mut finding: Finding, storer: &mut Storer<'_>) -> Result<Self> {
        let (mut encoding, mut payload) = (Encoding::Source, None);
        if let Finding::Good { width, height, .. } = &mut finding {
            let stored = storer.store(&bytes)?;
            (encoding, payload) = (stored.encoding, stored.payload);
            if let Some(size) = stored.scaled_to {
                (*width, *height) = size;
            }
        }
        Ok(Self {
            bytes,
            finding,
            encoding,
            payload,
        })
    }
}

impl<'a> Packer<'a> {
    fn work(&self, return_buffer: &Sender<Vec<u8>>, buffers: &Receiver<Vec<u8>>) -> Result<()> {
        let job = self.job;
        let mut examiner = Examiner::new(job.check)?;
        let mut storer = Storer::new(job.storing, job.tables)?;
        while let Ok(mut bytes) = buffers.recv() {
            if self.ended.load(Ordering::Relaxed) || job.stop.load(Ordering::Relaxed) {
                break;
            }
            // Claimed only with a buffer in hand, hence in order: whoever holds the oldest sample
            // never waits, so neither do the others for ever.
            let claim = self.claimed.fetch_add(1, Ordering::Relaxed);
            let Some((shard, position)) = self.locate(claim) else {
                break;
            };
            let (index, sample) = self.sample(shard, position)?;
            let finding = if sample.misnamed {
                bytes.clear();
                Finding::misnamed("is not UTF-8")
            } else {
                job.source
                    .read(shard.split.source, index, &mut bytes)
                    .with_context(|| format!("cannot read {}", sample.key))?;
                examiner.examine(&sample.key, &bytes)
            };
            let examined = Examined::new(bytes, finding, &mut storer)
                .with_context(|| format!("cannot store {}", sample.key))?;
            self.hand_in(shard, position, examined, return_buffer)?;
        }
        Ok(())
    }

    fn locate(&self, claim: usize) -> Option<(&PackedShard<'a>, usize)> {
        let after = self.shards.partition_point(|shard| shard.start <= claim);
        let shard = self.shards.get(after.checked_sub(1)?)?;
        (claim < self.total).then(|| (shard, claim - shard.start))
    }

    fn sample(&self, shard: &PackedShard<'_>, position: usize) -> Result<(usize, &'a Sample)> {
        let splits = self.job.source.splits();
        shard
            .plan
            .samples
            .get(position)
            .and_then(|&number| {
                let samples = &splits.get(shard.split.source)?.samples;
                Some((number as usize, samples.get(number as usize)?))
            })
            .context("the source's list of samples has changed while it was read")
    }

    /// Stores the sample if it is its turn, with all those that were waiting for it.
    fn hand_in(
        &self,
        shard: &PackedShard<'_>,
        position: usize,
        examined: Examined,
        return_buffer: &Sender<Vec<u8>>,
    ) -> Result<()> {
        let mut state = lock(&shard.state);
        state.early.insert(position, examined);
        loop {
            let position = state.next;
            let Some(mut examined) = state.early.remove(&position) else {
                break;
            };
            let (_, sample) = self.sample(shard, position)?;
            let mut bytes = std::mem::take(&mut examined.bytes);
            self.store(shard, &mut state, sample, &bytes, examined)?;
            state.next += 1;
            self.job.progress.add(1, bytes.len() as u64);
            if bytes.capacity() > KEEP_CAPACITY {
                bytes = Vec::new();
            }
            let _ = return_buffer.send(bytes);
        }
        match state.next == shard.plan.samples.len() {
            true => self.finish(shard, &mut state),
            false => Ok(()),
        }
    }

    fn store(
        &self,
        shard: &PackedShard<'_>,
        state: &mut ShardState,
        sample: &Sample,
        file: &[u8],
        examined: Examined,
    ) -> Result<()> {
        let on_bad = self.job.on_bad;
        let mut odd = |action, reason| {
            state.odd.push(OddFile {
                split: shard.split.name.clone(),
                key: sample.key.clone(),
                action,
                reason,
            });
        };
        let size = match examined.finding {
            Finding::Good {
                width,
                height,
                odd: oddity,
            } => {
                if let Some(reason) = oddity {
                    odd(OddAction::Kept, reason);
                }
                Some((width, height))
            }
            Finding::Damaged { cause, .. } | Finding::Unusable { cause }
                if on_bad == OnBad::Skip =>
            {
                odd(OddAction::Skipped, cause);
                None
            }
            Finding::Damaged {
                width,
                height,
                cause,
            } if on_bad == OnBad::Repair => {
                let reason =
                    format!("{cause}; kept unchanged, it decodes to what libjpeg recovers");
                odd(OddAction::Repaired, reason);
                Some((width, height))
            }
            Finding::Unusable { cause } if on_bad == OnBad::Repair => {
                odd(OddAction::Skipped, cause);
                None
            }
            finding @ (Finding::Damaged { .. } | Finding::Unusable { .. }) => {
                state
                    .bad
                    .push(BadFile::new(&shard.split.name, &sample.key, finding));
                // Its shard cannot be finished; the others can, and the list of bad files is to
                // be complete.
                state.writer = None;
                None
            }
        };
        let Some((width, height)) = size.filter(|_| state.bad.is_empty()) else {
            return Ok(());
        };
        let record = NewRecord {
            key: &sample.key,
            label: sample.label,
            width,
            height,
            encoding: examined.encoding.to_tag(),
        };
        let payload = examined.payload.as_deref().unwrap_or(file);
        writer(&mut state.writer, self.job.out, shard.plan)?.push(&record, payload)?;
        Ok(())
    }

    fn finish(&self, shard: &PackedShard<'_>, state: &mut ShardState) -> Result<()> {
        if !state.bad.is_empty() {
            return Ok(());
        }
        writer(&mut state.writer, self.job.out, shard.plan)?; // all may have been skipped
        let was_bad = |odd: &OddFile| odd.action != OddAction::Kept;
        let note = Note {
            plan: shard.plan.fingerprint.clone(),
            on_bad: state.odd.iter().any(was_bad).then_some(self.job.on_bad),
            odd: std::mem::take(&mut state.odd),
        };
        if let Some(writer) = state.writer.take() {
            let summary = writer.finish(&serde_json::to_vec(&note)?)?;
            state.finished = Some(Finished { summary, note });
        }
        Ok(())
    }
}

impl BadFile {
    fn new(split: &str, key: &str, finding: Finding) -> Self {
        let repairable = matches!(finding, Finding::Damaged { .. });
        let cause = match finding {
            Finding::Damaged { cause, .. } | Finding::Unusable { cause } => cause,
            Finding::Good { .. } => String::new(),
        };
        Self {
            split: split.to_owned(),
            key: key.to_owned(),
            cause,
            repairable,
        }
    }
}

fn writer<'w>(
    writer: &'w mut Option<ShardWriter>,
    out: &Path,
    plan: &ShardPlan,
) -> Result<&'w mut ShardWriter> {
    let open = match writer.take() {
        Some(open) => open,
        None => ShardWriter::create(out.join(&plan.file))?,
    };
    Ok(writer.insert(open))
}

/// When a thread ends, by whatever way, the others must not wait for buffers that will not come.
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
