//! The weights of the pass along rows in the form that byte permutations need: for each output and each pair of taps,
//! where in a window of the row the two samples are, and their weights side by side.

use super::axis::Axis;
use super::convolve::parts;

/// How a kernel looks at a row.
pub(super) struct Shape {
    /// Outputs of a vector, 32 bits each.
    pub(super) outputs: usize,
    /// Outputs that share a window; divides `outputs`.
    pub(super) group: usize,
    /// Bytes of a window, at most 128.
    pub(super) window: usize,
}

/// Tables for one axis and one [`Shape`]. There are none if a group needs more than a window.
#[derive(Debug, Default)]
pub(super) struct Picks {
    outputs: usize,
    pairs: usize,
    reach: usize,
    /// First sample of the window of each group.
    bases: Vec<u32>,
    /// Four places for each output of each pair of each vector. These are two samples of 16 bits, whose upper bytes are
    /// 0; a set high bit means 0.
    places: Vec<u8>,
    /// The lower parts of two weights for each.
    lower: Vec<i16>,
    /// The upper parts.
    upper: Vec<i16>,
}

/// One pair of taps of one vector.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// 4 bytes per output.
    pub(super) places: &'a [u8],
    /// 2 weights per output, here and below.
    pub(super) lower: &'a [i16],
    pub(super) upper: &'a [i16],
}

/// No sample.
const ZERO: u8 = 0x80;

impl Picks {
    /// Leaves no work for a kernel.
    pub(super) fn clear(&mut self) {
        (self.pairs, self.reach) = (0, 0);
    }

    /// Computes the tables of `axis`. Copies of the last output follow it, up to a whole vector.
    pub(super) fn build(&mut self, axis: &Axis, shape: &Shape) {
        self.clear();
        let (starts, taps) = (axis.starts(), axis.taps());
        let Some(last) = starts.len().checked_sub(1) else {
            return;
        };
        let vectors = starts.len().div_ceil(shape.outputs);
        let source = |output: usize| output.min(last);
        self.bases.clear();
        for group in 0..vectors * shape.outputs / shape.group {
            let first = group * shape.group;
            // Starts ascend or descend.
            let ends = [first, first + shape.group - 1].map(|output| starts[source(output)]);
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            if (high - low) as usize + taps > shape.window {
                return;
            }
            self.bases.push(low);
        }
        let base = |output: usize| self.bases[output / shape.group];
        let pairs = taps.div_ceil(2);
        let len = vectors * pairs * shape.outputs;
        self.places.resize(4 * len, ZERO);
        self.lower.resize(2 * len, 0);
        self.upper.resize(2 * len, 0);
        let places = self.places.as_chunks_mut::<4>().0.iter_mut();
        let lower = self.lower.as_chunks_mut::<2>().0.iter_mut();
        let upper = self.upper.as_chunks_mut::<2>().0.iter_mut();
        for (entry, ((places, lower), upper)) in places.zip(lower).zip(upper).enumerate() {
            let (row, lane) = (entry / shape.outputs, entry % shape.outputs);
            let (vector, tap) = (row / pairs, row % pairs * 2);
            let output = vector * shape.outputs + lane;
            let weights = &axis.weights()[source(output) * taps..][..taps];
            let place = (starts[source(output)] - base(output)) as u8 + tap as u8;
            let second = if tap + 1 < taps { place + 1 } else { ZERO };
            *places = [place, ZERO, second, ZERO];
            let pair = [weights[tap], weights.get(tap + 1).copied().unwrap_or(0)].map(parts);
            *lower = pair.map(|[lower, _]| lower);
            *upper = pair.map(|[_, upper]| upper);
        }
        (self.outputs, self.pairs) = (shape.outputs, pairs);
        self.reach = self.bases.iter().max().map_or(0, |&base| base as usize) + shape.window;
    }

    /// Whether there are tables.
    pub(super) fn ready(&self) -> bool {
        self.pairs > 0
    }

    /// Samples that the windows reach over.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// First sample of the window of each group.
    pub(super) fn bases(&self) -> &[u32] {
        &self.bases
    }

    /// The pairs of taps of vector `index`.
    #[inline(always)]
    pub(super) fn pairs(&self, index: usize) -> impl Iterator<Item = Pair<'_>> {
        let (begin, count) = (index * self.pairs, self.pairs);
        let places = self.places[4 * self.outputs * begin..].chunks_exact(4 * self.outputs);
        let lower = self.lower[2 * self.outputs * begin..].chunks_exact(2 * self.outputs);
        let upper = self.upper[2 * self.outputs * begin..].chunks_exact(2 * self.outputs);
        let pairs = places.zip(lower).zip(upper).take(count);
        pairs.map(|((places, lower), upper)| Pair {
            places,
            lower,
            upper,
        })
    }
}
