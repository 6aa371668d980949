//! Which records make up a step of an epoch, as a pure function without files, state or threads.

use std::iter::StepBy;
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::Range;

use crate::permutation::Permutation;
use crate::window::Window;

/// The order in which an epoch visits the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shuffle {
    /// A uniform permutation of the whole split, a new one in each epoch, in constant memory.
    Full,
    /// For data sets larger than memory: runs of neighbouring records are shuffled over the whole set, and
    /// then the records within each window of this size. Disks see large sequential reads. Two
    /// windows of records should fit in the page cache.
    Window(NonZeroU64),
    /// The order of the shards, for validation.
    None,
}

/// Which records an epoch visits, and how often. By default each one once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Repeated augmentation (Hoffer et al. 2020; Berman et al. 2019): an epoch visits each of its records this many
    /// times in a row, with a different augmentation each time. It ends after as many images as without repeats, so it
    /// visits one record in `repeats`. 1 turns this off.
    pub repeats: NonZeroU32,
    /// An epoch visits only the first images of its order, this many. With `None`, or with more than there are, it
    /// visits all.
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

/// Everything that the plan of an epoch depends on.
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
    /// The number of processes that train together.
    pub world: u32,
    /// Records in a batch of one rank.
    pub batch: u32,
    /// Whether the epoch leaves out the records after the last full global batch.
    pub drop_last: bool,
    /// The order.
    pub shuffle: Shuffle,
    /// Which records, and how often.
    pub sampling: Sampling,
}

/// Why no plan can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The split is empty.
    #[error(
        "the split holds no records, so there is nothing to load; check the build's report of skipped files"
    )]
    NoRecords,
    /// A batch is empty.
    #[error("the batch size is 0: it must be at least 1")]
    ZeroBatch,
    /// The rank is not one of the ranks.
    #[error("rank {rank} of a world of {world}: ranks go from 0 to world - 1")]
    NoSuchRank {
        /// The given rank.
        rank: u32,
        /// The number of ranks.
        world: u32,
    },
    /// `drop_last` leaves no batch.
    #[error(
        "batch size {batch}{} exceeds the {records} images of an epoch, and incomplete batches are dropped: use a smaller \
         batch, or keep the last one",
        if *world > 1 {
            format!(" on each of {world} ranks = {}", u64::from(*world) * u64::from(*batch))
        } else {
            String::new()
        }
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
/// An epoch is a sequence of *positions*, one for each record of the split unless they are limited. The shuffle decides
/// which record is at which position, and does not depend on ranks. Step `g` covers the positions `g * world * batch ..
/// (g + 1) * world * batch`, and rank `r` takes the `r`-th run of `batch` of them. With repeated augmentation it takes
/// every `world`-th one from the `r`-th on: the repeats of a record go to different ranks, as in MindCV's and DeiT's
/// samplers.
///
/// So `n` ranks with batches of `b` see, step by step, the same records as one rank with batches of `n * b`. A sample's
/// position is also the same, and it keys the augmentation.
///
/// If the last step of an epoch is incomplete and kept, its images are divided as evenly as possible, and lower ranks
/// take one more. Every rank has the same number of steps, but its last batch may be short. It is **empty** if fewer
/// records are left than there are ranks.
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
    /// Checks the spec, and does nothing more.
    ///
    /// # Errors
    /// There are no records, no such rank, or no full batch.
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

    /// The epoch of this plan.
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

    /// Images in the epoch over all ranks, including an incomplete last batch: its positions.
    pub fn images(&self) -> u64 {
        let limit = self.spec.sampling.limit.map_or(u64::MAX, NonZeroU64::get);
        self.spec.records.min(limit)
    }

    /// The positions of the epoch that this rank takes in `step`: at most `batch`, and none after the last step.
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

    /// The record to read into memory while the one at `position` is used: `distance` positions ahead, in the next
    /// epoch if necessary. A windowed order has its own distance: each window is read, run by run, while the previous
    /// one is used.
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

    /// (position, record) of one sample of `step`; `None` after the end of its batch.
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
mod tests;
