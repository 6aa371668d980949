//! Which records make up step `s` of an epoch, as a pure function: no files, no state, no threads.

use std::iter::StepBy;
use std::num::{NonZeroU32, NonZeroU64};
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

/// Which records an epoch visits, and how often. By default each one once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Repeated augmentation (Hoffer et al. 2020; Berman et al. 2019): each record that an epoch visits is
    /// visited so many times in a row, each time augmented anew, and the epoch ends after as many images as
    /// it would have had otherwise, so that it visits one record in `repeats`. 1 turns it off.
    pub repeats: NonZeroU32,
    /// An epoch visits only so many images: the first ones of its order. None visits all; more than there
    /// are is as good as none.
    pub limit: Option<NonZeroU64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            repeats: NonZeroU32::MIN,
            limit: None,
        }
    }
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
    /// Which records, and how often.
    pub sampling: Sampling,
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
        "{world} rank(s) x batch {batch} = {} records a step, but an epoch has only {records}, and an incomplete \
         batch is to be dropped: use a smaller batch, or keep the last batch",
        u64::from(*world) * u64::from(*batch)
    )]
    NoFullBatch {
        /// Records in an epoch.
        records: u64,
        /// The number of ranks.
        world: u32,
        /// Records in a batch of one rank.
        batch: u32,
    },
}

