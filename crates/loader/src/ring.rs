//! The ring of preallocated batch slots between the workers and the consumer. Together with `memory` it holds all
//! `unsafe` code of this crate, behind two types that cannot be misused.
//!
//! It knows turns, items and bytes, but not records, images or epochs.
//!
//! # How it works
//! A *turn* is one batch to be made; turn `t` is made in slot `t % slots`. Workers claim its items one at a
//! time from a single counter of tickets (ticket `k` is item `k % items` of turn `k / items`), so any
//! number of workers share a batch and nobody distributes work. A worker with a ticket waits only for
//! its slot, until the consumer has given it back from turn `t - slots`. It then writes into the
//! item's own part of the slot. When the last item of a turn is finished, the consumer may read the
//! slot. It takes turns strictly in order.
//!
//! # Why it is sound
//! Two counters in each slot say who owns its memory. Both only grow:
//! - `turn`: the turn that may be written in it. Only the consumer moves it, by `slots`, when it
//!   gives the slot back.
//! - `done`: items finished in it since the beginning. After the turn `t`, it is
//!   `(t / slots + 1) * items`.
//!
//! *Worker against worker*: tickets are handed out by `fetch_add`, so one (turn, item) goes to one
//! worker, and the parts of different items do not overlap. Different turns of a slot are kept apart
//! by `turn`: a worker touches the slot only while `turn` is its own, and `turn` moves on only
//! after all items of that turn are finished.
//! *Worker before consumer*: a worker's writes are sequenced before its `done.fetch_add(Release)`.
//! All changes of `done` are such read-modify-writes, so each heads a release sequence that
//! contains the later ones, and the consumer's Acquire load of the full count synchronises with
//! every one of them: it sees all pixels of all workers.
//! *Consumer before worker*: the consumer's reads are sequenced before its `turn.store(Release)`;
//! the worker's Acquire load of that value synchronises with it, so writes of the next turn come
//! after.
//! Neither side relies on destructors for soundness: a leaked `PublishedSlot` is never given
//! back, and a leaked `ClaimedItem` is never finished.
//!
//! # Why it cannot hang
//! Consider the oldest unfinished turn `m`. The consumer has given back turn `m - slots` or is
//! reading it, in which case it is the consumer's move. Otherwise no worker waits with a ticket of
//! `m`. If all tickets of `m` are claimed, their holders are at work. If one is not, then some worker
//! has no ticket, since workers claim in order and hold one each: whoever waits for a later turn has
//! finished everything that it claimed before. Sleeping is covered in [`Waiter`]. A worker that unwinds
//! finishes its item as left out (`ClaimedItem`'s drop), and the consumer learns when the last worker is
//! gone (`Deserted`).

use crossbeam_utils::CachePadded;

use super::memory::prefer_huge_pages;
use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Ordering, UnsafeCell, Watch};
use super::waiter::{Waiter, publish};

/// The layout of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Batches that exist at a time, at least 1.
    pub(crate) slots: usize,
    /// Items in each, at least 1.
    pub(crate) items: usize,
    /// Bytes of each item.
    pub(crate) item_bytes: usize,
    /// How many turns there will be.
    pub(crate) turns: u64,
    /// How many workers claim items, at least 1.
    pub(crate) workers: usize,
}

impl Layout {
    /// Bytes of all slots; `None` if that exceeds the address space.
    pub(crate) fn bytes(&self) -> Option<usize> {
        let slot = self
            .items
            .checked_mul(self.item_bytes)?
            .checked_next_multiple_of(size_of::<Line>())?;
        slot.checked_mul(self.slots)
    }
}

/// There is not enough memory.
#[derive(Debug)]
pub(crate) struct OutOfMemory;

/// No worker is left to finish the turn.
#[derive(Debug)]
pub(crate) struct Deserted;

/// A ring and its two sides: the consumer and as many producers as the layout says.
///
/// `M` is a worker's note about its finished item.
pub(crate) fn ring<M: Send>(
    layout: Layout,
) -> Result<(Consumer<M>, Vec<Producer<M>>), OutOfMemory> {
    layout.bytes().ok_or(OutOfMemory)?;
    let slots = (0..layout.slots)
        .map(|index| Slot::new(&layout, index as u64))
        .collect::<Result<_, _>>()?;
    let shared = Arc::new(Shared {
        layout,
        slots,
        tickets: CachePadded::new(AtomicU64::new(0)),
        stopped: AtomicBool::new(false),
        producers: AtomicUsize::new(layout.workers),
        asleep: (0..layout.workers)
            .map(|_| CachePadded::new(Waiter::new()))
            .collect(),
        consumer: CachePadded::new(Waiter::new()),
    });
    let producers = (0..layout.workers)
        .map(|worker| Producer {
            shared: shared.clone(),
            worker,
        })
        .collect();
    Ok((Consumer { shared, turn: 0 }, producers))
}

