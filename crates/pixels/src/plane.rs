//! Borrowed planes of samples, as a decoder has them before upsampling and colour conversion.

use crate::Region;

/// Samples of one component of an image: a rectangle of its plane.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows of `stride` bytes, from top to bottom. Beyond the region's width they hold padding. The last
    /// row may end with its last sample.
    pub data: &'a [u8],
    /// Bytes from one row to the next; at least the region's width.
    pub stride: usize,
    /// Which samples these are, in the coordinates of the component's whole plane.
    pub region: Region,
}

/// A region of an image as a JPEG stores it: planes, before upsampling and colour conversion (JFIF: full
/// range, BT.601, chroma samples centred between luma samples).
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// Width and height of the whole image.
    pub image: (u32, u32),
    /// Y, one sample for each pixel.
    pub luma: Plane<'a>,
    /// Cb and Cr; none for a gray image.
    pub chroma: Option<[Plane<'a>; 2]>,
    /// Luma samples for each chroma sample, across and down: (1, 1) is 4:4:4, (2, 2) is 4:2:0, (2, 1) is
    /// 4:2:2, (1, 2) is 4:4:0, (4, 1) is 4:1:1.
    pub ratio: (u32, u32),
}
