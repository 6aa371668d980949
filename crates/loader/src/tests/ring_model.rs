//! The ring under a model checker: loom runs each of these small rings through every interleaving of its threads (up to
//! a bound on preemptions), and through every value that the memory orderings allow a load to return. It finds data
//! races, lost wake-ups and hangs that stress tests meet once a year.
//!
//! `ring.rs`, `memory.rs` and `waiter.rs` are compiled here a second time, with loom's threads and atomics.
//! `LOOM_MAX_PREEMPTIONS=3` searches deeper than the bound below.
#![allow(dead_code, clippy::panic, clippy::duplicate_mod)]

#[path = "../memory.rs"]
#[allow(unsafe_code)]
mod memory;
#[path = "../ring.rs"]
#[allow(unsafe_code)]
mod ring;
#[path = "../waiter.rs"]
mod waiter;

/// The counterpart of `crate::sync`.
mod sync {
    pub(crate) use std::cell::UnsafeCell;
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
    pub(crate) use loom::sync::{Arc, Mutex};
    pub(crate) use loom::thread::{Thread, current, park};

    /// Spinning only adds more of the same interleavings.
    pub(crate) struct Backoff;

    impl Backoff {
        pub(crate) fn new() -> Backoff {
            Backoff
        }

        pub(crate) fn is_completed(&self) -> bool {
            true
        }

        pub(crate) fn snooze(&self) {}
    }

    /// A loom cell, which fails the model if two threads use it without an order.
    #[derive(Debug)]
    pub(crate) struct Watch(loom::cell::UnsafeCell<()>);

    impl Watch {
        pub(crate) fn new() -> Watch {
            Watch(loom::cell::UnsafeCell::new(()))
        }

        pub(crate) fn used(&self) {
            self.0.with_mut(|_| ());
        }
    }
}

use loom::thread;
use ring::{Consumer, Deserted, Layout, Producer, ring};

/// Runs turns with bytes from producers, which work until there is nothing left to claim, to a consumer, which takes
/// the first `taken` of them and is dropped.
fn check(slots: usize, items: usize, workers: usize, turns: u64, taken: u64) {
    explore(move || {
        let (mut consumer, producers) = small_ring(slots, items, workers, turns);
        let producers: Vec<_> = producers
            .into_iter()
            .map(|producer| thread::spawn(move || produce(producer)))
            .collect();
        // On its own thread, because loom does not accept a late unpark of a joining thread.
        let consumer = thread::spawn(move || {
            for turn in 0..taken {
                let Some(Ok(mut slot)) = consumer.next() else {
                    panic!("turn {turn} is missing")
                };
                assert!(slot.bytes().iter().all(|&byte| byte == turn as u8));
                assert!(slot.notes_mut().iter().all(|note| *note == Some(turn)));
            }
            assert!(taken < turns || consumer.next().is_none());
        });
        assert!(consumer.join().is_ok());
        assert!(producers.into_iter().all(|thread| thread.join().is_ok()));
    });
}

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(model);
}

fn small_ring(
    slots: usize,
    items: usize,
    workers: usize,
    turns: u64,
) -> (Consumer<u64>, Vec<Producer<u64>>) {
    let layout = Layout {
        slots,
        items,
        item_bytes: 1,
        turns,
        workers,
    };
    ring(layout).unwrap_or_else(|_| panic!("a few bytes can be had"))
}

fn produce(mut producer: Producer<u64>) {
    while let Some(mut item) = producer.claim() {
        let turn = item.turn();
        item.bytes().fill(turn as u8);
        item.finish(turn);
    }
}

#[test]
fn one_worker_and_one_slot_take_turns() {
    check(1, 1, 1, 2, 2);
}

#[test]
fn two_workers_share_a_turn() {
    check(1, 2, 2, 1, 1);
}

#[test]
fn two_workers_share_a_slot_turn_by_turn() {
    check(1, 1, 2, 2, 2);
}

#[test]
fn two_workers_run_ahead_by_two_slots() {
    check(2, 1, 2, 2, 2);
}

#[test]
fn a_consumer_that_goes_early_leaves_nobody_asleep() {
    check(1, 1, 2, u64::MAX, 1);
}

#[test]
fn a_consumer_that_goes_at_once_leaves_nobody_asleep() {
    check(1, 2, 1, u64::MAX, 0);
}

#[test]
fn a_consumer_whose_workers_end_is_told() {
    explore(|| {
        let (mut consumer, mut producers) = small_ring(1, 1, 1, 2);
        let Some(mut producer) = producers.pop() else {
            panic!("one was asked for")
        };
        let producer = thread::spawn(move || {
            if let Some(item) = producer.claim() {
                item.finish(0);
            }
        });
        let consumer = thread::spawn(move || {
            assert!(matches!(consumer.next(), Some(Ok(_))));
            assert!(matches!(consumer.next(), Some(Err(Deserted))));
        });
        assert!(consumer.join().is_ok());
        assert!(producer.join().is_ok());
    });
}
