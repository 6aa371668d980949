//! A rectangle of whole pixels. Fractional boxes belong to the resampler.

use std::fmt;

/// A rectangle of pixels. `x` grows to the right, `y` downwards, from the upper left corner of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Region {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Region {
    /// All of an image.
    #[must_use]
    pub const fn whole(width: u32, height: u32) -> Self {
        Region {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// Whether `self` has pixels and all of them are pixels of `outer`.
    #[must_use]
    pub const fn is_inside(&self, outer: &Region) -> bool {
        self.width > 0 && self.height > 0 && outer.contains(self)
    }

    /// Whether every pixel of `other` is a pixel of `self`. Unlike [`Region::is_inside`], this also holds
    /// for an `other` without pixels, if its corners are within the bounds.
    #[must_use]
    pub const fn contains(&self, other: &Region) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// Whether it has pixels and its right and bottom edges fit in 32 bits.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        let limit = u32::MAX as u64;
        self.width > 0 && self.height > 0 && self.right() <= limit && self.bottom() <= limit
    }

    /// One past the last column.
    #[must_use]
    pub const fn right(&self) -> u64 {
        self.x as u64 + self.width as u64
    }

    /// One past the last row.
    #[must_use]
    pub const fn bottom(&self) -> u64 {
        self.y as u64 + self.height as u64
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Region {
            x,
            y,
            width,
            height,
        } = self;
        write!(f, "{width}x{height} at ({x}, {y})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn region(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn inside_counts_edges_and_never_overflows() {
        let outer = region(2, 3, 10, 5);
        assert!(outer.is_inside(&outer));
        assert!(region(11, 7, 1, 1).is_inside(&outer));
        assert!(!region(11, 7, 2, 1).is_inside(&outer));
        assert!(!region(1, 3, 2, 1).is_inside(&outer));
        assert!(!region(2, 3, 0, 1).is_inside(&outer));
        assert!(!region(u32::MAX, 3, u32::MAX, 1).is_inside(&outer));
    }

    #[test]
    fn contains_is_about_pixels_not_corners() {
        let outer = region(2, 3, 4, 5);
        assert!(outer.contains(&outer));
        assert!(outer.contains(&region(5, 7, 1, 1)));
        assert!(!outer.contains(&region(5, 7, 2, 1)));
        assert!(!outer.contains(&region(1, 3, 1, 1)));
        assert!(outer.contains(&region(2, 3, 0, 0)));
    }

    #[test]
    fn empty_and_overflowing_regions_are_not_valid() {
        assert!(region(0, 0, 1, 1).is_valid());
        assert!(region(u32::MAX - 1, 0, 1, 1).is_valid());
        assert!(!Region::whole(0, 1).is_valid());
        assert!(!region(u32::MAX, 0, 1, 1).is_valid());
        assert_eq!(
            region(u32::MAX, 0, 1, 1).to_string(),
            "1x1 at (4294967295, 0)"
        );
    }
}
