//! Window shuffle: an order that reads a large data set nearly sequentially and still mixes it well, as a
//! pure function of the position. It fills no buffer: the page cache is the buffer.

use std::num::NonZeroU64;

use crate::permutation::Permutation;

/// Records that are neighbours in the shards and are read one after another. On ImageNet they are 14 MB, which makes
/// the cost of the seek before them negligible.
pub(crate) const RUN: u64 = 128;

/// The order of one epoch. The set is cut into runs of [`RUN`] records, at places that move from epoch to
/// epoch. The runs are permuted over the whole set, and then the records within each `window` of the
/// result are permuted.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    len: u64,
    window: u64,
    seed: u64,
    epoch: u64,
    /// Where the first run begins.
    start: u64,
    runs: Permutation,
}

impl Window {
    pub(crate) fn new(len: u64, window: NonZeroU64, seed: u64, epoch: u64) -> Self {
        // Another permutation of the set serves as the hash that decides where the runs begin.
        let start = match len {
            0 => 0,
            len => Permutation::new(len, !seed, epoch).at(0),
        };
        Window {
            len,
            window: window.get(),
            seed,
            epoch,
            start,
            runs: Permutation::new(len / RUN, seed, epoch),
        }
    }

    /// The number of records that are mixed with one another.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// The record at a position below `len`.
    pub(crate) fn at(&self, position: u64) -> u64 {
        let group = position / self.window;
        let first = group * self.window;
        let len = self.window.min(self.len - first);
        let seed = self.seed.wrapping_add(group + 1).rotate_left(17);
        let inside = Permutation::new(len, seed, self.epoch).at(position - first);
        self.read_order(first + inside)
    }

    /// Record number `place` when windows are read one after another, each run by run.
    pub(crate) fn read_order(&self, place: u64) -> u64 {
        let (run, offset) = (place / RUN, place % RUN);
        // The rest after the last whole run comes last. It is a different piece in each epoch.
        let moved = match run < self.len / RUN {
            true => self.runs.at(run) * RUN + offset,
            false => place,
        };
        (self.start + moved) % self.len
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn window(len: u64, window: u64, epoch: u64) -> Window {
        Window::new(len, NonZeroU64::new(window).unwrap(), 42, epoch)
    }

    fn order(window: &Window) -> Vec<u64> {
        (0..window.len)
            .map(|position| window.at(position))
            .collect()
    }

    proptest! {
        #[test]
        fn every_record_comes_once(len in 1u64..3000, size in 1u64..4000, epoch in 0u64..3) {
            let mut seen = order(&window(len, size, epoch));
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..len).collect::<Vec<_>>());
        }

        #[test]
        fn what_is_read_for_a_window_is_what_it_holds(len in 1u64..3000, size in 1u64..1000) {
            let shuffled = window(len, size, 1);
            let mut used = order(&shuffled);
            let mut read: Vec<u64> = (0..len).map(|place| shuffled.read_order(place)).collect();
            for (used, read) in used.chunks_mut(size as usize).zip(read.chunks_mut(size as usize)) {
                used.sort_unstable();
                read.sort_unstable();
                prop_assert_eq!(used, read);
            }
        }
    }

    #[test]
    fn reading_is_sequential_within_runs() {
        let len = 100 * RUN + 17;
        let shuffled = window(len, 20 * RUN, 0);
        let jumps = (1..len)
            .filter(|&place| {
                shuffled.read_order(place) != (shuffled.read_order(place - 1) + 1) % len
            })
            .count();
        assert!(jumps <= 101, "{jumps} jumps");
    }

    /// The number of runs in a window explains the share of its records that were neighbours of the previous window in
    /// the source. Epochs differ.
    #[test]
    fn windows_hold_pieces_of_the_whole_set_and_others_in_each_epoch() {
        let len = 1000 * RUN;
        let quarters = |epoch| {
            let shuffled = window(len, 100 * RUN, epoch);
            let mut counts = [0u64; 4];
            for position in 0..100 * RUN {
                counts[(shuffled.at(position) * 4 / len) as usize] += 1;
            }
            counts
        };
        for epoch in 0..3 {
            for count in quarters(epoch) {
                assert!(
                    (12 * RUN..=38 * RUN).contains(&count),
                    "{count} of {}",
                    100 * RUN
                );
            }
        }
        assert_ne!(order(&window(5000, 1000, 0)), order(&window(5000, 1000, 1)));
    }
}
