//! What a run shows whoever watches it live. The log and the metrics say the same and more, for later; they do
//! not come this way.

use std::time::Duration;

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

/// Is told where a run stands, as it goes.
pub trait Watcher {
    /// After each step.
    fn step(&mut self, status: &Status);

    /// After each batch of a validation: `done` of `images` images.
    fn validating(&mut self, done: u64, images: u64);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Watcher for Nobody {
    fn step(&mut self, _status: &Status) {}

    fn validating(&mut self, _done: u64, _images: u64) {}
}
