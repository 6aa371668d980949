//! Sharpness: blends the image with a copy smoothed by a 3x3 kernel.

use super::chain::{Frame, Scratch};
use crate::rgb8;

/// `ImageEnhance.Sharpness`: blends with `ImageFilter.SMOOTH`, whose kernel is 5 in the middle of 1s, over 13.
/// Smoothing does not change the outermost pixels, so neither does this.
pub(super) fn sharpen(pixels: &mut [u8], frame: Frame, factor: f32, scratch: &mut Scratch) {
    let row = frame.row();
    if factor == 1.0 || frame.width < 3 || frame.height < 3 {
        return;
    }
    // The original contents of the row being written and of the row above it.
    scratch.rows.resize(2 * row, 0);
    scratch.sums.resize(row, 0);
    let (mut above, mut here) = scratch.rows.split_at_mut(row);
    above.copy_from_slice(&pixels[..row]);
    for y in 1..frame.height - 1 {
        let (out, below) = pixels[y * row..].split_at_mut(row);
        here.copy_from_slice(out);
        let rows = [&*above, &*here, &below[..row]];
        rgb8::sharpen_row(scratch.level, rows, factor, &mut scratch.sums, out);
        std::mem::swap(&mut above, &mut here);
    }
}
