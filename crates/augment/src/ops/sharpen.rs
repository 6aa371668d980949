//! Sharpness: a blend of the image with itself smoothed by a 3x3 kernel.

use super::chain::{Frame, Scratch};

/// `ImageEnhance.Sharpness`: blends with `ImageFilter.SMOOTH`, whose kernel is 5 in the middle of 1s,
/// over 13. Smoothing leaves the outermost pixels alone, hence so does this.
pub(super) fn sharpen(pixels: &mut [u8], frame: Frame, factor: f32, scratch: &mut Scratch) {
    let row = frame.row();
    if factor == 1.0 || frame.width < 3 || frame.height < 3 {
        return;
    }
    // The rows above and at the one that is being written, as they were.
    scratch.rows.resize(2 * row, 0);
    scratch.sums.resize(row, 0);
    let (mut above, mut here) = scratch.rows.split_at_mut(row);
    above.copy_from_slice(&pixels[..row]);
    for y in 1..frame.height - 1 {
        let (out, below) = pixels[y * row..].split_at_mut(row);
        let below = &below[..row];
        here.copy_from_slice(out);
        let columns = &mut scratch.sums[..row];
        for (((sum, &a), &b), &c) in columns.iter_mut().zip(&*above).zip(&*here).zip(below) {
            *sum = u16::from(a) + u16::from(b) + u16::from(c);
        }
        sharpen_row(columns, here, factor, out);
        std::mem::swap(&mut above, &mut here);
    }
}

/// `columns` are sums of three rows, `here` is the middle one; all are whole rows.
fn sharpen_row(columns: &[u16], here: &[u8], factor: f32, out: &mut [u8]) {
    let inner = out.len() - 6;
    let left = &columns[..inner];
    let middle = &columns[3..][..inner];
    let right = &columns[6..][..inner];
    let here = &here[3..][..inner];
    let out = &mut out[3..][..inner];
    for ((((out, &here), &left), &middle), &right) in
        out.iter_mut().zip(here).zip(left).zip(middle).zip(right)
    {
        let smooth = thirteenth(left + middle + right + 4 * u16::from(here));
        let difference = i16::from(here) - smooth as i16;
        *out = (f32::from(smooth) + factor * f32::from(difference)) as u8;
    }
}

/// A 13th, rounded to nearest, of at most 13 * 255. No 13th lies halfway between integers, so Pillow's
/// single precision rounds the same way.
fn thirteenth(sum: u16) -> u16 {
    // (2 sum + 13) / 26 is (sum + 6) / 13, and 20165 / 2^18 a 13th and a little; the test divides.
    let product = u32::from(sum + 6) * 20_165;
    ((product >> 16) as u16) >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_divides_by_thirteen() {
        for sum in 0..=13 * 255 {
            assert_eq!(thirteenth(sum), (2 * sum + 13) / 26);
        }
    }
}
