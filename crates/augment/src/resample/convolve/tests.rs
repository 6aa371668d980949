#![allow(clippy::unwrap_used)]
use super::*;
use crate::resample::Filter;
use crate::resample::axis::Span;
use proptest::prelude::*;

/// Weights that add up to 1, some of them negative.
fn cubic_like(taps: usize, seed: &[i32]) -> Vec<i32> {
    let mut weights: Vec<i32> = (0..taps)
        .map(|k| seed[k % seed.len()] % (1 << 21) / taps as i32)
        .collect();
    let rest: i32 = (1 << CONVOLVE_BITS) - weights.iter().sum::<i32>();
    weights[taps / 2] += rest;
    weights
}

proptest! {
    /// The definition, without optimisations.
    #[test]
    fn every_kernel_is_the_weighted_sum(
        taps in 1usize..12,
        seed in prop::collection::vec(any::<i32>(), 5),
        width in 1usize..200,
        bytes in prop::collection::vec(any::<u8>(), 12 * 200),
    ) {
        let weights = cubic_like(taps, &seed);
        let rows = &bytes[..taps * width];
        let mut out = vec![0; width];
        scalar::down(rows, &weights, &mut out);
        for &level in Level::available() {
            let mut same = vec![1; width];
            down(level, rows, &weights, &mut same);
            prop_assert!(same == out, "{level:?}");
        }
        for (i, &byte) in out.iter().enumerate() {
            let exact: i64 = (0..taps).map(|k| i64::from(rows[k * width + i]) * i64::from(weights[k])).sum();
            let rounded = (exact + i64::from(HALF)) >> CONVOLVE_BITS;
            prop_assert_eq!(i64::from(byte), rounded.clamp(0, 255));
        }
    }

    #[test]
    fn rows_narrow_to_the_same_bytes_at_every_level(
        source in 1u32..400,
        scaled in 1u32..150,
        flip: bool,
        filter in prop::sample::select(vec![Filter::Nearest, Filter::Bilinear, Filter::Bicubic]),
        bytes in prop::collection::vec(any::<u8>(), 3 * 400),
    ) {
        let span = Span { filter, source, scaled, first: 0, count: scaled };
        let mut axis = Axis::default();
        axis.build(&span, flip);
        let samples = span.support();
        let row = &bytes[3 * samples.start as usize..3 * samples.end as usize];
        let mut expected = vec![0; 3 * scaled as usize];
        scalar::across(row, &axis, &mut expected);
        for &level in Level::available() {
            let mut across = Across::default();
            across.prepare(level, &axis, samples.len());
            let mut out = vec![1; expected.len()];
            across.run(level, &axis, row, &mut out);
            prop_assert!(out == expected, "{level:?}");
        }
    }
}
