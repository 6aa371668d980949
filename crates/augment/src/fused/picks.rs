//! The horizontal weights in the form that byte permutations need: for each output and each pair of taps, where in a
//! window of the row the two samples are, and their weights side by side. Uses no special instructions.

use super::axis::Axis;

/// Entries that fill a vector of 512 bits.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Vector(pub(super) [u16; Vector::LEN]);

impl Vector {
    pub(super) const LEN: usize = 32;
    const ZERO: Vector = Vector([0; Vector::LEN]);
}

/// How a kernel looks at a row.
pub(super) struct Shape {
    /// Outputs that share a window; divides [`Vector::LEN`].
    pub(super) group: usize,
    /// Where in a vector each of its groups is stored.
    pub(super) order: &'static [usize],
    /// Bytes of a window.
    pub(super) window: usize,
    /// Whether the window of each pair of taps begins two samples after that of the previous pair.
    pub(super) sliding: bool,
}

/// Tables for one axis and one [`Shape`].
#[derive(Debug, Default)]
pub(super) struct Picks {
    pairs: usize,
    vectors: usize,
    /// First byte of the window of each group.
    bases: Vec<u32>,
    /// For each pair of taps and each output, two places in the window.
    places: Vec<Vector>,
    /// Two weights each.
    weights: Vec<Vector>,
    windows: usize,
    reach: usize,
}

impl Picks {
    /// Computes the tables of `axis`, unless a group needs more than two windows.
    #[inline(always)]
    pub(super) fn build(&mut self, axis: &Axis, shape: &Shape) {
        let starts = axis.starts();
        self.pairs = axis.taps() / 2;
        self.vectors = starts.len() / Vector::LEN;
        self.bases.clear();
        let (mut span, mut highest) = (0, 0);
        let taps_in_window = if shape.sliding { 2 } else { axis.taps() as u32 };
        for group in starts.chunks_exact(shape.group) {
            let ends = (group[0], group[shape.group - 1]);
            let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
            self.bases.push(low);
            span = span.max(high - low + taps_in_window);
            highest = highest.max(low);
        }
        self.windows = (span as usize).div_ceil(shape.window);
        if self.windows > 2 {
            self.clear();
            return;
        }
        let slide = if shape.sliding { axis.taps() - 2 } else { 0 };
        self.reach = highest as usize + slide + self.windows * shape.window;

        let len = self.pairs * self.vectors;
        self.places.resize(len, Vector::ZERO);
        self.weights.resize(len, Vector::ZERO);
        for pair in 0..self.pairs {
            let tap = 2 * pair as u32;
            let [even, odd] = [axis.weights(2 * pair), axis.weights(2 * pair + 1)];
            let slide = if shape.sliding { tap } else { 0 };
            for vector in 0..self.vectors {
                let row = pair * self.vectors + vector;
                let (places, weights) = (&mut self.places[row].0, &mut self.weights[row].0);
                for (group, &slot) in shape.order.iter().enumerate() {
                    let first = vector * Vector::LEN + group * shape.group;
                    let base = self.bases[first / shape.group] + slide;
                    let groups = first..first + shape.group;
                    let outputs = starts[groups.clone()]
                        .iter()
                        .zip(&even[groups.clone()])
                        .zip(&odd[groups]);
                    let stored = slot * shape.group..(slot + 1) * shape.group;
                    for (((&start, &even), &odd), (place, weight)) in
                        outputs.zip(places[stored.clone()].iter_mut().zip(&mut weights[stored]))
                    {
                        (*place, *weight) = entry((start + tap - base) as u16, [even, odd]);
                    }
                }
            }
        }
    }

    /// Leaves no work for a kernel.
    pub(super) fn clear(&mut self) {
        (self.windows, self.reach) = (0, 0);
    }

    /// Windows that a group needs: one or two, or 0 if only the portable kernel can do it.
    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    /// One past the last byte of the last window; 0 without windows.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// Pairs of taps.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// First byte of the window of each group.
    pub(super) fn bases(&self) -> &[u32] {
        &self.bases
    }

    /// Places and weights of one pair of taps.
    #[inline(always)]
    pub(super) fn pair(&self, pair: usize) -> (&[Vector], &[Vector]) {
        let range = pair * self.vectors..(pair + 1) * self.vectors;
        (&self.places[range.clone()], &self.weights[range])
    }
}

/// Two neighbouring places and their weights, in 16 bits each. A weight of 128 does not fit in a signed byte, so it
/// becomes twice 64 at the same place.
#[inline(always)]
fn entry(first: u16, [even, odd]: [u8; 2]) -> (u16, u16) {
    let place = if even == 128 {
        first * 0x101
    } else if odd == 128 {
        (first + 1) * 0x101
    } else {
        first * 0x101 + 0x100
    };
    let weight = if even == 128 || odd == 128 {
        0x4040
    } else {
        u16::from(even) | u16::from(odd) << 8
    };
    (place, weight)
}
