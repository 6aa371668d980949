//! Measures where the time goes: nanoseconds per stage and worker, and how long the consumer waited. It reports the
//! bottleneck and changes nothing.
//!
//! Counting is always on. Between stages it costs one reading of the clock (about 25 ns) and a relaxed addition to a
//! counter that no other thread writes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

/// The stages of a worker's work on an image, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Waiting for the consumer to return a slot: the pipeline is ahead of it.
    WaitForSlot,
    /// Finding the record and, with positioned reads, reading it.
    Read,
    /// Hashing the record; with a memory map, also waiting for the disk.
    Checksum,
    /// Decoding the part of the image that is needed.
    Decode,
    /// Cropping, scaling and flipping.
    Resample,
    /// Everything that changes pixels after that.
    Augment,
    /// Turning bytes into normalised floats.
    Normalize,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Stage; 7] = [
        Stage::WaitForSlot,
        Stage::Read,
        Stage::Checksum,
        Stage::Decode,
        Stage::Resample,
        Stage::Augment,
        Stage::Normalize,
    ];

    /// A short name in snake case, for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Stage::WaitForSlot => "wait_for_slot",
            Stage::Read => "read",
            Stage::Checksum => "checksum",
            Stage::Decode => "decode",
            Stage::Resample => "resample",
            Stage::Augment => "augment",
            Stage::Normalize => "normalize",
        }
    }

    /// Whether the worker's processor is busy in it.
    pub fn is_work(self) -> bool {
        self != Stage::WaitForSlot
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What sets the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bottleneck {
    /// The consumer: the workers wait for it more than it waits for them.
    Consumer,
    /// The workers, with the stage that takes most of their time.
    Workers(Stage),
}

/// Counters since the loader started. [`StatsSnapshot::since`] gives those of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatsSnapshot {
    /// Time since the loader started.
    pub elapsed: Duration,
    /// Worker threads.
    pub workers: usize,
    /// Images decoded, including those not delivered.
    pub images: u64,
    /// Stored bytes of those images.
    pub bytes: u64,
    /// Images that decoded with a warning (truncated data, for example) and were used.
    pub warnings: u64,
    /// Records that failed: skipped, or reported as errors.
    pub failures: u64,
    /// Batches delivered.
    pub batches: u64,
    /// How long the consumer waited for batches.
    pub consumer_wait: Duration,
    stage_ns: [u64; Stage::ALL.len()],
}

impl StatsSnapshot {
    /// What happened between `earlier` and this snapshot of the same loader.
    pub fn since(&self, earlier: &StatsSnapshot) -> StatsSnapshot {
        StatsSnapshot {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            workers: self.workers,
            images: self.images.saturating_sub(earlier.images),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            warnings: self.warnings.saturating_sub(earlier.warnings),
            failures: self.failures.saturating_sub(earlier.failures),
            batches: self.batches.saturating_sub(earlier.batches),
            consumer_wait: self.consumer_wait.saturating_sub(earlier.consumer_wait),
            stage_ns: std::array::from_fn(|stage| {
                self.stage_ns[stage].saturating_sub(earlier.stage_ns[stage])
            }),
        }
    }

