//! What a run shows whoever watches it live. The log and the metrics say the same and more, for later; they do
//! not come this way.

use std::time::{Duration, Instant};

/// Where a run stands after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// From 1.
    pub epoch: u64,
    /// Epochs in all.
    pub epochs: u64,
    /// Of the epoch, from 1.
    pub batch: u64,
    /// Batches of an epoch.
    pub batches: u64,
    /// Mean loss of the epoch's batches so far.
    pub loss: f64,
    /// Share of the epoch's images so far, 0 to 1, whose label was the first guess.
    pub top1: f64,
    /// The learning rate of the step.
    pub lr: f64,
    /// Of the last steps.
    pub images_per_second: f64,
    /// Share of the last steps' time, 0 to 1, that was spent waiting for data.
    pub data_wait: f64,
    /// Until the last step, validations left out.
    pub left: Duration,
}

/// Where a validation stands after a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validating {
    /// Images done, those that failed and were left out included.
    pub done: u64,
    /// Images in all.
    pub images: u64,
    /// Share of the images so far, 0 to 1, whose label was the first guess.
    pub top1: f64,
    /// Since the beginning.
    pub images_per_second: f64,
    /// Until the last image, at the pace so far.
    pub left: Duration,
}

impl Validating {
    /// After `done` of `images` images, begun at `began`.
    pub(crate) fn at(done: u64, images: u64, top1: f64, began: Instant) -> Self {
        let took = began.elapsed().as_secs_f64().max(1e-9);
        let left = took / done.max(1) as f64 * images.saturating_sub(done) as f64;
        Validating {
            done,
            images,
            top1,
            images_per_second: done as f64 / took,
            left: Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX),
        }
    }
}

/// Is told where a run stands, as it goes.
pub trait Watcher {
    /// After each step.
    fn step(&mut self, status: &Status);

    /// After each batch of a validation.
    fn validating(&mut self, status: &Validating);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Watcher for Nobody {
    fn step(&mut self, _status: &Status) {}

    fn validating(&mut self, _status: &Validating) {}
}
