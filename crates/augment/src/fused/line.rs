//! Rows between the two passes: bytes in cache lines, the last rows of a plane in a ring.

use std::ops::Range;

use super::axis::Axis;

/// 64 samples of a row, with 128 subtracted from each. Only the kernels know their order.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u8; Line::LEN]);

impl Line {
    pub(super) const LEN: usize = 64;
    const ZERO: Line = Line([0; Line::LEN]);
}

/// Rows, already resampled across, from which the current output row is blended. They belong to one plane, or to
/// several planes of one size.
#[derive(Debug, Default)]
pub(super) struct Ring {
    lines: Vec<Line>,
    row_lines: usize,
    plane_lines: usize,
    /// The number of rows of a plane that fit, less one; a power of two less one.
    mask: usize,
    /// The first row that was not requested yet.
    next: usize,
    pairs: Vec<Pair>,
}

/// Two rows of a plane, and their weights.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// The first lines of the rows.
    begins: [usize; 2],
    /// The weights in the low and the high byte.
    weights: u16,
}

impl Ring {
    /// Empties the ring and makes room for as many rows of `outputs` samples as `axis` has taps.
    pub(super) fn reset(&mut self, axis: &Axis, outputs: usize, planes: usize) {
        let slots = axis.taps().next_power_of_two();
        self.row_lines = outputs.div_ceil(Line::LEN);
        self.plane_lines = self.row_lines * slots;
        self.mask = slots - 1;
        self.next = 0;
        self.pairs.resize(axis.taps() / 2, Pair::default());
        if self.lines.len() < self.plane_lines * planes {
            self.lines.resize(self.plane_lines * planes, Line::ZERO);
        }
    }

    /// Moves on to the rows of `output`. Put the returned rows into their slots before blending. Outputs must come in
    /// order.
    pub(super) fn aim(&mut self, axis: &Axis, output: usize) -> Range<usize> {
        let first = axis.starts()[output] as usize;
        let last = (first + axis.taps() - 1).min(axis.last_sample());
        let (mask, row_lines) = (self.mask, self.row_lines);
        let begin = |row: usize| (row.min(last) & mask) * row_lines;
        for (index, pair) in self.pairs.iter_mut().enumerate() {
            let tap = 2 * index;
            pair.begins = [begin(first + tap), begin(first + tap + 1)];
            let weights = [axis.weight(tap, output), axis.weight(tap + 1, output)];
            pair.weights = u16::from_le_bytes(weights);
        }
        let missing = self.next.max(first)..last + 1;
        self.next = self.next.max(last + 1);
        missing
    }

    /// Where `row` of `plane` belongs.
    pub(super) fn slot(&mut self, plane: usize, row: usize) -> &mut [Line] {
        let begin = plane * self.plane_lines + (row & self.mask) * self.row_lines;
        &mut self.lines[begin..begin + self.row_lines]
    }

    /// The rows of `plane` that the last [`Ring::aim`] moved to.
    pub(super) fn plane(&self, plane: usize) -> Strand<'_> {
        Strand {
            lines: &self.lines[plane * self.plane_lines..][..self.plane_lines],
            pairs: &self.pairs,
        }
    }
}

/// The rows that are blended into one, for a kernel to walk line by line.
pub(super) trait Rows: Copy {
    /// Pairs of rows.
    fn pairs(self) -> usize;
    /// Line `index` of both rows of `pair`.
    fn lines<'a>(self, pair: usize, index: usize) -> [&'a Line; 2]
    where
        Self: 'a;
    /// The weights of the rows of `pair`, in the low and the high byte.
    fn weights(self, pair: usize) -> u16;
}

/// Any number of rows.
#[derive(Clone, Copy)]
pub(super) struct Strand<'r> {
    lines: &'r [Line],
    pairs: &'r [Pair],
}

impl Rows for Strand<'_> {
    #[inline(always)]
    fn pairs(self) -> usize {
        self.pairs.len()
    }

    #[inline(always)]
    fn lines<'a>(self, pair: usize, index: usize) -> [&'a Line; 2]
    where
        Self: 'a,
    {
        let [a, b] = self.pairs[pair].begins;
        [&self.lines[a + index], &self.lines[b + index]]
    }

    #[inline(always)]
    fn weights(self, pair: usize) -> u16 {
        self.pairs[pair].weights
    }
}

#[cfg(target_arch = "x86_64")]
/// A number of rows that the compiler knows: weights stay in registers, bounds are checked beforehand.
#[derive(Clone, Copy)]
pub(super) struct Few<'r, const PAIRS: usize> {
    rows: [[&'r [Line]; 2]; PAIRS],
    weights: [u16; PAIRS],
}

#[cfg(target_arch = "x86_64")]
impl<'r, const PAIRS: usize> Few<'r, PAIRS> {
    /// The first `lines` lines of the rows of `strand`, which must be `PAIRS` pairs.
    #[inline(always)]
    pub(super) fn new(strand: Strand<'r>, lines: usize) -> Self {
        let pairs = &strand.pairs[..PAIRS];
        let row = |begin: usize| &strand.lines[begin..begin + lines];
        Few {
            rows: std::array::from_fn(|pair| pairs[pair].begins.map(row)),
            weights: std::array::from_fn(|pair| pairs[pair].weights),
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl<const PAIRS: usize> Rows for Few<'_, PAIRS> {
    #[inline(always)]
    fn pairs(self) -> usize {
        PAIRS
    }

    #[inline(always)]
    fn lines<'a>(self, pair: usize, index: usize) -> [&'a Line; 2]
    where
        Self: 'a,
    {
        self.rows[pair].map(|row| &row[index])
    }

    #[inline(always)]
    fn weights(self, pair: usize) -> u16 {
        self.weights[pair]
    }
}