    /// Time spent in a stage, added up over all workers.
    pub fn stage(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.stage_ns[stage as usize])
    }

    /// Microseconds of one worker that a stage takes per image, on average; 0 before the first image.
    pub fn stage_us(&self, stage: Stage) -> f64 {
        ratio(
            self.stage_ns[stage as usize] as f64 / 1e3,
            self.images as f64,
        )
    }

    /// Images per second over the interval; 0 if it is empty.
    pub fn images_per_second(&self) -> f64 {
        ratio(self.images as f64, self.elapsed.as_secs_f64())
    }

    /// Images per second that the workers could prepare if they never waited for the consumer. `None` if too few images
    /// were decoded for a reliable figure.
    pub fn capacity(&self) -> Option<f64> {
        /// From this many images on, a single one does not decide the mean.
        const ENOUGH: u64 = 16;
        let work = Stage::ALL.into_iter().filter(|stage| stage.is_work());
        let busy: Duration = work.map(|stage| self.stage(stage)).sum();
        let told = self.images >= ENOUGH && busy > Duration::ZERO;
        told.then(|| self.workers as f64 * self.images as f64 / busy.as_secs_f64())
    }

    /// The share of the interval, 0 to 1, that the consumer spent waiting for data.
    pub fn data_wait_share(&self) -> f64 {
        ratio(self.consumer_wait.as_secs_f64(), self.elapsed.as_secs_f64()).min(1.0)
    }

    /// The share of the workers' time, 0 to 1, in which they waited for the consumer: the reserve of the pipeline.
    pub fn worker_wait_share(&self) -> f64 {
        let total: u64 = self.stage_ns.iter().sum();
        ratio(
            self.stage_ns[Stage::WaitForSlot as usize] as f64,
            total as f64,
        )
    }

    /// What set the pace over the interval.
    pub fn bottleneck(&self) -> Bottleneck {
        if self.worker_wait_share() > self.data_wait_share() {
            return Bottleneck::Consumer;
        }
        let work = Stage::ALL.into_iter().filter(|stage| stage.is_work());
        Bottleneck::Workers(
            work.max_by_key(|&stage| self.stage_ns[stage as usize])
                .unwrap_or(Stage::Decode),
        )
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The counters of one loader.
#[derive(Debug)]
pub(crate) struct Stats {
    started: Instant,
    workers: Box<[CachePadded<WorkerStats>]>,
    batches: CachePadded<AtomicU64>,
    consumer_wait_ns: AtomicU64,
}

/// Counters that one worker writes and anyone reads.
#[derive(Debug, Default)]
pub(crate) struct WorkerStats {
    stage_ns: [AtomicU64; Stage::ALL.len()],
    images: AtomicU64,
    bytes: AtomicU64,
    warnings: AtomicU64,
    failures: AtomicU64,
}

impl Stats {
    pub(crate) fn new(workers: usize) -> Stats {
        Stats {
            started: Instant::now(),
            workers: (0..workers).map(|_| CachePadded::default()).collect(),
            batches: CachePadded::default(),
            consumer_wait_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn worker(&self, worker: usize) -> &WorkerStats {
        &self.workers[worker]
    }

    pub(crate) fn delivered(&self, waited: Duration) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.consumer_wait_ns
            .fetch_add(nanos(waited), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> StatsSnapshot {
        let total = |counter: fn(&WorkerStats) -> &AtomicU64| -> u64 {
            self.workers
                .iter()
                .map(|worker| counter(worker).load(Ordering::Relaxed))
                .sum()
        };
        StatsSnapshot {
            elapsed: self.started.elapsed(),
            workers: self.workers.len(),
            images: total(|worker| &worker.images),
            bytes: total(|worker| &worker.bytes),
            warnings: total(|worker| &worker.warnings),
            failures: total(|worker| &worker.failures),
            batches: self.batches.load(Ordering::Relaxed),
            consumer_wait: Duration::from_nanos(self.consumer_wait_ns.load(Ordering::Relaxed)),
            stage_ns: std::array::from_fn(|stage| {
                self.workers
                    .iter()
                    .map(|worker| worker.stage_ns[stage].load(Ordering::Relaxed))
                    .sum()
            }),
        }
    }
}

/// Counts what one worker does, and charges the time between its laps to stages.
#[derive(Debug)]
pub(crate) struct Laps<'s> {
    stats: &'s WorkerStats,
    last: Instant,
}

impl<'s> Laps<'s> {
    pub(crate) fn start(stats: &'s WorkerStats) -> Self {
        Laps {
            stats,
            last: Instant::now(),
        }
    }

    /// An image was decoded from `bytes` stored bytes.
    pub(crate) fn image(&self, bytes: u64, warned: bool) {
        self.stats.images.fetch_add(1, Ordering::Relaxed);
        self.stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.stats
            .warnings
            .fetch_add(u64::from(warned), Ordering::Relaxed);
    }

    /// A record failed.
    pub(crate) fn failure(&self) {
        self.stats.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The time since the last lap belongs to `stage`.
    pub(crate) fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        self.stats.stage_ns[stage as usize].fetch_add(nanos(now - self.last), Ordering::Relaxed);
        self.last = now;
    }
}

/// A u64 holds 584 years of nanoseconds.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(elapsed_ms: u64, images: u64, wait_ms: u64, stage_ms: [u64; 7]) -> StatsSnapshot {
        StatsSnapshot {
            elapsed: Duration::from_millis(elapsed_ms),
            workers: 2,
            images,
            consumer_wait: Duration::from_millis(wait_ms),
            stage_ns: stage_ms.map(|ms| ms * 1_000_000),
            ..StatsSnapshot::default()
        }
    }

    #[test]
    fn stages_index_their_counters() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index, "{stage}");
        }
    }

    #[test]
    fn an_interval_is_a_difference() {
        let interval = snapshot(3000, 900, 300, [0, 30, 0, 1800, 0, 0, 0]).since(&snapshot(
            1000,
            100,
            200,
            [0, 10, 0, 1000, 0, 0, 0],
        ));
        assert_eq!(interval, snapshot(2000, 800, 100, [0, 20, 0, 800, 0, 0, 0]));
        assert_eq!(interval.images_per_second(), 400.0);
        assert_eq!(interval.data_wait_share(), 0.05);
        assert_eq!(interval.stage_us(Stage::Decode), 1000.0);
        assert_eq!(interval.stage(Stage::Read), Duration::from_millis(20));
    }

    #[test]
    fn the_side_that_waits_is_not_the_bottleneck() {
        let starved = snapshot(1000, 10, 900, [20, 0, 0, 1500, 300, 100, 0]);
        assert_eq!(starved.bottleneck(), Bottleneck::Workers(Stage::Decode));
        let fed = snapshot(1000, 10, 5, [1500, 0, 0, 300, 100, 20, 0]);
        assert_eq!(fed.bottleneck(), Bottleneck::Consumer);
        assert_eq!(fed.worker_wait_share(), 1500.0 / 1920.0);
    }

    #[test]
    fn nothing_is_not_a_number() {
        let nothing = StatsSnapshot::default();
        assert_eq!(nothing.images_per_second(), 0.0);
        assert_eq!(nothing.data_wait_share(), 0.0);
        assert_eq!(nothing.stage_us(Stage::Decode), 0.0);
        assert_eq!(nothing.capacity(), None);
    }

    #[test]
    fn a_few_images_do_not_tell_what_workers_could_do() {
        let work = [500, 10, 0, 80, 10, 0, 0];
        assert_eq!(snapshot(100, 100, 0, work).capacity(), Some(2000.0));
        assert_eq!(snapshot(100, 3, 0, work).capacity(), None);
        assert_eq!(
            snapshot(100, 100, 0, [500, 0, 0, 0, 0, 0, 0]).capacity(),
            None
        );
    }

    #[test]
    fn counters_of_all_workers_add_up() {
        let stats = Stats::new(2);
        let (mut first, second) = (Laps::start(stats.worker(0)), Laps::start(stats.worker(1)));
        first.image(100, false);
        first.lap(Stage::Decode);
        second.image(50, true);
        second.failure();
        stats.delivered(Duration::from_micros(3));
        let snapshot = stats.snapshot();
        assert_eq!(
            (
                snapshot.images,
                snapshot.bytes,
                snapshot.warnings,
                snapshot.failures
            ),
            (2, 150, 1, 1)
        );
        assert_eq!(
            (snapshot.batches, snapshot.consumer_wait, snapshot.workers),
            (1, Duration::from_micros(3), 2)
        );
    }
}
