//! The weights of one axis: which samples make each output, and by how much. Knows nothing of pixels.
//!
//! The filter is Pillow's antialiased bilinear: a triangle around the output's centre. It reaches one sample to either
//! side, or one output if outputs are farther apart than samples. Positions are fixed-point integers and weights come
//! from single IEEE operations on exactly represented numbers, so they are the same on every machine.

use super::line::Line;

/// Bits after the point in positions.
const BITS: u32 = 32;
const ONE: i64 = 1 << BITS;
const HALF: i64 = ONE / 2;

/// Outputs that are computed side by side.
const BLOCK: usize = 16;

/// The sum of the weights of an output.
const TOTAL: f32 = 128.0;

/// Adding 2^23 to a small float leaves its nearest integer in the lowest bits.
const ROUND: f32 = 8_388_608.0;

/// The description of an axis. All lengths are positive and at most [`Span::MOST`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// First pixel of the crop.
    pub(super) begin: u32,
    /// Pixels of the crop.
    pub(super) extent: u32,
    /// Pixels per sample.
    pub(super) ratio: u32,
    /// The number of outputs that the crop is scaled to.
    pub(super) outputs: u32,
    /// Whether the last output comes first.
    pub(super) reversed: bool,
}

impl Span {
    /// The longest crop and the most outputs for which positions keep enough bits.
    pub(super) const MOST: u32 = 1 << 20;

    /// The samples that lie wholly or partly in the crop: the first, and how many.
    pub(super) fn samples(&self) -> (u32, u32) {
        let first = self.begin / self.ratio;
        let end = (u64::from(self.begin) + u64::from(self.extent)).div_ceil(u64::from(self.ratio));
        (first, (end - u64::from(first)) as u32)
    }
}

/// Weights of a span.
///
/// They are integers, not negative, and add up to 128 for each output. All outputs have the same even number of taps;
/// unneeded taps are zero.
#[derive(Debug, Default)]
pub(super) struct Axis {
    taps: usize,
    padded: usize,
    last_sample: u32,
    /// The first sample of each output. As many samples as there are taps follow, unless the axis has fewer.
    starts: Vec<u32>,
    /// For each tap, the weights of all outputs.
    weights: Vec<u8>,
}

impl Axis {
    /// Computes the table of `span`. Copies of the last output follow it, up to a whole [`Line`].
    #[inline(always)]
    pub(super) fn fill(&mut self, span: &Span) {
        let (first, samples) = span.samples();
        let (ratio, outputs) = (i64::from(span.ratio), i64::from(span.outputs));
        let step = (i64::from(span.extent) << BITS) / (ratio * outputs);
        let offset = (i64::from(span.begin - first * span.ratio) << BITS) / ratio + step / 2;
        let radius = step.max(ONE);

        let reach = ((2 * radius + ONE - 1) >> BITS).min(i64::from(samples));
        self.taps = (reach as usize).next_multiple_of(2);
        let last_start = (i64::from(samples) - self.taps as i64).max(0);
        self.padded = (span.outputs as usize).next_multiple_of(Line::LEN);
        self.last_sample = samples - 1;
        self.starts.resize(self.padded, 0);
        self.weights.resize(self.padded * self.taps, 0);

        // Distances from the centre of an output are kept to this many bits, so that a float holds them.
        let drop = BITS - 22 + ((radius >> BITS) + 1).ilog2();
        let sample = (ONE >> drop) as i32;
        let radius_kept = (radius >> drop) as i32;
        let (origin, step) = if span.reversed {
            (offset + (outputs - 1) * step, -step)
        } else {
            (offset, step)
        };
        let (blocks, _) = self.starts.as_chunks_mut::<BLOCK>();
        for (block, starts) in blocks.iter_mut().enumerate() {
            let mut distance = [0i32; BLOCK];
            for lane in 0..BLOCK {
                let output = ((block * BLOCK + lane) as i64).min(outputs - 1);
                let centre = origin + output * step;
                let start = ((centre - radius + HALF) >> BITS).clamp(0, last_start);
                starts[lane] = start as u32;
                distance[lane] = (((start << BITS) + HALF - centre) >> drop) as i32;
            }
            let height = |lane: usize, tap: usize| {
                let aside = (distance[lane] + tap as i32 * sample).abs();
                let there = starts[lane] + tap as u32 <= self.last_sample;
                let height = (radius_kept - aside).max(0) as f32;
                if there { height } else { 0.0 }
            };
            let mut sums = [0f32; BLOCK];
            for tap in 0..self.taps {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum += height(lane, tap);
                }
            }
            let factors = sums.map(|sum| TOTAL / sum);
            // The running sum is rounded, not each weight, so the weights add up exactly, whatever their number.
            let (mut sums, mut given) = ([0f32; BLOCK], [0u8; BLOCK]);
            for tap in 0..self.taps {
                let weights = &mut self.weights[tap * self.padded + block * BLOCK..][..BLOCK];
                for (lane, weight) in weights.iter_mut().enumerate() {
                    sums[lane] += height(lane, tap);
                    let due = (sums[lane] * factors[lane] + ROUND).to_bits() as u8;
                    *weight = due - given[lane];
                    given[lane] = due;
                }
            }
        }
    }

    /// Samples per output; even. If an axis has fewer samples than that, the last taps have no weight.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// First sample of each output, padding included. Either all ascend or all descend.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The weights of one tap for all outputs, padding included.
    pub(super) fn weights(&self, tap: usize) -> &[u8] {
        &self.weights[tap * self.padded..][..self.padded]
    }

    /// The weight of one tap for one output.
    pub(super) fn weight(&self, tap: usize, output: usize) -> u8 {
        self.weights[tap * self.padded + output]
    }

    /// The last sample; taps beyond it have no weight.
    pub(super) fn last_sample(&self) -> usize {
        self.last_sample as usize
    }

    /// One past the last sample that a tap falls on, with or without weight.
    pub(super) fn end(&self) -> usize {
        self.taps.max(self.last_sample() + 1)
    }
}
