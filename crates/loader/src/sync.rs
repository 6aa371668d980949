//! Everything that the ring and its waiters use for work between threads, in one place. `tests/ring_model.rs` compiles
//! those files with a model checker's versions instead.

pub(crate) use std::cell::UnsafeCell;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex, PoisonError};
pub(crate) use std::thread::{Thread, current, park};

pub(crate) use crossbeam_utils::Backoff;

/// Represents memory, so that a model checker sees who uses it when. Here it does nothing.
#[derive(Debug)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch
    }

    /// The memory is used exclusively.
    pub(crate) fn used(&self) {}
}
