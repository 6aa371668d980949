//! How a quantity is distributed: minimum, mean, maximum, and counts in ranges with round bounds.

use serde::Serialize;

/// About how many ranges to make.
const RANGES: u64 = 12;

/// The distribution of some values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Histogram {
    /// The smallest value.
    pub min: u64,
    /// Their mean.
    pub mean: f64,
    /// The largest value.
    pub max: u64,
    /// Adjacent ranges, those beyond the outermost values left out.
    pub ranges: Vec<Range>,
}

/// How many values lie from `from` to just below `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Range {
    /// The first value that it includes.
    pub from: u64,
    /// The last range is open: it has all values from `from` on.
    pub to: Option<u64>,
    /// How many values there are.
    pub count: u64,
}

impl Histogram {
    /// `None` if there are no values. The ranges are fitted to all but the largest hundredth, which a few
    /// giants would otherwise stretch beyond use.
    pub fn of(mut values: Vec<u64>) -> Option<Self> {
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
