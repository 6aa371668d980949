//! Epoch plan, lock-free prefetch pipeline, batches, cursor, stage statistics.
#![deny(unsafe_code)] // allowed in `ring`, nowhere else

mod cursor;
mod permutation;
mod plan;
#[allow(unsafe_code)]
mod ring;
mod stats;
mod sync;
mod waiter;

pub use cursor::Cursor;
pub use plan::{Plan, PlanError, PlanSpec, Shuffle};
pub use stats::{Binding, Stage, StatsSnapshot};