#[derive(Debug)]
struct Shared<M> {
    layout: Layout,
    slots: Box<[Slot<M>]>,
    tickets: CachePadded<AtomicU64>,
    stopped: AtomicBool,
    /// Producers that exist.
    producers: AtomicUsize,
    /// Where each producer sleeps.
    asleep: Box<[CachePadded<Waiter>]>,
    consumer: CachePadded<Waiter>,
}

// SAFETY: the `UnsafeCell`s in `slots` are the only members that are not `Sync` by themselves. They
// are reached only through `ClaimedItem` and `PublishedSlot`, whose access is exclusive (see the
// top of the file). `M` values move between threads, but are never shared by two at once.
unsafe impl<M: Send> Sync for Shared<M> {}

impl<M> Shared<M> {
    fn slot(&self, turn: u64) -> &Slot<M> {
        &self.slots[(turn % self.slots.len() as u64) as usize]
    }

    /// The value of `done` in the turn's slot when all its items are finished.
    fn done_after(&self, turn: u64) -> u64 {
        (turn / self.slots.len() as u64 + 1) * self.layout.items as u64
    }

    fn is_published(&self, turn: u64) -> bool {
        self.slot(turn).done.load(Ordering::Acquire) == self.done_after(turn)
    }
}

/// The unit of allocation: puts every slot on its own cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

#[derive(Debug)]
struct Slot<M> {
    turn: CachePadded<AtomicU64>,
    done: CachePadded<AtomicU64>,
    /// The items' bytes, one after the other without gaps, then padding to a whole line.
    lines: Box<[UnsafeCell<Line>]>,
    /// The note on each item; `None` if the item was left out.
    notes: Box<[UnsafeCell<Option<M>>]>,
    /// Where a model checker watches who uses each item's bytes and note; nothing otherwise.
    watches: Box<[Watch]>,
}

impl<M> Slot<M> {
    fn new(layout: &Layout, index: u64) -> Result<Self, OutOfMemory> {
        let count = (layout.items * layout.item_bytes).div_ceil(size_of::<Line>());
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        prefer_huge_pages(lines.spare_capacity_mut());
        // Writing the zeros also takes the page faults now, once, instead of in the first epoch.
        lines.resize_with(count, || UnsafeCell::new(Line([0; 64])));
        Ok(Slot {
            turn: CachePadded::new(AtomicU64::new(index)),
            done: CachePadded::new(AtomicU64::new(0)),
            lines: lines.into_boxed_slice(),
            notes: (0..layout.items).map(|_| UnsafeCell::new(None)).collect(),
            watches: (0..layout.items).map(|_| Watch::new()).collect(),
        })
    }

    /// The first byte. `UnsafeCell<Line>` has the layout of `Line`, whose bytes have no padding, so
    /// the pointer is good for all bytes of all lines.
    fn bytes(&self) -> *mut u8 {
        UnsafeCell::raw_get(self.lines.as_ptr()).cast()
    }

    fn notes(&self) -> *mut Option<M> {
        UnsafeCell::raw_get(self.notes.as_ptr())
    }
}

/// A worker's side of the ring.
#[derive(Debug)]
pub(crate) struct Producer<M> {
    shared: Arc<Shared<M>>,
    worker: usize,
}

impl<M> Producer<M> {
    /// The next unclaimed item, once its slot is free. `None` if all turns are claimed or the consumer is gone.
    ///
    /// Because of the exclusive borrow, a worker finishes one item before it claims the next. The argument against
    /// hanging relies on this.
    pub(crate) fn claim(&mut self) -> Option<ClaimedItem<'_, M>> {
        let shared = &*self.shared;
        if shared.stopped.load(Ordering::Relaxed) {
            return None;
        }
        // Relaxed: the ticket's uniqueness is all that is needed; memory is ordered by `turn`.
        let ticket = shared.tickets.fetch_add(1, Ordering::Relaxed);
        let items = shared.layout.items as u64;
        let (turn, index) = (ticket / items, (ticket % items) as usize);
        if turn >= shared.layout.turns {
            return None;
        }
        let slot = shared.slot(turn);
        let is_free = || slot.turn.load(Ordering::Acquire) == turn;
        shared.asleep[self.worker]
            .wait(turn, || is_free() || shared.stopped.load(Ordering::Relaxed));
        if !is_free() {
            return None;
        }
        Some(ClaimedItem {
            shared,
            turn,
            index,
            note: None,
        })
    }
}

impl<M> Drop for Producer<M> {
    fn drop(&mut self) {
        // Release: a consumer that sees this worker gone also sees what it finished.
        if self.shared.producers.fetch_sub(1, Ordering::Release) == 1 {
            publish();
            self.shared.consumer.wake_always();
        }
    }
}

