//! What a run reports to people and programs: the log on the console, `metrics.jsonl`, `result.log`, TensorBoard's
//! event files and live progress. It measures and writes, but decides nothing.

mod error;
pub mod live_progress;
mod machine;
pub mod metrics;
mod run_log;
pub mod tensorboard;

pub use error::LogError;
pub(crate) use machine::machine;
pub(crate) use run_log::{RunLog, StepFigures};
pub use run_log::{human_time, validation_line};
