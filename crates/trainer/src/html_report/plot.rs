//! The contents of a plot: series thinned to what a screen can show, and axes with round numbers. `svg` draws them.

/// A series is thinned to this many points.
const POINTS: usize = 400;

/// A value is an outlier if it exceeds the 90th percentile this many times.
const FAR: f64 = 4.0;

/// A plot over epochs.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) series: Vec<Series>,
    /// Epochs at which the run was resumed.
    pub(super) resumed: Vec<f64>,
    /// Whether values far above most others are cut off, so that the others can be seen.
    cut: bool,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: String,
    /// Ascending; only finite numbers.
    pub(super) points: Vec<(f64, f64)>,
    /// The lowest and the highest value behind each point.
    pub(super) range: Vec<(f64, f64)>,
    /// Whether each point is a separate measurement and gets a mark.
    pub(super) marked: bool,
}

impl Plot {
    pub(super) fn new(title: &'static str, unit: &'static str) -> Self {
        Plot {
            title,
            unit,
            series: Vec::new(),
            resumed: Vec::new(),
            cut: false,
        }
    }

    /// Adds a line, if it has points.
    pub(super) fn with(mut self, series: Series) -> Self {
        if !series.points.is_empty() {
            self.series.push(series);
        }
        self
    }

    /// Cuts off values far above most others.
    pub(super) fn cut(self) -> Self {
        Plot { cut: true, ..self }
    }

    /// Marks where the run was resumed.
    pub(super) fn resumed(self, resumed: &[f64]) -> Self {
        let resumed = resumed.to_vec();
        Plot { resumed, ..self }
    }

    /// The highest value, if it is above what [`Self::values`] shows.
    pub(super) fn beyond(&self) -> Option<f64> {
        let points = self.series.iter().flat_map(|series| &series.points);
        let most = points.map(|point| point.1).fold(0.0, f64::max);
        (most > self.values().to).then_some(most)
    }

    /// The smallest and the largest x.
    pub(super) fn epochs(&self) -> Axis {
        let points = self.series.iter().flat_map(|series| &series.points);
        let last = points.map(|point| point.0).fold(0.0, f64::max);
        Axis::holding(0.0, last)
    }

    /// The smallest and the largest y, including 0. A few outliers do not flatten the rest.
    pub(super) fn values(&self) -> Axis {
        let mut highest: Vec<f64> = self
            .series
            .iter()
            .flat_map(|series| series.range.iter().map(|range| range.1))
            .collect();
        highest.sort_by(f64::total_cmp);
        let means = self.series.iter().flat_map(|series| &series.points);
        let mut means: Vec<f64> = means.map(|point| point.1).collect();
        means.sort_by(f64::total_cmp);
        let mean = means.last().copied().unwrap_or(0.0);
        let usual = means.get(means.len() * 9 / 10).copied().unwrap_or(0.0);
        if self.cut && mean > FAR * usual && usual > 0.0 {
            return Axis::holding(0.0, FAR / 2.0 * usual);
        }
        let most = highest
            .get(highest.len() * 99 / 100)
            .copied()
            .unwrap_or(1.0);
        Axis::holding(0.0, mean.max(most))
    }
}

impl Series {
    /// A series with a value for each step: means of neighbours, and their range.
    pub(super) fn averaged(name: &str, points: Vec<(f64, f64)>) -> Self {
        let points: Vec<(f64, f64)> = finite(points);
        let bucket = points.len().div_ceil(POINTS).max(1);
        let buckets = points.chunks(bucket);
        let mean = |bucket: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
            bucket.iter().map(of).sum::<f64>() / bucket.len() as f64
        };
        let range = |bucket: &[(f64, f64)]| {
            let values = bucket.iter().map(|point| point.1);
            let low = values.clone().fold(f64::INFINITY, f64::min);
            (low, values.fold(f64::NEG_INFINITY, f64::max))
        };
        Series {
            name: name.to_owned(),
            range: buckets.clone().map(range).collect(),
            points: buckets
                .map(|bucket| (mean(bucket, |point| point.0), mean(bucket, |point| point.1)))
                .collect(),
            marked: false,
        }
    }

    /// A series of single measurements.
    pub(super) fn marked(name: &str, points: Vec<(f64, f64)>) -> Self {
        let points = finite(points);
        Series {
            name: name.to_owned(),
            range: points.iter().map(|point| (point.1, point.1)).collect(),
            points,
            marked: true,
        }
    }
}

fn finite(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.retain(|(x, y)| x.is_finite() && y.is_finite());
    points
}

/// An axis from `from` to `to`, with a tick every `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) step: f64,
}

impl Axis {
    /// The shortest axis with round ticks that holds both; `from` is round.
    fn holding(from: f64, to: f64) -> Self {
        let length = if to > from { to - from } else { 1.0 };
        let rough = length / 5.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 2.5, 5.0, 10.0];
        let step = round
            .map(|factor| factor * decade)
            .into_iter()
            .find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Axis {
            from,
            to: from + step * (length / step - 1e-9).ceil(),
            step,
        }
    }

    /// Where the ticks are.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.to - self.from) / self.step).round() as u32;
        (0..=count).map(move |number| self.from + self.step * f64::from(number))
    }

    /// The position of `value`, 0 to 1. Values beyond an end are at that end.
    pub(super) fn share(self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }
}

/// A number with about four significant digits, without trailing zeros.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
