//! What the ring and its waiters take from the standard library to speak across threads, in one
//! place, so that a model checker's versions can stand in for all of it at once.

pub(crate) use std::cell::UnsafeCell;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex, PoisonError};
pub(crate) use std::thread::{Thread, current, park};
