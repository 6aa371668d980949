//! Live progress of a run, for a progress bar. The log and the metrics contain the same figures and more, but take
//! another way.

use std::time::{Duration, Instant};

/// The state of a run after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingStatus {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Number of epochs.
    pub epochs: u64,
    /// The batch in the epoch, from 1.
    pub batch: u64,
    /// Batches per epoch.
    pub batches: u64,
    /// Mean loss of the epoch's batches so far.
    pub loss: f64,
    /// Share of the epoch's images so far, 0 to 1, whose label was the first guess.
    pub top1: f64,
    /// The learning rate of the step.
    pub lr: f64,
    /// Speed of the last steps.
    pub images_per_second: f64,
    /// Share of the last steps' time, 0 to 1, that was spent waiting for data.
    pub data_wait: f64,
    /// Time left until the last step, without validations.
    pub left: Duration,
}

/// The state of a validation after a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidationStatus {
    /// Images done, including those that failed and were skipped.
    pub done: u64,
    /// Number of images.
    pub images: u64,
    /// Share of the images so far, 0 to 1, whose label was the first guess.
    pub top1: f64,
    /// Speed since the beginning.
    pub images_per_second: f64,
    /// Time left until the last image, at the speed so far.
    pub left: Duration,
}

impl ValidationStatus {
    /// After `done` of `images` images, in a validation that started at `began`.
    pub(crate) fn at(done: u64, images: u64, top1: f64, began: Instant) -> Self {
        let took = began.elapsed().as_secs_f64().max(1e-9);
        let left = took / done.max(1) as f64 * images.saturating_sub(done) as f64;
        ValidationStatus {
            done,
            images,
            top1,
            images_per_second: done as f64 / took,
            left: Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX),
        }
    }
}

/// Follows a run's progress.
pub trait Watcher {
    /// Called after each step.
    fn step(&mut self, status: &TrainingStatus);

    /// Called after each batch of a validation.
    fn validating(&mut self, status: &ValidationStatus);
}

/// Ignores progress.
#[derive(Clone, Copy, Debug)]
pub struct NoWatcher;

impl Watcher for NoWatcher {
    fn step(&mut self, _status: &TrainingStatus) {}

    fn validating(&mut self, _status: &ValidationStatus) {}
}
