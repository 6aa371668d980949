//! Borrowed pixels that know their place in the image. Owns nothing and converts nothing.

use crate::error::checked;
use crate::{AugmentError, Region};

/// 8-bit RGB pixels of a rectangle of an image.
///
/// Decoders return a rectangle that covers the requested one but is seldom equal to it. The view remembers which
/// rectangle it holds, so all coordinates in this crate are those of the whole image.
#[derive(Clone, Copy, Debug)]
pub struct RgbView<'a> {
    data: &'a [u8],
    stride: usize,
    region: Region,
}

impl<'a> RgbView<'a> {
    /// Pixels of `region` of an image: R, G, B bytes interleaved, `stride` bytes from row to row.
    ///
    /// # Errors
    /// [`AugmentError::BadRect`] when `region` is empty, [`AugmentError::ShortBuffer`] when `stride`
    /// or `data` is too short for it.
    pub fn new(data: &'a [u8], stride: usize, region: Region) -> Result<Self, AugmentError> {
        let region = checked(region, "view")?;
        let row = 3 * region.width as usize;
        let needed = stride
            .max(row)
            .saturating_mul(region.height as usize - 1)
            .saturating_add(row);
        if stride < row || data.len() < needed {
            let Region { width, height, .. } = region;
            return Err(AugmentError::ShortBuffer {
                width,
                height,
                stride,
                needed,
                actual: data.len(),
            });
        }
        Ok(RgbView {
            data,
            stride,
            region,
        })
    }

    /// A whole image without padding between rows.
    ///
    /// # Errors
    /// As [`RgbView::new`].
    pub fn packed(data: &'a [u8], width: u32, height: u32) -> Result<Self, AugmentError> {
        Self::new(data, 3 * width as usize, Region::whole(width, height))
    }

    /// The rectangle of the image that the view covers.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// `width` pixels from column `x` of row `y`, in coordinates of the image; they must be inside the region.
    pub(crate) fn row(&self, x: u32, y: u32, width: u32) -> &'a [u8] {
        let begin = (y - self.region.y) as usize * self.stride + 3 * (x - self.region.x) as usize;
        &self.data[begin..begin + 3 * width as usize]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_addressed_in_image_coordinates() {
        let data: Vec<u8> = (0..40).collect();
        let view = RgbView::new(
            &data,
            10,
            Region {
                x: 5,
                y: 7,
                width: 3,
                height: 4,
            },
        )
        .unwrap();
        assert_eq!(view.row(6, 8, 2), &[13, 14, 15, 16, 17, 18]);
    }

    #[test]
    fn the_last_row_needs_no_padding_but_every_pixel() {
        let region = Region::whole(3, 4);
        assert!(RgbView::new(&[0; 39], 10, region).is_ok());
        assert!(RgbView::new(&[0; 38], 10, region).is_err());
        assert!(
            RgbView::new(&[0; 99], 8, region).is_err(),
            "a row may not overlap the next"
        );
    }
}
