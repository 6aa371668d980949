//! The distribution of a quantity: smallest, mean, largest, and counts in ranges with round bounds.

use indicatif::HumanCount;
use serde::Serialize;

use crate::text;

/// About how many ranges there are.
const RANGES: u64 = 12;

/// Cells of the longest bar.
const BAR: usize = 32;

/// The distribution of some values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Histogram {
    pub(crate) min: u64,
    pub(crate) mean: f64,
    pub(crate) max: u64,
    /// Adjacent ranges, from the one of the smallest value to the one of the largest.
    pub(crate) ranges: Vec<Range>,
}

/// How many values lie from `from` to just below `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Range {
    pub(crate) from: u64,
    /// `None` in a last range that has everything from `from` on.
    pub(crate) to: Option<u64>,
    pub(crate) count: u64,
}

impl Histogram {
    /// `None` if there are no values. The ranges fit all but the largest hundredth of the values, because a few
    /// giants would stretch them too far.
    pub(crate) fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let (&min, &max) = (values.first()?, values.last()?);
        let usual = values.get(values.len() * 99 / 100).copied().unwrap_or(max);
        let width = round_up((usual - min) / RANGES + 1);
        let start = min / width * width;
        let last = (usual - start) / width;
        let mut ranges: Vec<Range> = (0..=last)
            .map(|number| Range {
                from: start + number * width,
                to: (number < last || max <= usual).then_some(start + (number + 1) * width),
                count: 0,
            })
            .collect();
        for value in &values {
            let number = ((value - start) / width).min(last);
            if let Some(range) = ranges.get_mut(number as usize) {
                range.count += 1;
            }
        }
        let sum: f64 = values.iter().map(|&value| value as f64).sum();
        let mean = sum / values.len() as f64;
        Some(Self {
            min,
            mean,
            max,
            ranges,
        })
    }

    /// A line of words, and a line with a bar for each range.
    pub(crate) fn text(&self, what: &str, unit: fn(u64) -> String) -> String {
        let (min, mean, max) = (
            unit(self.min),
            unit(self.mean.round() as u64),
            unit(self.max),
        );
        let most = self
            .ranges
            .iter()
            .map(|range| range.count)
            .max()
            .unwrap_or(0);
        let mut text = format!("{what}: {min} to {max}, mean {mean}\n");
        for range in &self.ranges {
            let from = unit(range.from);
            let sign = if range.to.is_some() { ' ' } else { '+' };
            let count = HumanCount(range.count).to_string();
            let bar = text::bar(range.count, most, BAR);
            text += &format!("  {from:>10}{sign} {count:>10} {bar}\n");
        }
        text
    }
}

/// The next of 1, 2, 5, 10, 20, 50, …
fn round_up(value: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for step in [1, 2, 5] {
            if value <= power.saturating_mul(step) {
                return power.saturating_mul(step);
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_range_and_giants_do_not_stretch_it() {
        let mut values: Vec<u64> = (300..500).collect();
        values.push(1_000_000);
        let histogram = Histogram::of(values).unwrap();
        let total: u64 = histogram.ranges.iter().map(|range| range.count).sum();
        assert_eq!(total, 201);
        assert_eq!((histogram.min, histogram.max), (300, 1_000_000));
        let first = &histogram.ranges[0];
        assert_eq!((first.from, first.to, first.count), (300, Some(320), 20));
        assert_eq!(histogram.ranges.last().unwrap().to, None);
        assert!(histogram.ranges.len() <= 12);
    }

    #[test]
    fn one_value_makes_one_range_and_none_makes_none() {
        assert_eq!(Histogram::of(vec![7, 7]).unwrap().ranges.len(), 1);
        assert_eq!(Histogram::of(vec![u64::MAX / 2]).unwrap().max, u64::MAX / 2);
        assert_eq!(Histogram::of(Vec::new()), None);
    }
}
