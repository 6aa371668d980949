//! What was measured: one run of a loader, and the medians of several. How it is shown is in `print` and `report`.

use std::collections::BTreeMap;
use std::time::Duration;

use loader::{Bottleneck, Stage, StatsSnapshot};
use serde::Serialize;

use super::report::Set;

/// Images per second that eight Ascend 910* cards consume (MindCV's README: 8 x 32 images, 80.97 ms per step).
pub(super) const TARGET: f64 = 3161.66;

/// One loader, running for some seconds.
#[derive(Clone, Serialize)]
pub(super) struct Run {
    pub(super) set: String,
    pub(super) threads: usize,
    pub(super) img_per_s: f64,
    /// Per busy core, by CPU time and not by threads.
    pub(super) img_per_s_per_core: f64,
    /// 100 is one core.
    pub(super) cpu_percent: f64,
    /// Stored bytes, in 10^6 per second.
    pub(super) mb_per_s: f64,
    /// What disks read for this process meanwhile, read-ahead included.
    pub(super) disk_mb_per_s: Option<f64>,
    /// Microseconds of a thread per image.
    pub(super) stages_us: BTreeMap<&'static str, f64>,
    /// A stage of the workers, or the consumer.
    pub(super) bottleneck: String,
    pub(super) images: u64,
    pub(super) decode_warnings: u64,
    pub(super) failures: u64,
    pub(super) seconds: f64,
}

/// All runs with one data set and one number of threads.
#[derive(Clone, Serialize)]
pub(super) struct Summary {
    pub(super) set: String,
    pub(super) threads: usize,
    /// The median, and below it the smallest and the largest.
    pub(super) img_per_s: f64,
    pub(super) range: [f64; 2],
    pub(super) img_per_s_per_core: f64,
    pub(super) bytes_per_image: u64,
    pub(super) stages_us: BTreeMap<&'static str, f64>,
    pub(super) share_of_target: f64,
    /// How many cores of this machine would reach the target at this rate per core.
    pub(super) cores_for_target: f64,
}

impl Run {
    pub(super) fn new(
        set: String,
        interval: &StatsSnapshot,
        cpu: Duration,
        from_disk: Option<u64>,
    ) -> Self {
        let seconds = interval.elapsed.as_secs_f64();
        let cores = cpu.as_secs_f64() / seconds;
        let img_per_s = interval.images_per_second();
        Self {
            set,
            threads: interval.workers,
            img_per_s,
            img_per_s_per_core: img_per_s / cores,
            cpu_percent: cores * 100.0,
            mb_per_s: interval.bytes as f64 / seconds / 1e6,
            disk_mb_per_s: from_disk.map(|bytes| bytes as f64 / seconds / 1e6),
            stages_us: Stage::ALL
                .into_iter()
                .map(|stage| (stage.name(), interval.stage_us(stage)))
                .collect(),
            bottleneck: match interval.bottleneck() {
                Bottleneck::Workers(stage) => stage.name().to_owned(),
                _ => "consumer".to_owned(),
            },
            images: interval.images,
            decode_warnings: interval.warnings,
            failures: interval.failures,
            seconds,
        }
    }
}

impl Summary {
    pub(super) fn of(runs: &[&Run], set: &Set) -> Option<Self> {
        let median_of = |value: &dyn Fn(&Run) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(|run| value(run)).collect();
            values.sort_unstable_by(f64::total_cmp);
            median(&values)
        };
        let img_per_s = median_of(&|run| run.img_per_s);
        let per_core = median_of(&|run| run.img_per_s_per_core);
        let rates = || runs.iter().map(|run| run.img_per_s);
        Some(Self {
            set: set.name.clone(),
            threads: runs.first()?.threads,
            img_per_s,
            range: [
                rates().fold(f64::INFINITY, f64::min),
                rates().fold(0.0, f64::max),
            ],
            img_per_s_per_core: per_core,
            bytes_per_image: set.bytes / set.records.max(1),
            stages_us: Stage::ALL
                .into_iter()
                .map(Stage::name)
                .map(|name| (name, median_of(&|run| run.stages_us[name])))
                .collect(),
            share_of_target: img_per_s / TARGET,
            cores_for_target: TARGET / per_core,
        })
    }
}

/// The median of sorted values; 0 of none.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[1.0, 3.0, 100.0]), 3.0);
        assert_eq!(median(&[1.0, 3.0, 5.0, 100.0]), 4.0);
    }
}
