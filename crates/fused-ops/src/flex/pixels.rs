//! A view of an image batch with adjacent channels.

/// Pixels of `channels` neighbouring values each. Pixels, rows and images may have gaps between them:
/// a share of a concatenation's channels is a view like any other.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) data: &'a [f32],
    /// `[batch, height, width]`.
    pub(super) extent: [usize; 3],
    pub(super) channels: usize,
    /// From one image, row, pixel to the next.
    pub(super) strides: [usize; 3],
}

impl<'a> Pixels<'a> {
    /// Number of pixels.
    pub(super) fn count(&self) -> usize {
        self.extent.iter().product()
    }

    /// Where the pixel at distance `tap` from `[image, y, x]` begins, if it is inside the image.
    #[inline(always)]
    pub(super) fn offset(&self, [image, y, x]: [usize; 3], tap: [isize; 2]) -> Option<usize> {
        let [_, height, width] = self.extent;
        let (y, x) = (y.wrapping_add_signed(tap[0]), x.wrapping_add_signed(tap[1]));
        (y < height && x < width)
            .then(|| image * self.strides[0] + y * self.strides[1] + x * self.strides[2])
    }

    /// Pixel number `index`, counted through rows and images.
    #[inline(always)]
    pub(super) fn pixel(&self, index: usize) -> &'a [f32] {
        let [_, height, width] = self.extent;
        let (row, x) = (index / width, index % width);
        let at =
            row / height * self.strides[0] + row % height * self.strides[1] + x * self.strides[2];
        &self.data[at..at + self.channels]
    }
}
