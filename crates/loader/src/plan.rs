//! Which records make up step `s` of an epoch, as a pure function: no files, no state, no threads.

use std::num::NonZeroU64;
use std::ops::Range;

use crate::permutation::Permutation;
use crate::window::Window;

/// The order in which an epoch visits the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shuffle {
    /// A uniform permutation of the whole split, another one in each epoch, in constant memory.
    Full,
    /// For sets larger than memory: runs of neighbouring records are shuffled over the whole set, and
    /// then the records of so many at a time among themselves. Disks see large sequential reads; two
    /// windows' worth of records should fit into the page cache.
    Window(NonZeroU64),
    /// The order of the shards, for validation.
    None,
}

/// All that an epoch's plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSpec {
    /// Records in the split.
    pub records: u64,
    /// The run's seed; equal on all ranks.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// This process among `world`, from 0.
    pub rank: u32,
    /// How many processes train together.
    pub world: u32,
    /// Records in a batch of one rank.
    pub batch: u32,
    /// Whether the records beyond the last full global batch are left out of the epoch.
    pub drop_last: bool,
    /// The order.
    pub shuffle: Shuffle,
}

/// Why a plan can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The split is empty.
    #[error(
        "the split holds no records: there is nothing to load; check the build's report of skipped files"
    )]
    NoRecords,
    /// A batch of nothing.
    #[error("a batch of 0 records: the batch size must be at least 1")]
    ZeroBatch,
    /// The rank isn't among the ranks.
    #[error("rank {rank} of a world of {world}: ranks go from 0 to world - 1")]
    NoSuchRank {
        /// The rank asked for.
        rank: u32,
        /// The number of ranks.
        world: u32,
    },
    /// `drop_last` leaves nothing over.
    #[error(
        "{world} rank(s) x batch {batch} = {} records a step, but the split holds only {records}, and an incomplete \
         batch is to be dropped: use a smaller batch, or keep the last batch",
        u64::from(*world) * u64::from(*batch)
    )]
    NoFullBatch {
        /// Records in the split.
        records: u64,
        /// The number of ranks.
        world: u32,
        /// Records in a batch of one rank.
        batch: u32,
    },
}

/// The plan of one epoch for one rank.
///
/// An epoch is a sequence of *positions* `0..records`; the shuffle says which record is at which
/// position, and knows nothing of ranks. Step `g` covers the positions
/// `g * world * batch .. (g + 1) * world * batch`, of which rank `r` takes the `r`-th run of
/// `batch`. Hence `n` ranks with batches of `b` see, step by step, the same records as one rank
/// with batches of `n * b`, and a sample's position (which keys its augmentation) is the same.
///
/// When the last step of an epoch is incomplete and kept, what is left is dealt out as evenly as it
/// goes, the lower ranks taking one more where it doesn't: every rank has the same number of steps,
/// but its last batch may be short, and **empty** where fewer records are left than there are ranks.
#[derive(Clone, Debug)]
pub struct Plan {
    spec: PlanSpec,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    Stored,
    Permuted(Permutation),
    Windowed(Window),
}

impl Plan {
    /// Checks the spec; costs no more than that.
    pub fn new(spec: PlanSpec) -> Result<Plan, PlanError> {
        let PlanSpec {
            records,
            rank,
            world,
            batch,
            ..
        } = spec;
        if records == 0 {
            return Err(PlanError::NoRecords);
        }
        if batch == 0 {
            return Err(PlanError::ZeroBatch);
        }
        if rank >= world {
            return Err(PlanError::NoSuchRank { rank, world });
        }
        let plan = Plan {
            spec,
            order: order(&spec),
        };
        if plan.steps() == 0 {
            return Err(PlanError::NoFullBatch {
                records,
                world,
                batch,
            });
        }
        Ok(plan)
    }

    /// The epoch that this is the plan of.
    pub fn epoch(&self) -> u64 {
        self.spec.epoch
    }

    /// The plan of another epoch of the same run.
    pub fn of_epoch(&self, epoch: u64) -> Plan {
        let spec = PlanSpec { epoch, ..self.spec };
        Plan {
            spec,
            order: order(&spec),
        }
    }

