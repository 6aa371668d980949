//! A rectangle of pixels.

use std::fmt;

/// A rectangle of pixels; `x` grows to the right, `y` downwards, from the image's upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub const fn whole(width: u32, height: u32) -> Self {
        Self {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// Whether every pixel of `self` is one of `outer`. An empty region lies inside nothing.
    pub fn is_inside(&self, outer: &Region) -> bool {
        let spans = |start: u32, length: u32, outer_start: u32, outer_length: u32| {
            length > 0
                && start >= outer_start
                && u64::from(start) + u64::from(length)
                    <= u64::from(outer_start) + u64::from(outer_length)
        };
        spans(self.x, self.width, outer.x, outer.width)
            && spans(self.y, self.height, outer.y, outer.height)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_counts_edges_and_never_overflows() {
        let outer = Region {
            x: 2,
            y: 3,
            width: 10,
            height: 5,
        };
        assert!(outer.is_inside(&outer));
        assert!(
            Region {
                x: 11,
                y: 7,
                width: 1,
                height: 1
            }
            .is_inside(&outer)
        );
        assert!(
            !Region {
                x: 11,
                y: 7,
                width: 2,
                height: 1
            }
            .is_inside(&outer)
        );
        assert!(
            !Region {
                x: 1,
                y: 3,
                width: 2,
                height: 1
            }
            .is_inside(&outer)
        );
        assert!(
            !Region {
                x: 2,
                y: 3,
                width: 0,
                height: 1
            }
            .is_inside(&outer)
        );
        assert!(
            !Region {
                x: u32::MAX,
                y: 3,
                width: u32::MAX,
                height: 1
            }
            .is_inside(&outer)
        );
    }
}
