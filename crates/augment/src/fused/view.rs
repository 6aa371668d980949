//! Borrowed planes of samples, as a decoder has them before upsampling and colour conversion.
//! Coordinates are those of the component's whole plane; nothing is owned or converted.

use super::error::FusedError;
use crate::CropRect;

/// Samples of a rectangle of one component of an image.
#[derive(Clone, Copy, Debug)]
pub struct PlaneView<'a> {
    /// Samples row by row. The last row may end with its last sample.
    pub data: &'a [u8],
    /// Bytes from one row to the next; at least `width`.
    pub stride: usize,
    /// Samples a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Column of the first sample in the component's whole plane.
    pub x: u32,
    /// Row of the first sample in the component's whole plane.
    pub y: u32,
}

/// Planes of luma and chroma (JFIF: full range, BT.601, chroma samples centred between luma samples).
#[derive(Clone, Copy, Debug)]
pub struct YccView<'a> {
    /// Luma, one sample a pixel.
    pub luma: PlaneView<'a>,
    /// Cb and Cr; none for a gray image.
    pub chroma: Option<[PlaneView<'a>; 2]>,
    /// Luma samples per chroma sample across and down: (1, 1) is 4:4:4, (2, 2) is 4:2:0, (2, 1) is
    /// 4:2:2, (1, 2) is 4:4:0, (4, 1) is 4:1:1.
    pub ratio: (u32, u32),
}

impl<'a> PlaneView<'a> {
    /// Cuts `needed` out of the view.
    pub(super) fn cut(&self, plane: &'static str, needed: CropRect) -> Result<Cut<'a>, FusedError> {
        let &PlaneView {
            data,
            stride,
            width,
            height,
            x,
            y,
        } = self;
        let available = CropRect {
            x,
            y,
            width,
            height,
        };
        if !available.contains(&needed) {
            return Err(FusedError::NotCovered {
                plane,
                needed,
                available,
            });
        }
        let row = width as usize;
        let bytes = stride
            .max(row)
            .saturating_mul(height as usize - 1)
            .saturating_add(row);
        if stride < row || data.len() < bytes {
            return Err(FusedError::ShortPlane {
                plane,
                width,
                height,
                stride,
                needed: bytes,
                actual: data.len(),
            });
        }
        let begin = (needed.y - y) as usize * stride + (needed.x - x) as usize;
        Ok(Cut {
            data: &data[begin..],
            stride,
            samples: needed.width as usize,
        })
    }
}

/// The part of a plane that a crop needs.
#[derive(Clone, Copy)]
pub(super) struct Cut<'a> {
    data: &'a [u8],
    stride: usize,
    samples: usize,
}

impl<'a> Cut<'a> {
    /// Row `row` of the cut, followed by bytes without meaning up to `reach` bytes in all: those that lie there, or
    /// where the memory ends before, those of `spare`, into which the row is then copied.
    pub(super) fn row<'b>(&self, row: usize, reach: usize, spare: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        let bytes = &self.data[row * self.stride..];
        if bytes.len() >= reach {
            return bytes;
        }
        if spare.len() < reach {
            spare.resize(reach, 0);
        }
        spare[..self.samples].copy_from_slice(&bytes[..self.samples]);
        spare
    }
}