/// The plan of one epoch for one rank.
///
/// An epoch is a sequence of *positions*, as many as the split has records unless they are limited; the
/// shuffle says which record is at which position, and knows nothing of ranks. Step `g` covers the positions
/// `g * world * batch .. (g + 1) * world * batch`, of which rank `r` takes the `r`-th run of
/// `batch`; with repeated augmentation every `world`-th from the `r`-th on, so that the repeats of a
/// record go to different ranks, as MindCV's and DeiT's samplers have it. Hence `n` ranks with batches of `b` see, step by step, the same records as one rank
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
                records: plan.images(),
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
        let (images, global_batch) = (self.images(), self.global_batch());
        if self.spec.drop_last {
            images / global_batch
        } else {
            images.div_ceil(global_batch)
        }
    }

    /// Images in the epoch, of all ranks, those of an incomplete last batch included: its positions.
    pub fn images(&self) -> u64 {
        let limit = self.spec.sampling.limit.map_or(u64::MAX, NonZeroU64::get);
        self.spec.records.min(limit)
    }

    /// The positions of the epoch that this rank takes in `step`: at most `batch`, and none beyond
    /// the last step.
    pub fn positions(&self, step: u64) -> StepBy<Range<u64>> {
        let images = self.images();
        if step >= self.steps() {
            return (images..images).step_by(1);
        }
        let (rank, world) = (u64::from(self.spec.rank), u64::from(self.spec.world));
        let first = step * self.global_batch();
        let available = (images - first).min(self.global_batch());
        if self.repeats() > 1 {
            return (first + rank..first + available).step_by(self.spec.world as usize);
        }
        let (share, extra) = (available / world, available % world);
        let start = first + rank * share + rank.min(extra);
        (start..start + share + u64::from(rank < extra)).step_by(1)
    }

    /// The record at a position of the epoch.
    pub fn record(&self, position: u64) -> u64 {
        let place = position / self.repeats();
        match &self.order {
            Order::Permuted(permutation) => permutation.at(place),
            Order::Windowed(window) => window.at(place),
            Order::Stored => place,
        }
    }

    /// The record that should be on its way into memory while that at `position` is used: the one
    /// `distance` positions on, in the next epoch if need be. A windowed order has its own distance: each
    /// window is read, run by run, while the one before it is used.
    pub fn ahead(&self, position: u64, distance: u64) -> u64 {
        let images = self.images();
        let distance = match &self.order {
            Order::Windowed(window) => window.window().saturating_mul(self.repeats()),
            Order::Permuted(_) | Order::Stored => distance,
        };
        match position.saturating_add(distance) {
            place if place < images => self.read_order(place),
            place => {
                let next = self.of_epoch(self.spec.epoch.wrapping_add(1));
                next.read_order((place - images) % images)
            }
        }
    }

    fn read_order(&self, position: u64) -> u64 {
        match &self.order {
            Order::Windowed(window) => window.read_order(position / self.repeats()),
            Order::Permuted(_) | Order::Stored => self.record(position),
        }
    }

    fn repeats(&self) -> u64 {
        u64::from(self.spec.sampling.repeats.get())
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
            sampling: Sampling::default(),
        }
    }

    fn repeated(repeats: u32, spec: PlanSpec) -> PlanSpec {
        let repeats = NonZeroU32::new(repeats).unwrap();
        PlanSpec {
            sampling: Sampling {
                repeats,
                ..spec.sampling
            },
            ..spec
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

    proptest! {
        /// MindCV's RepeatAugSampler, written out: every index of the order so many times in a row, dealt
        /// out to the ranks in turn, of which each takes as many as the set has for it.
        #[test]
        fn repeats_are_mindcvs(records in 1u64..500, world in 1u32..9, batch in 1u32..20, repeats in 2u32..5, drop_last: bool) {
            let spec = repeated(repeats, PlanSpec { drop_last, ..spec(records, world, batch) });
            let Ok(one) = Plan::new(spec) else { return Ok(()) };
            let order = Plan::new(PlanSpec { sampling: Sampling::default(), world: 1, batch: 1, ..spec }).unwrap();
            let times = repeats as usize;
            let indices: Vec<u64> = (0..records).flat_map(|at| std::iter::repeat_n(order.record(at), times)).collect();
            let global = u64::from(world * batch);
            let images = if drop_last { records / global * global } else { records };
            for plan in all_ranks(spec) {
                let rank = u64::from(plan.spec.rank);
                let found: Vec<u64> = (0..one.steps()).flat_map(|step| plan.samples(step)).map(|(_, record)| record).collect();
                let expected: Vec<u64> = indices.iter().copied().take(images as usize)
                    .skip(rank as usize).step_by(world as usize).collect();
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn repeats_leave_the_steps_and_the_positions(records in 1u64..500, world in 1u32..9, batch in 1u32..20, repeats in 1u32..5) {
            let spec = repeated(repeats, spec(records, world, batch));
            let plans = all_ranks(spec);
            prop_assert_eq!(plans[0].steps(), records.div_ceil(u64::from(world * batch)));
            let mut positions: Vec<u64> = plans.iter()
                .flat_map(|plan| (0..plan.steps()).flat_map(|step| plan.positions(step))).collect();
            positions.sort_unstable();
            prop_assert_eq!(positions, (0..records).collect::<Vec<_>>());
            for step in 0..plans[0].steps() {
                let sizes: Vec<usize> = plans.iter().map(|plan| plan.positions(step).count()).collect();
                prop_assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] - sizes[sizes.len() - 1] <= 1);
                prop_assert!(sizes[0] <= batch as usize);
            }
        }
    }

    #[test]
    fn repeats_of_a_record_go_to_different_ranks_and_other_records_come_next_epoch() {
        let plans = all_ranks(repeated(3, spec(90, 3, 5)));
        let of = |plan: &Plan, step| {
            plan.samples(step)
                .map(|(_, record)| record)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&plans[0], 2), of(&plans[1], 2));
        assert_eq!(of(&plans[1], 2), of(&plans[2], 2));
        let visited = |plan: &Plan| -> std::collections::BTreeSet<u64> {
            (0..plan.steps()).flat_map(|step| of(plan, step)).collect()
        };
        let (now, next) = (visited(&plans[0]), visited(&plans[0].of_epoch(6)));
        assert_eq!((now.len(), next.len()), (30, 30));
        assert_ne!(now, next);
    }

    #[test]
    fn a_limited_epoch_is_the_beginning_of_the_whole_one() {
        let limit = NonZeroU64::new(13);
        let sampling = Sampling {
            limit,
            ..Sampling::default()
        };
        let whole = Plan::new(spec(1000, 1, 4)).unwrap();
        let some = Plan::new(PlanSpec {
            sampling,
            ..spec(1000, 1, 4)
        })
        .unwrap();
        assert_eq!((some.steps(), some.images()), (4, 13));
        let records = |plan: &Plan, steps| {
            let samples = (0..steps).flat_map(|step| plan.samples(step).collect::<Vec<_>>());
            samples.take(13).collect::<Vec<_>>()
        };
        assert_eq!(records(&some, 4), records(&whole, 4));
        assert_ne!(records(&some.of_epoch(6), 4), records(&some, 4));
        assert_eq!(some.samples(3).count(), 1);
        assert_eq!(some.ahead(12, 3), some.of_epoch(6).record(2));
        let more = Plan::new(PlanSpec {
            sampling,
            ..spec(9, 1, 4)
        });
        assert_eq!(more.unwrap().images(), 9, "no more than there are");
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
            too_big
                .to_string()
                .contains("8 rank(s) x batch 32 = 256 records a step, but an epoch has only 100")
        );
    }
}