/// One item of one turn, owned by one worker. If it is dropped without [`ClaimedItem::finish`] (a panic, or a place
/// that stays empty), it counts as left out, and the turn continues.
#[derive(Debug)]
pub(crate) struct ClaimedItem<'p, M> {
    shared: &'p Shared<M>,
    turn: u64,
    index: usize,
    note: Option<M>,
}

impl<M> ClaimedItem<'_, M> {
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// The item's place in the batch.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The item's bytes, with whatever an earlier turn left in them.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        let len = self.shared.layout.item_bytes;
        let slot = self.shared.slot(self.turn);
        slot.watches[self.index].used();
        let base = slot.bytes();
        // SAFETY: `index < items`, so `index * len .. (index + 1) * len` lies within the slot's
        // `items * len` bytes, all of them initialised. Nobody else reads or writes this part: the
        // ticket is unique, other tickets have other parts, and the consumer waits until this item
        // is dropped. The borrow of `self` keeps a second slice from being made.
        unsafe { std::slice::from_raw_parts_mut(base.add(self.index * len), len) }
    }

    /// Finishes the item: the consumer will see its bytes.
    pub(crate) fn finish(mut self, note: M) {
        self.note = Some(note);
    }
}

impl<M> Drop for ClaimedItem<'_, M> {
    fn drop(&mut self) {
        let slot = self.shared.slot(self.turn);
        slot.watches[self.index].used();
        // SAFETY: `index < items` is the length of `notes`, and this note is this worker's alone
        // until the count below, for the same reasons as the item's bytes.
        unsafe { *slot.notes().add(self.index) = self.note.take() };
        // Release: hands this item's bytes and note to the consumer.
        let done = slot.done.fetch_add(1, Ordering::Release) + 1;
        if done == self.shared.done_after(self.turn) {
            publish();
            self.shared.consumer.wake(self.turn);
        }
    }
}

/// The reading side of the ring. Dropping it stops all producers.
#[derive(Debug)]
pub(crate) struct Consumer<M> {
    shared: Arc<Shared<M>>,
    /// The turn to be read next.
    turn: u64,
}

impl<M> Consumer<M> {
    /// Waits for the next turn. `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Result<PublishedSlot<'_, M>, Deserted>> {
        let (shared, turn) = (&*self.shared, self.turn);
        if turn >= shared.layout.turns {
            return None;
        }
        shared.consumer.wait(turn, || {
            shared.is_published(turn) || shared.producers.load(Ordering::Acquire) == 0
        });
        // The producers may have finished the turn and gone, so what counts is whether it was published. This load is
        // also the Acquire that makes all items visible.
        if shared.is_published(turn) {
            Some(Ok(PublishedSlot { consumer: self }))
        } else {
            Some(Err(Deserted))
        }
    }

    /// The number of turns that were taken and returned.
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// Stops producers from claiming another item, and wakes the sleeping ones to tell them.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        publish();
        self.shared
            .asleep
            .iter()
            .for_each(|worker| worker.wake_always());
    }
}

impl<M> Drop for Consumer<M> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A finished turn, owned by the consumer until it is dropped, which returns the slot.
#[derive(Debug)]
pub(crate) struct PublishedSlot<'c, M> {
    consumer: &'c mut Consumer<M>,
}

impl<M> PublishedSlot<'_, M> {
    /// The bytes of all items.
    pub(crate) fn bytes(&self) -> &[u8] {
        let len = self.consumer.shared.layout.items * self.consumer.shared.layout.item_bytes;
        // SAFETY: the slot has `items * item_bytes` initialised bytes. All items of the turn are
        // finished, and no worker touches the slot again before it is given back.
        unsafe { std::slice::from_raw_parts(self.slot().bytes(), len) }
    }

    /// The bytes of all items.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.consumer.shared.layout.items * self.consumer.shared.layout.item_bytes;
        // SAFETY: as in `bytes`, and `&mut self` makes this the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.slot().bytes(), len) }
    }

    /// The note on each item, `None` for those left out.
    pub(crate) fn notes_mut(&mut self) -> &mut [Option<M>] {
        let slot = self.slot();
        // SAFETY: as in `bytes_mut`: `notes` are initialised, and the consumer's alone.
        unsafe { std::slice::from_raw_parts_mut(slot.notes(), slot.notes.len()) }
    }

    fn slot(&self) -> &Slot<M> {
        let slot = self.consumer.shared.slot(self.consumer.turn);
        slot.watches.iter().for_each(Watch::used);
        slot
    }
}

impl<M> Drop for PublishedSlot<'_, M> {
    fn drop(&mut self) {
        let (shared, turn) = (&*self.consumer.shared, self.consumer.turn);
        let next_turn_here = turn.saturating_add(shared.slots.len() as u64);
        // Release: the reads of this turn come before the writes of the next.
        shared
            .slot(turn)
            .turn
            .store(next_turn_here, Ordering::Release);
        publish();
        shared
            .asleep
            .iter()
            .for_each(|worker| worker.wake(next_turn_here));
        self.consumer.turn += 1;
    }
}
