//! Weights in the order in which the inner loops read them.

use rayon::prelude::*;

use super::tile::PANEL;

/// Weights of a convolution, `[panel][tap][channel in][PANEL channels out]`; the last panel is filled
/// up with zeros.
pub(super) struct Panels {
    values: Vec<f32>,
    /// Values of one panel.
    size: usize,
}

impl Panels {
    /// Of `taps` taps between `depth` channels in and `width` out: `value(out, in, tap)`.
    pub(super) fn new(
        taps: usize,
        depth: usize,
        width: usize,
        value: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let size = taps * depth * PANEL;
        let mut values = vec![0.0; width.div_ceil(PANEL) * size];
        if size > 0 {
            values
                .par_chunks_mut(size)
                .enumerate()
                .for_each(|(panel, values)| {
                    let first = panel * PANEL;
                    let last = width.min(first + PANEL);
                    for (at, values) in values.chunks_exact_mut(PANEL).enumerate() {
                        let (tap, channel) = (at / depth, at % depth);
                        for (out, slot) in (first..last).zip(values) {
                            *slot = value(out, channel, tap);
                        }
                    }
                });
        }
        Panels { values, size }
    }

    /// Panel number `index`.
    pub(super) fn panel(&self, index: usize) -> &[f32] {
        &self.values[index * self.size..][..self.size]
    }
}
