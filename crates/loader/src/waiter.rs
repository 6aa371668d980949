//! How a thread of the pipeline sleeps until another one has finished its part.
//!
//! It is neither a queue nor a lock around data. The condition lives in the ring's own atomics, and the sleeper checks
//! it again each time it wakes. A waiter serves one thread at a time.

use super::sync::{AtomicU64, Backoff, Mutex, Ordering, PoisonError, Thread, current, fence, park};

/// No turn ever reaches this number, so it means that nobody sleeps.
const AWAKE: u64 = u64::MAX;

/// Where one thread sleeps that waits for one turn of the ring.
///
/// **No wake-up is lost.** The sleeper writes `awaited`, passes a SeqCst fence, and checks the
/// condition a last time before it parks. The waker makes the condition true, passes a SeqCst fence
/// ([`publish`]), and then reads `awaited`. One of the two fences comes first. If it is the
/// sleeper's, the waker reads its `awaited` and unparks it. If it is the waker's, the
/// sleeper's last check finds the condition true. An unpark before the park makes the
/// park return at once. An unpark that comes too late makes a later park return early, and the sleeper checks again.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The turn that the thread sleeps for, or `AWAKE`. Stored with Release after `thread`, so that a thread that reads
    /// it with Acquire finds that thread.
    awaited: AtomicU64,
    /// Only a thread about to sleep and the one that wakes it lock this. The consumer may be another thread at each
    /// call, so its handle cannot be stored once for all.
    thread: Mutex<Option<Thread>>,
}

impl Waiter {
    pub(crate) fn new() -> Waiter {
        Waiter {
            awaited: AtomicU64::new(AWAKE),
            thread: Mutex::new(None),
        }
    }

    /// Returns when `ready()` holds: at once, after a short backoff, or after sleeping for `turn`.
    pub(crate) fn wait(&self, turn: u64, ready: impl Fn() -> bool) {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if ready() {
                return;
            }
            backoff.snooze();
        }
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(current());
        self.awaited.store(turn, Ordering::Release);
        fence(Ordering::SeqCst);
        while !ready() {
            park();
        }
        self.awaited.store(AWAKE, Ordering::Relaxed);
    }

    /// Wakes the thread if it sleeps for `turn`. Call [`publish`] first.
    pub(crate) fn wake(&self, turn: u64) {
        if self.awaited.load(Ordering::Acquire) == turn {
            self.unpark();
        }
    }

    /// Wakes the thread, whatever it sleeps for. Call [`publish`] first.
    pub(crate) fn wake_always(&self) {
        if self.awaited.load(Ordering::Acquire) != AWAKE {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// Must be called between making a condition true and looking for sleepers.
pub(crate) fn publish() {
    fence(Ordering::SeqCst);
}
