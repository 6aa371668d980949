//! A rectangle of pixels. Only whole pixels; fractional boxes belong to the resampler.

use std::fmt;

use crate::AugmentError;

/// A rectangle in pixels: `x` to the right, `y` down, from the top left corner of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CropRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl CropRect {
    /// The whole of an image.
    #[must_use]
    pub const fn whole(width: u32, height: u32) -> Self {
        CropRect {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// Whether every pixel of `other` is one of `self`.
    #[must_use]
    pub fn contains(&self, other: &CropRect) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// One past the last column.
    pub(crate) fn right(&self) -> u64 {
        u64::from(self.x) + u64::from(self.width)
    }

    /// One past the last row.
    pub(crate) fn bottom(&self) -> u64 {
        u64::from(self.y) + u64::from(self.height)
    }

    /// Accepts rectangles that hold pixels and whose edges are `u32`s.
    pub(crate) fn checked(self, what: &'static str) -> Result<Self, AugmentError> {
        let limit = u64::from(u32::MAX);
        if self.width == 0 || self.height == 0 || self.right() > limit || self.bottom() > limit {
            return Err(AugmentError::BadRect { what, rect: self });
        }
        Ok(self)
    }
}

impl fmt::Display for CropRect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}x{} at ({}, {})",
            self.width, self.height, self.x, self.y
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn contains_is_about_pixels_not_corners() {
        let outer = CropRect {
            x: 2,
            y: 3,
            width: 4,
            height: 5,
        };
        assert!(outer.contains(&outer));
        assert!(outer.contains(&CropRect {
            x: 5,
            y: 7,
            width: 1,
            height: 1
        }));
        assert!(!outer.contains(&CropRect {
            x: 5,
            y: 7,
            width: 2,
            height: 1
        }));
        assert!(!outer.contains(&CropRect {
            x: 1,
            y: 3,
            width: 1,
            height: 1
        }));
    }

    #[test]
    fn refuses_empty_and_overflowing_rectangles() {
        assert!(CropRect::whole(0, 1).checked("crop").is_err());
        let far = CropRect {
            x: u32::MAX,
            y: 0,
            width: 1,
            height: 1,
        };
        assert_eq!(
            far.checked("crop").unwrap_err().to_string(),
            "crop 1x1 at (4294967295, 0) holds no pixels or is larger than 4294967295 pixels on a side"
        );
    }
}
