//! Runs work on numbered items from several threads. Not a pool: the threads end with the work.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The number of threads asked for, or all cores.
pub(crate) fn thread_count(asked: Option<NonZeroUsize>) -> usize {
    asked
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

/// Calls `work` once for each item in `0..items`, in claiming order, from `threads` threads, each
/// with a state of its own. The first error stops all and is returned.
pub(crate) fn for_each<S, E: Send>(
    threads: usize,
    items: usize,
    state: impl Fn() -> Result<S, E> + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let first_error = Mutex::new(None);
    let run = || {
        let mut state = state()?;
        while !failed.load(Ordering::Relaxed) {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                break;
            }
            work(&mut state, item)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(items) {
            scope.spawn(|| {
                if let Err(error) = run() {
                    failed.store(true, Ordering::Relaxed);
                    first_error
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                }
            });
        }
    });
    first_error
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .map_or(Ok(()), Err)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let sum = AtomicU64::new(0);
        let work = |_: &mut (), item: usize| {
            sum.fetch_add(1 << (item * 4), Ordering::Relaxed);
            Ok::<_, ()>(())
        };
        for_each(3, 8, || Ok(()), work).unwrap();
        assert_eq!(sum.into_inner(), 0x1111_1111);
    }

    #[test]
    fn an_error_stops_the_others() {
        let seen = AtomicUsize::new(0);
        let work = |_: &mut (), item: usize| {
            seen.fetch_add(1, Ordering::Relaxed);
            if item == 3 { Err(item) } else { Ok(()) }
        };
        assert_eq!(for_each(1, 1000, || Ok(()), work), Err(3));
        assert_eq!(seen.into_inner(), 4);
    }
}
