//! The ring under many threads and random delays, and its start and end.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::memory::{as_floats, as_floats_mut};
use crate::ring::*;

const ITEM_BYTES: usize = 37; // odd on purpose: items share cache lines

fn layout(slots: usize, items: usize, turns: u64, workers: usize) -> Layout {
    Layout {
        slots,
        items,
        item_bytes: ITEM_BYTES,
        turns,
        workers,
    }
}

fn pattern(turn: u64, index: usize) -> u8 {
    (turn.wrapping_mul(31) as u8) ^ (index as u8).wrapping_mul(7)
}

/// Delays like those from a scheduler and a disk, from a small generator.
struct Delays(u64);

impl Delays {
    fn pause(&mut self) {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match (self.0 >> 33) % 64 {
            0 => thread::sleep(Duration::from_micros((self.0 >> 40) % 200)),
            1..8 => thread::yield_now(),
            8..16 => (0..(self.0 >> 40) % 500).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    }
}

fn work(mut producer: Producer<(u64, usize)>, mut delays: Delays) {
    while let Some(mut item) = producer.claim() {
        delays.pause();
        let (turn, index) = (item.turn(), item.index());
        item.bytes().fill(pattern(turn, index));
        delays.pause();
        item.finish((turn, index));
    }
}

fn assert_whole(slot: &mut PublishedSlot<'_, (u64, usize)>, turn: u64) {
    for (index, bytes) in slot.bytes().chunks(ITEM_BYTES).enumerate() {
        assert!(
            bytes.iter().all(|&byte| byte == pattern(turn, index)),
            "turn {turn}, item {index}"
        );
    }
    for (index, note) in slot.notes_mut().iter_mut().enumerate() {
        assert_eq!(note.take(), Some((turn, index)));
    }
}

#[test]
fn every_turn_comes_whole_and_in_order() {
    let turns = if cfg!(miri) { 12 } else { 1500 };
    for (slots, items, workers) in [
        (1, 1, 1),
        (1, 5, 3),
        (2, 1, 8),
        (3, 4, 2),
        (4, 3, 16),
        (7, 2, 5),
    ] {
        let (mut consumer, producers) = ring(layout(slots, items, turns, workers)).unwrap();
        thread::scope(|scope| {
            for (worker, producer) in producers.into_iter().enumerate() {
                scope.spawn(move || work(producer, Delays(worker as u64)));
            }
            let mut delays = Delays(99);
            for turn in 0..turns {
                assert_whole(&mut consumer.next().unwrap().unwrap(), turn);
                delays.pause();
            }
            assert!(consumer.next().is_none());
        });
    }
}

#[test]
fn workers_never_run_further_ahead_than_there_are_slots() {
    let turns = if cfg!(miri) { 8 } else { 400 };
    let (mut consumer, producers) = ring(layout(3, 2, turns, 4)).unwrap();
    let given_back = AtomicU64::new(0);
    thread::scope(|scope| {
        for mut producer in producers {
            let given_back = &given_back;
            scope.spawn(move || {
                while let Some(item) = producer.claim() {
                    assert!(item.turn() < given_back.load(Ordering::SeqCst) + 3);
                    item.finish(());
                }
            });
        }
        let mut delays = Delays(5);
        for turn in 0..turns {
            let slot = consumer.next().unwrap().unwrap();
            delays.pause();
            given_back.store(turn + 1, Ordering::SeqCst);
            drop(slot);
        }
    });
}

#[test]
fn a_dropped_consumer_wakes_sleeping_workers() {
    for taken in 0..4 {
        let (mut consumer, producers) = ring(layout(2, 2, u64::MAX, 5)).unwrap();
        let workers: Vec<_> = producers
            .into_iter()
            .map(|p| thread::spawn(move || work(p, Delays(1))))
            .collect();
        for turn in 0..taken {
            assert_whole(&mut consumer.next().unwrap().unwrap(), turn);
        }
        if taken % 2 == 0 && !cfg!(miri) {
            thread::sleep(Duration::from_millis(20)); // by now they are parked
        }
        drop(consumer);
        for worker in workers {
            worker.join().unwrap();
        }
    }
}

#[test]
fn an_item_that_is_dropped_is_left_out_and_the_turn_goes_on() {
    let (mut consumer, mut producers) = ring(layout(2, 3, 2, 1)).unwrap();
    let producer = &mut producers[0];
    producer.claim().unwrap().finish('a');
    drop(producer.claim().unwrap());
    producer.claim().unwrap().finish('c');
    assert_eq!(
        consumer.next().unwrap().unwrap().notes_mut(),
        [Some('a'), None, Some('c')]
    );
}

#[test]
fn a_worker_that_unwinds_leaves_its_item_out() {
    let (mut consumer, producers) = ring(layout(1, 2, 3, 2)).unwrap();
    thread::scope(|scope| {
        for (worker, mut producer) in producers.into_iter().enumerate() {
            scope.spawn(move || {
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                    while let Some(item) = producer.claim() {
                        if worker == 0 {
                            std::panic::resume_unwind(Box::new("no message on stderr"));
                        }
                        item.finish(());
                    }
                }));
            });
        }
        let mut left_out = 0;
        while let Some(slot) = consumer.next() {
            left_out += slot
                .unwrap()
                .notes_mut()
                .iter()
                .filter(|note| note.is_none())
                .count();
        }
        assert!(left_out <= 1, "one worker holds one item");
    });
}

