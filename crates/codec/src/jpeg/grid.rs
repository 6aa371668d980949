//! How an image is cut into MCUs, and which of them a region touches.

use super::baseline::{Baseline, Component};
use super::group::BLOCKS;
use super::idct;
use crate::Region;

/// How many MCUs an image has, and how large they are in luma pixels.
pub(crate) struct Grid {
    pub(crate) mcu_width: usize,
    pub(crate) mcu_height: usize,
    pub(crate) across: usize,
    pub(crate) down: usize,
}

impl Grid {
    pub(crate) fn of(header: &Baseline) -> Self {
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
    pub(crate) fn window(&self, region: Region) -> Window {
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
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) top: usize,
    pub(crate) bottom: usize,
}

impl Window {
    /// MCUs in a row.
    pub(crate) fn width(&self) -> usize {
        self.right - self.left
    }

    /// Bytes per row of a component's plane: whole groups of blocks.
    pub(crate) fn stride(&self, component: &Component) -> usize {
        (self.width() * component.across).div_ceil(BLOCKS) * idct::ROW
    }

    /// Bytes of a component's plane.
    pub(crate) fn plane(&self, component: &Component) -> usize {
        (self.bottom - self.top) * component.down * 8 * self.stride(component)
    }
}
