//! Trains and evaluates Inception-v4 from shards: recipe, schedule, optimizer, the loop, validation,
//! checkpoints and metrics. Not the network (`inception`), not the pipeline (`loader`), not the
//! command line (the tools).
//!
//! Read [`run`] first: it is the whole of training, from top to bottom.

#![forbid(unsafe_code)]

pub mod bench;
pub mod checkpoint;
pub mod data;
pub mod device;
mod error;
pub mod evaluate;
pub mod events;
pub mod feed;
pub mod jury;
pub mod learner;
mod lock;
pub mod loss;
pub mod metrics;
pub mod network;
pub mod optim;
pub mod page;
pub mod predict;
pub mod recipe;
mod refusal;
mod report;
mod resume;
pub mod run;
pub mod schedule;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod trained;
pub mod views;
pub mod watch;

pub use error::TrainError;
pub use report::{human_time, validation_line};
pub use resume::Resume;
