//! Trains and evaluates the Inception networks on a data set of shards: recipe, learning rate, optimizer, the
//! training loop, validation, checkpoints and logs. The networks are in `inception`, the input pipeline is in
//! `loader`, the command line is in the tools.
//!
//! Read [`run`] first: it is all of training, from top to bottom.
//!
//! The modules use one another in one direction only. Each uses those before it in this list, and a test holds
//! them to it:
//!
//! 1. `io_advice`, [`device`]: what to do about a full disk; where to compute.
//! 2. [`recipe`]: the settings of a run.
//! 3. [`step`]: one training step: loss, optimizer, learning rate, accuracy.
//! 4. [`data`]: the data set's splits, as batches on the device.
//! 5. [`checkpoint`], [`network`]: a run on disk; a network from a recipe, with weights in it.
//! 6. [`log`]: the log, the metrics, TensorBoard, live progress.
//! 7. [`evaluate`]: validation and prediction.
//! 8. [`run`]: the training loop.
//! 9. [`html_report`]: a page about a run.
//!
//! Each folder has its own error type, which includes those of the folders that it uses.

#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod data;
pub mod device;
pub mod evaluate;
pub mod html_report;
mod io_advice;
pub mod log;
pub mod network;
pub mod recipe;
pub mod run;
pub mod step;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use evaluate::EvaluateError;
pub use log::{human_time, validation_line};
pub use run::{Resume, RunError};
