//! How an image is cut into MCUs, and which of them a region touches.

use super::group::BLOCKS;
use super::header::{Component, Header};
use super::idct;
use crate::Region;

/// How many MCUs an image has, and how large they are in luma pixels.
pub(super) struct Grid {
    pub(super) mcu_width: usize,
    pub(super) mcu_height: usize,
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Grid {
    pub(super) fn of(header: &Header) -> Self {
        let luma = &header.components()[0];
        let (mcu_width, mcu_height) = (8 * luma.across, 8 * luma.down);
        Grid {
            mcu_width,
            mcu_height,
            across: header.width.div_ceil(mcu_width),
            down: header.height.div_ceil(mcu_height),
        }
    }

    /// The MCUs that touch `region`, which must lie inside the image.
    pub(super) fn window(&self, region: Region) -> Window {
        let [x, y, width, height] =
            [region.x, region.y, region.width, region.height].map(|n| n as usize);
        Window {
            left: x / self.mcu_width,
            right: (x + width).div_ceil(self.mcu_width),
            top: y / self.mcu_height,
            bottom: (y + height).div_ceil(self.mcu_height),
        }
    }
}

/// The MCUs to decode: columns left..right of rows top..bottom.
pub(super) struct Window {
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) top: usize,
    pub(super) bottom: usize,
}

impl Window {
    /// MCUs in a row.
    pub(super) fn width(&self) -> usize {
        self.right - self.left
    }

    /// Bytes a row of a component's plane: whole groups of blocks.
    pub(super) fn stride(&self, component: &Component) -> usize {
        (self.width() * component.across).div_ceil(BLOCKS) * idct::ROW
    }

    /// Bytes of a component's plane.
    pub(super) fn plane(&self, component: &Component) -> usize {
        (self.bottom - self.top) * component.down * 8 * self.stride(component)
    }
}
