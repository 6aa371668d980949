//! An image in the form that warps read best. Has no coordinates beyond its border.

use crate::Level;
use crate::ops::chain::Frame;
use crate::rgb8;

/// A copy of an image, with red, green, blue and 0 in the bytes of a word. Its outermost pixels are repeated all
/// around, so neighbours of a pixel need no bounds checks, and two in a row are one load.
#[derive(Clone, Debug, Default)]
pub(in crate::ops) struct Padded {
    words: Vec<u32>,
    stride: usize,
}

impl Padded {
    /// Copies `pixels`, which hold `frame` and at least one pixel.
    pub(super) fn copy(&mut self, level: Level, pixels: &[u8], frame: Frame) {
        let stride = frame.width + 2;
        let len = stride * (frame.height + 2);
        self.stride = stride;
        if self.words.len() < len {
            self.words.resize(len, 0);
        }
        let rows = pixels.chunks_exact(frame.row());
        let lines = self.words[stride..len - stride].chunks_exact_mut(stride);
        for (row, line) in rows.zip(lines) {
            rgb8::spread(level, row, &mut line[1..=frame.width]);
            line[0] = line[1];
            line[stride - 1] = line[stride - 2];
        }
        self.words.copy_within(stride..2 * stride, 0);
        self.words
            .copy_within(len - 2 * stride..len - stride, len - stride);
    }

    /// Words from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The words. Pixel (x, y) is word number (y + 1) stride + x + 1.
    pub(super) fn words(&self) -> &[u32] {
        &self.words
    }
}
