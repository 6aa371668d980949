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
    /// The `taps` of a kernel from `depth` input channels to `width` output channels, whose values for one pair are
    /// `of(out, in)`.
    pub(super) fn new<'a>(
        taps: &[usize],
        depth: usize,
        width: usize,
        of: impl Fn(usize, usize) -> &'a [f32] + Sync,
    ) -> Self {
        let size = taps.len() * depth * PANEL;
        let mut values = vec![0.0; width.div_ceil(PANEL) * size];
        if size > 0 {
            values
                .par_chunks_mut(size)
                .enumerate()
                .for_each(|(panel, values)| {
                    let first = panel * PANEL;
                    for channel in 0..depth {
                        for (lane, out) in (first..width.min(first + PANEL)).enumerate() {
                            let kernel = of(out, channel);
                            let slots = values[channel * PANEL + lane..].iter_mut();
                            for (slot, tap) in slots.step_by(depth * PANEL).zip(taps) {
                                *slot = kernel[*tap];
                            }
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
