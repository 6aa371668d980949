//! The weight table of one axis: which source samples make each output sample, and by how much. Floating point ends
//! here; the kernels only see integers.

use std::ops::Range;

use super::Filter;

/// Bits after the point in the weights of the antialiased filters (Pillow's `PRECISION_BITS`). It is what 32 bits leave
/// after 8 bits of level and 2 bits for the overshoot of cubic weights.
pub(super) const CONVOLVE_BITS: u32 = 32 - 8 - 2;

/// Bits after the point in the weights of plain interpolation (OpenCV's `INTER_RESIZE_COEF_BITS`).
pub(super) const PLAIN_BITS: u32 = 11;

/// The request for one axis of a job: outputs `first` to `first + count` of `source` samples scaled to `scaled`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) filter: Filter,
    pub(super) source: u32,
    pub(super) scaled: u32,
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Span {
    /// The source samples that the outputs of the span need in total.
    pub(super) fn support(&self) -> Range<u32> {
        let last = self.first + (self.count - 1);
        match self.filter {
            Filter::Nearest => {
                let mut samples = self
                    .walk()
                    .skip(self.first as usize)
                    .take(self.count as usize);
                let start = samples.next().unwrap_or(0);
                start..samples.last().unwrap_or(start) + 1
            }
            Filter::Bilinear | Filter::Bicubic => {
                self.reach(self.first).start..self.reach(last).end
            }
            Filter::PlainBilinear => {
                let ((start, _), (end, fraction)) =
                    (self.neighbours(self.first), self.neighbours(last));
                start..end + 1 + u32::from(fraction > 0.0)
            }
        }
    }

    fn scale(&self) -> f64 {
        f64::from(self.source) / f64::from(self.scaled)
    }

    fn center(&self, output: u32) -> f64 {
        (f64::from(output) + 0.5) * self.scale()
    }

    /// Samples under the stretched kernel of an antialiased filter.
    fn reach(&self, output: u32) -> Range<u32> {
        let radius = self.filter.radius() * self.scale().max(1.0);
        let center = self.center(output);
        // Casts to u32 truncate and saturate: a kernel that reaches over the left edge starts at 0.
        let start = (center - radius + 0.5) as u32;
        let end = (center + radius + 0.5) as u32;
        start..end.min(self.source)
    }

    /// The left one of the two samples around an output of plain interpolation, and how far the output is towards the
    /// right one. In single precision, as in OpenCV.
    fn neighbours(&self, output: u32) -> (u32, f32) {
        let position = (self.center(output) - 0.5) as f32;
        let left = position.floor();
        if left < 0.0 {
            return (0, 0.0);
        }
        if left as u32 >= self.source - 1 {
            return (self.source - 1, 0.0);
        }
        (left as u32, position - left)
    }

    /// Nearest samples of all outputs of the axis from the first on. Pillow adds up the step instead of multiplying,
    /// and that decides ties.
    fn walk(&self) -> impl Iterator<Item = u32> {
        let (step, last) = (self.scale(), self.source - 1);
        let mut position = step * 0.5;
        std::iter::from_fn(move || {
            let sample = (position as u32).min(last);
            position += step;
            Some(sample)
        })
    }
}

/// Weights of a span. Every output has the same number of taps; unneeded taps are zero.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// Samples per output.
    taps: usize,
    /// Whether weights may be negative.
    overshoots: bool,
    /// First sample of each output, counted from the start of the span's support.
    starts: Vec<u32>,
    /// `taps` weights for each output.
    weights: Vec<i32>,
    /// Weights of one output, before they are rounded.
    exact: Vec<f64>,
}

impl Axis {
    /// Computes the table of `span`, in reverse order of the outputs when `flip` is set.
    pub(super) fn build(&mut self, span: &Span, flip: bool) {
        let support = span.support();
        let available = (support.end - support.start) as usize;
        let outputs = span.first..span.first + span.count;
        self.taps = match span.filter {
            Filter::Nearest => 1,
            Filter::PlainBilinear => available.min(2),
            Filter::Bilinear | Filter::Bicubic => outputs
                .clone()
                .map(|output| span.reach(output).len())
                .max()
                .unwrap_or(1),
        };
        self.overshoots = span.filter == Filter::Bicubic;
        let count = span.count as usize;
        self.starts.clear();
        self.starts.resize(count, 0);
        self.weights.clear();
        self.weights.resize(count * self.taps, 0);

        let mut nearest = span.walk();
        let mut skip = span.first as usize;
        for (made, output) in outputs.enumerate() {
            self.exact.clear();
            let start = match span.filter {
                Filter::Nearest => {
                    self.exact.push(1.0);
                    nearest.nth(std::mem::take(&mut skip)).unwrap_or(0)
                }
                Filter::PlainBilinear => {
                    let (left, fraction) = span.neighbours(output);
                    self.exact.push(f64::from(1.0 - fraction));
                    if fraction > 0.0 {
                        self.exact.push(f64::from(fraction));
                    }
                    left
                }
                Filter::Bilinear | Filter::Bicubic => self.antialias(span, output),
            };
            let slot = if flip { count - 1 - made } else { made };
            self.store(
                slot,
                (start - support.start) as usize,
                available,
                span.filter,
            );
        }
    }

    /// For each output, the samples that it reads and their weights.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (Range<usize>, &[i32])> {
        let samples = self
            .starts
            .iter()
            .map(|&start| start as usize..start as usize + self.taps);
        samples.zip(self.weights.chunks_exact(self.taps))
    }

    /// Samples per output.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// Whether weights may be negative, so that sums can leave the range of levels.
    pub(super) fn overshoots(&self) -> bool {
        self.overshoots
    }

    /// First sample of each output.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The weights of all outputs, `taps` each.
    pub(super) fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// Weights of one output of an antialiased filter, normalised to a sum of 1; returns the first sample.
    fn antialias(&mut self, span: &Span, output: u32) -> u32 {
        let reach = span.reach(output);
        let center = span.center(output);
        let squeeze = 1.0 / span.scale().max(1.0);
        self.exact.extend(reach.clone().map(|sample| {
            span.filter
                .kernel((f64::from(sample) - center + 0.5) * squeeze)
        }));
        let sum = self.exact.iter().fold(0.0, |sum, weight| sum + weight);
        if sum != 0.0 {
            self.exact.iter_mut().for_each(|weight| *weight /= sum);
        }
        reach.start
    }

    /// Rounds the exact weights and stores them. Near the right edge the taps begin further left, with zeros, so that
    /// all of them are in the support.
    fn store(&mut self, slot: usize, start: usize, available: usize, filter: Filter) {
        let begin = start.min(available - self.taps);
        self.starts[slot] = begin as u32;
        let weights = &mut self.weights[slot * self.taps + (start - begin)..];
        for (weight, &exact) in weights.iter_mut().zip(&self.exact) {
            *weight = match filter {
                // OpenCV rounds the product in single precision, half to even.
                Filter::PlainBilinear => {
                    (exact as f32 * (1 << PLAIN_BITS) as f32).round_ties_even() as i32
                }
                // Pillow adds a half and truncates, away from zero.
                Filter::Nearest | Filter::Bilinear | Filter::Bicubic => {
                    (exact * f64::from(1 << CONVOLVE_BITS) + 0.5f64.copysign(exact)) as i32
                }
            };
        }
    }
}
