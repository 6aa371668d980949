//! How a thread of the pipeline sleeps until another one has made its step ready.
//!
//! Not a queue and not a lock around data: what is waited for lives in the ring's own atomics, and
//! is looked at again after every awakening. A waiter serves one thread at a time.

use super::sync::{AtomicU64, Backoff, Mutex, Ordering, PoisonError, Thread, current, fence, park};

/// No turn is ever counted up to this, so it says that nobody sleeps.
const AWAKE: u64 = u64::MAX;

/// A bed for one thread that waits for one turn of the ring.
///
/// **No wake-up is lost.** The sleeper writes `awaited`, passes a SeqCst fence, and looks at the
/// condition a last time before it parks. The waker makes the condition true, passes a SeqCst fence
/// ([`publish`]), and then reads `awaited`. The two fences are ordered one way or the other: if the
/// sleeper's is first, the waker reads its `awaited` and unparks it; if the waker's is first, the
/// sleeper's last look finds the condition true. An unpark that comes before the park makes that
/// park return at once, and one that comes too late makes a later park return early, to look again.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The turn that is slept for, or `AWAKE`. Stored with Release after `thread`, so that whoever
    /// reads it with Acquire finds that thread.
    awaited: AtomicU64,
    /// Locked by a thread about to sleep and by the one that wakes it, and by nobody else: the
    /// consumer may be another thread at each call, so its handle can't be stored once for all.
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

    /// Wakes the thread if it sleeps for `turn`; to be called after [`publish`].
    pub(crate) fn wake(&self, turn: u64) {
        if self.awaited.load(Ordering::Acquire) == turn {
            self.unpark();
        }
    }

    /// Wakes the thread whatever it sleeps for; to be called after [`publish`].
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

/// Between making a condition true and looking for sleepers.
pub(crate) fn publish() {
    fence(Ordering::SeqCst);
}
