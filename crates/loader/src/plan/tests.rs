//! The guarantees of a plan, on plans of every kind.
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
    /// MindCV's RepeatAugSampler, written out. Every index of the order comes this many times in a row. They are dealt
    /// out to the ranks in turn, and each rank takes its share of the set's size.
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
            .contains("batch size 32 on each of 8 ranks = 256 exceeds the 100 images of an epoch")
    );
}
