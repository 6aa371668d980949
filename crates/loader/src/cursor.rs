//! The position of a run: an epoch and a step in it, and the walk through epochs that starts there.

use serde::{Deserialize, Serialize};

/// A place in a run. A loader that starts here continues at once: it does not load or replay any earlier step.
///
/// Save it with the seed ([`LoaderConfig::seed`](crate::LoaderConfig::seed)): order and augmentation
/// follow from the seed, and the cursor only says how far the run has come.
///
/// `step` counts steps of one global batch size, which is batch size times ranks. You may change the number of ranks if
/// the product stays the same. With another global batch size the cursor is meaningless.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Cursor {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The next step in that epoch, from 0. The number of steps in an epoch means step 0 of the next one.
    pub step: u64,
}

impl Cursor {
    /// The beginning of a run.
    pub const START: Cursor = Cursor { epoch: 0, step: 0 };
}

/// The steps that a loader delivers, numbered from its start. Turn 0 is the cursor at which it was started, and epochs
/// follow one another without a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    steps_per_epoch: u64,
    first: u64,
    end: u64,
}

impl Timeline {
    /// From `start` to the end of epoch `epochs - 1`; empty if the start is beyond it. `steps_per_epoch` is at least 1.
    pub(crate) fn new(start: Cursor, steps_per_epoch: u64, epochs: u64) -> Timeline {
        let end = epochs.saturating_mul(steps_per_epoch);
        let first = start
            .epoch
            .saturating_mul(steps_per_epoch)
            .saturating_add(start.step)
            .min(end);
        Timeline {
            steps_per_epoch,
            first,
            end,
        }
    }

    /// How many turns there are.
    pub(crate) fn turns(&self) -> u64 {
        self.end - self.first
    }

    /// The cursor of a turn. The cursor of `turns()` is the end of the run.
    pub(crate) fn cursor(&self, turn: u64) -> Cursor {
        let step = self.first + turn.min(self.turns());
        Cursor {
            epoch: step / self.steps_per_epoch,
            step: step % self.steps_per_epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, step: u64) -> Cursor {
        Cursor { epoch, step }
    }

    #[test]
    fn a_timeline_crosses_epochs() {
        let timeline = Timeline::new(at(2, 3), 5, 4);
        assert_eq!(timeline.turns(), 7);
        assert_eq!(timeline.cursor(0), at(2, 3));
        assert_eq!(timeline.cursor(2), at(3, 0));
        assert_eq!(timeline.cursor(6), at(3, 4));
        assert_eq!(timeline.cursor(7), at(4, 0));
    }

    #[test]
    fn the_end_of_an_epoch_is_the_start_of_the_next() {
        assert_eq!(Timeline::new(at(0, 5), 5, 2).cursor(0), at(1, 0));
    }

    #[test]
    fn a_run_that_is_over_has_no_turns() {
        assert_eq!(Timeline::new(at(4, 0), 5, 4).turns(), 0);
        assert_eq!(Timeline::new(at(9, 1), 5, 4).turns(), 0);
    }

    #[test]
    fn endless_runs_do_not_overflow() {
        let timeline = Timeline::new(at(1, 1), 5, u64::MAX);
        assert_eq!(timeline.turns(), u64::MAX - 6);
    }
}