#[test]
fn a_consumer_without_workers_is_told() {
    let (mut consumer, mut producers) = ring(layout(2, 1, 10, 2)).unwrap();
    thread::scope(|scope| {
        producers[0].claim().unwrap().finish(());
        let last = producers.pop().unwrap();
        scope.spawn(move || {
            if !cfg!(miri) {
                thread::sleep(Duration::from_millis(20));
            }
            drop(last);
        });
        assert!(
            consumer.next().unwrap().is_ok(),
            "what was finished is delivered"
        );
        producers.clear();
        assert!(matches!(consumer.next(), Some(Err(Deserted))));
        assert!(matches!(consumer.next(), Some(Err(Deserted))));
    });
}

#[test]
fn the_consumer_may_change_threads() {
    let (consumer, producers) = ring(layout(2, 2, 20, 2)).unwrap();
    for producer in producers {
        thread::spawn(move || work(producer, Delays(3)));
    }
    let mut consumer = consumer;
    for turn in 0..20 {
        consumer = thread::spawn(move || {
            assert_whole(&mut consumer.next().unwrap().unwrap(), turn);
            consumer
        })
        .join()
        .unwrap();
    }
    assert_eq!(consumer.turn(), 20);
}

#[test]
fn a_leaked_slot_is_delivered_again() {
    let (mut consumer, mut producers) = ring(layout(2, 1, 10, 1)).unwrap();
    producers[0].claim().unwrap().finish(1);
    producers[0].claim().unwrap().finish(2);
    std::mem::forget(consumer.next().unwrap().unwrap());
    assert_eq!(consumer.next().unwrap().unwrap().notes_mut(), [Some(1)]);
    assert_eq!(consumer.next().unwrap().unwrap().notes_mut(), [Some(2)]);
}

#[test]
fn a_ring_beyond_the_address_space_is_refused() {
    let huge = Layout {
        item_bytes: usize::MAX / 2,
        ..layout(4, 4, 1, 1)
    };
    assert!(ring::<()>(huge).is_err());
    let large = Layout {
        item_bytes: isize::MAX as usize / 8,
        ..layout(1, 4, 1, 1)
    };
    assert!(ring::<()>(large).is_err());
}

#[test]
fn bytes_are_floats_and_back() {
    let layout = Layout {
        item_bytes: 12,
        ..layout(1, 3, 1, 1)
    };
    let (mut consumer, mut producers) = ring(layout).unwrap();
    for index in 0..3 {
        let mut item = producers[0].claim().unwrap();
        as_floats_mut(item.bytes()).fill(index as f32 + 0.5);
        item.finish(());
    }
    let slot = consumer.next().unwrap().unwrap();
    assert_eq!(
        as_floats(slot.bytes()),
        [0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 2.5, 2.5, 2.5]
    );
}
