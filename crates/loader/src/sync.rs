//! What the ring and its waiters take from elsewhere to speak across threads, in one place:
//! `tests/ring_model.rs` compiles the same two files against a model checker's versions of all of it.

pub(crate) use std::cell::UnsafeCell;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex, PoisonError};
pub(crate) use std::thread::{Thread, current, park};

pub(crate) use crossbeam_utils::Backoff;

/// Stands for memory, for a model checker to see who uses it when; nothing at all here.
#[derive(Debug)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch
    }

    /// The memory is used exclusively.
    pub(crate) fn used(&self) {}
}
