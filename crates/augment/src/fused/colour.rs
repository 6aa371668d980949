//! YCbCr -> RGB after JFIF (ITU-T T.871) in 16 bits: the constants, and the definition for one pixel.
//!
//! Luma comes with six bits after the point, chroma with seven. The products are those of the `mulhrs`
//! instructions: (a * b + 2^14) >> 15.

/// 1.402 / 2, in 15 bits after the point: Cr's part of red.
pub(super) const RED_CR: i16 = 22_970;
/// 1.772 / 2: Cb's part of blue.
pub(super) const BLUE_CB: i16 = 29_032;
/// -0.344136 / 2: Cb's part of green.
pub(super) const GREEN_CB: i16 = -5_638;
/// -0.714136 / 2: Cr's part of green.
pub(super) const GREEN_CR: i16 = -11_700;

/// Bits after the point of luma.
pub(super) const LUMA_BITS: u32 = 6;
/// Brings a luma sum back to 0..=255 (the samples had 128 subtracted), and adds a half for rounding.
pub(super) const LUMA_BIAS: i16 = (128 << LUMA_BITS) + (1 << (LUMA_BITS - 1));

/// Brings a sum of seven bits back to 0..=255, and adds a half for rounding.
pub(super) const LEVEL_BIAS: i16 = (128 << 7) + 64;

/// Red, green and blue from sums of weights x (sample - 128), the weights adding up to 128.
#[inline(always)]
pub(super) fn rgb(luma: i16, cb: i16, cr: i16) -> [u8; 3] {
    let luma = (luma >> 1) + LUMA_BIAS;
    [
        luma + mulhrs(cr, RED_CR),
        luma + mulhrs(cb, GREEN_CB) + mulhrs(cr, GREEN_CR),
        luma + mulhrs(cb, BLUE_CB),
    ]
    .map(|value| (value >> LUMA_BITS).clamp(0, 255) as u8)
}

/// A sample from such a sum.
#[inline(always)]
pub(super) fn level(sum: i16) -> u8 {
    ((sum + LEVEL_BIAS) >> 7) as u8
}

#[inline(always)]
fn mulhrs(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libjpeg's conversion (jdcolor.c): 16 bits after the point; red and blue are rounded separately, the two parts of
    /// green together.
    fn libjpeg(y: i32, cb: i32, cr: i32) -> [i32; 3] {
        let half = 1 << 15;
        let red = (91_881 * cr + half) >> 16;
        let green = (-22_554 * cb - 46_802 * cr + half) >> 16;
        let blue = (116_130 * cb + half) >> 16;
        [red, green, blue].map(|part| (y + part).clamp(0, 255))
    }

    #[test]
    fn every_colour_is_within_one_level_of_libjpeg() {
        let mut differing = 0u32;
        for cb in -128..128 {
            for cr in -128..128 {
                for y in 0..256 {
                    let sums = [y - 128, cb, cr].map(|value| (128 * value) as i16);
                    let ours = rgb(sums[0], sums[1], sums[2]).map(i32::from);
                    let theirs = libjpeg(y, cb, cr);
                    for (ours, theirs) in ours.into_iter().zip(theirs) {
                        assert!((ours - theirs).abs() <= 1, "{y} {cb} {cr}");
                        differing += u32::from(ours != theirs);
                    }
                }
            }
        }
        assert!(differing < 3 * 256 * 256 * 256 / 50, "{differing} differ");
    }

    #[test]
    fn gray_is_exact_with_and_without_chroma() {
        for y in 0..=255u8 {
            let sum = 128 * (i16::from(y) - 128);
            assert_eq!(rgb(sum, 0, 0), [y; 3]);
            assert_eq!(level(sum), y);
        }
    }
}