    /// Steps in the epoch: at least one, and the same on every rank.
    pub fn steps(&self) -> u64 {
        let (records, global_batch) = (self.spec.records, self.global_batch());
        if self.spec.drop_last {
            records / global_batch
        } else {
            records.div_ceil(global_batch)
        }
    }

    /// The positions of the epoch that this rank takes in `step`: at most `batch`, and none beyond
    /// the last step.
    pub fn positions(&self, step: u64) -> Range<u64> {
        if step >= self.steps() {
            return self.spec.records..self.spec.records;
        }
        let (rank, world) = (u64::from(self.spec.rank), u64::from(self.spec.world));
        let first = step * self.global_batch();
        let available = (self.spec.records - first).min(self.global_batch());
        let (share, extra) = (available / world, available % world);
        let start = first + rank * share + rank.min(extra);
        start..start + share + u64::from(rank < extra)
    }

    /// The record at a position below `records`.
    pub fn record(&self, position: u64) -> u64 {
        match &self.order {
            Order::Permuted(permutation) => permutation.at(position),
            Order::Windowed(window) => window.at(position),
            Order::Stored => position,
        }
    }

    /// The record that should be on its way into memory while that at `position` is used: the one
    /// `distance` positions on, in the next epoch if need be. A windowed order has its own distance: each
    /// window is read, run by run, while the one before it is used.
    pub fn ahead(&self, position: u64, distance: u64) -> u64 {
        let records = self.spec.records;
        let distance = match &self.order {
            Order::Windowed(window) => window.window(),
            Order::Permuted(_) | Order::Stored => distance,
        };
        match position.saturating_add(distance) {
            place if place < records => self.read_order(place),
            place => {
                let next = self.of_epoch(self.spec.epoch.wrapping_add(1));
                next.read_order((place - records) % records)
            }
        }
    }

    fn read_order(&self, place: u64) -> u64 {
        match &self.order {
            Order::Windowed(window) => window.read_order(place),
            Order::Permuted(_) | Order::Stored => self.record(place),
        }
    }

    /// (position, record) of one sample of `step`; `None` beyond the end of its batch.
    pub fn sample(&self, step: u64, index: usize) -> Option<(u64, u64)> {
        let position = self.positions(step).nth(index)?;
        Some((position, self.record(position)))
    }

    /// (position, record) of each sample of `step`, in the order of the batch.
    pub fn samples(&self, step: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.positions(step)
            .map(|position| (position, self.record(position)))
    }

    fn global_batch(&self) -> u64 {
        u64::from(self.spec.world) * u64::from(self.spec.batch)
    }
}

fn order(spec: &PlanSpec) -> Order {
    match spec.shuffle {
        Shuffle::Full => Order::Permuted(Permutation::new(spec.records, spec.seed, spec.epoch)),
        Shuffle::Window(window) => {
            Order::Windowed(Window::new(spec.records, window, spec.seed, spec.epoch))
        }
        Shuffle::None => Order::Stored,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn spec(records: u64, world: u32, batch: u32) -> PlanSpec {
        PlanSpec {
            records,
            seed: 42,
            epoch: 5,
            rank: 0,
            world,
            batch,
            drop_last: false,
            shuffle: Shuffle::Full,
        }
    }

    fn all_ranks(spec: PlanSpec) -> Vec<Plan> {
        (0..spec.world)
            .map(|rank| Plan::new(PlanSpec { rank, ..spec }).unwrap())
            .collect()
    }

    fn records_of_step(plans: &[Plan], step: u64) -> Vec<u64> {
        plans
            .iter()
            .flat_map(|plan| plan.samples(step).map(|(_, record)| record))
            .collect()
    }

    proptest! {
        #[test]
        fn ranks_cover_everything_once(records in 1u64..3000, world in 1u32..9, batch in 1u32..70) {
            let plans = all_ranks(spec(records, world, batch));
            let steps = plans[0].steps();
            prop_assert!(plans.iter().all(|plan| plan.steps() == steps));
            let mut seen: Vec<u64> = (0..steps).flat_map(|step| records_of_step(&plans, step)).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..records).collect::<Vec<_>>());
        }

        #[test]
        fn the_order_does_not_depend_on_the_world(records in 1u64..3000, world in 1u32..9, batch in 1u32..70) {
            let many = all_ranks(spec(records, world, batch));
            let one = all_ranks(spec(records, 1, world * batch));
            prop_assert_eq!(many[0].steps(), one[0].steps());
            for step in 0..one[0].steps() {
                prop_assert_eq!(records_of_step(&many, step), records_of_step(&one, step));
            }
        }

        #[test]
        fn all_batches_are_full_when_the_last_is_dropped(records in 1u64..3000, world in 1u32..9, batch in 1u32..70) {
            let spec = PlanSpec { drop_last: true, ..spec(records, world, batch) };
            match Plan::new(spec) {
                Err(error) => {
                    prop_assert!(records < u64::from(world * batch));
                    prop_assert_eq!(error, PlanError::NoFullBatch { records, world, batch });
                }
                Ok(_) => {
                    for plan in all_ranks(spec) {
                        prop_assert!((0..plan.steps()).all(|step| plan.samples(step).count() == batch as usize));
                        prop_assert_eq!(plan.samples(plan.steps()).count(), 0);
                    }
                }
            }
        }
    }

    #[test]
    fn a_remainder_is_dealt_out_evenly() {
        let sizes = |records, world, batch| -> Vec<usize> {
            all_ranks(spec(records, world, batch))
                .iter()
                .map(|plan| plan.samples(plan.steps() - 1).count())
                .collect()
        };
        assert_eq!(sizes(13, 4, 2), [2, 1, 1, 1]);
        assert_eq!(sizes(10, 4, 2), [1, 1, 0, 0]);
        assert_eq!(sizes(16, 4, 2), [2, 2, 2, 2]);
    }

    #[test]
    fn without_shuffle_the_order_is_that_of_the_shards() {
        let plan = Plan::new(PlanSpec {
            shuffle: Shuffle::None,
            ..spec(10, 1, 4)
        })
        .unwrap();
        assert_eq!(
            plan.samples(1).collect::<Vec<_>>(),
            [(4, 4), (5, 5), (6, 6), (7, 7)]
        );
        assert_eq!(plan.samples(2).collect::<Vec<_>>(), [(8, 8), (9, 9)]);
    }

    #[test]
    fn what_is_read_ahead_is_what_comes_next() {
        let shuffles = [
            Shuffle::Full,
            Shuffle::None,
            Shuffle::Window(NonZeroU64::new(300).unwrap()),
        ];
        for shuffle in shuffles {
            let plan = Plan::new(PlanSpec {
                shuffle,
                ..spec(1000, 1, 4)
            })
            .unwrap();
            let window = matches!(shuffle, Shuffle::Window(_));
            let (distance, next) = (if window { 300 } else { 64 }, plan.of_epoch(6));
            let mut ahead: Vec<u64> = (0..1000).map(|at| plan.ahead(at, 64)).collect();
            let mut comes: Vec<u64> = (distance..1000).map(|at| plan.record(at)).collect();
            comes.extend((0..distance).map(|at| next.record(at)));
            if window {
                // The same windows, each in the order that suits the disk.
                for records in [&mut ahead, &mut comes] {
                    records[..300].sort_unstable();
                    records[300..600].sort_unstable();
                    records[600..700].sort_unstable();
                    records[700..].sort_unstable();
                }
            }
            assert_eq!(ahead, comes, "{shuffle:?}");
        }
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let order = |epoch, seed| -> Vec<u64> {
            let plan = Plan::new(PlanSpec {
                epoch,
                seed,
                ..spec(1000, 1, 1000)
            })
            .unwrap();
            plan.samples(0).map(|(_, record)| record).collect()
        };
        assert_ne!(order(0, 1), order(1, 1));
        assert_ne!(order(0, 1), order(0, 2));
        assert_ne!(order(1, 0), order(0, 1));
        assert_eq!(order(3, 3), order(3, 3));
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let error = |spec| Plan::new(spec).unwrap_err();
        assert_eq!(error(spec(0, 1, 1)), PlanError::NoRecords);
        assert_eq!(error(spec(5, 1, 0)), PlanError::ZeroBatch);
        assert_eq!(
            error(spec(5, 0, 1)),
            PlanError::NoSuchRank { rank: 0, world: 0 }
        );
        let too_big = error(PlanSpec {
            drop_last: true,
            ..spec(100, 8, 32)
        });
        assert!(
            too_big.to_string().contains(
                "8 rank(s) x batch 32 = 256 records a step, but the split holds only 100"
            )
        );
    }
}
