//! Gaussian blur as Pillow approximates it: three box blurs along rows, then three along columns.

use pixels::dispatch;

use super::chain::{Frame, Scratch};
use crate::Level;

const PASSES: usize = 3;

/// `ImageFilter.GaussianBlur` of `radius` pixels.
pub(super) fn gaussian(pixels: &mut [u8], frame: Frame, radius: f32, scratch: &mut Scratch) {
    if radius > 0.0 {
        let window = Window::of_gaussian(radius.min(MOST));
        for _ in 0..PASSES {
            along_rows(scratch.level, pixels, frame, window, scratch);
        }
        for _ in 0..PASSES {
            along_columns(scratch.level, pixels, frame, window, scratch);
        }
    }
}

/// With a larger radius, the sum of a window would not fit into 16 bits.
const MOST: f32 = 64.0;

/// A box blur: whole pixels up to `radius` on both sides, and a share of the next ones. The weights are 24-bit
/// fractions.
#[derive(Clone, Copy)]
struct Window {
    radius: usize,
    whole: u32,
    share: u32,
}

impl Window {
    /// The box whose threefold blur has the variance of the Gaussian (Gwosdek et al., SSVM 2011, equations 7, 11 and
    /// 14), in the mixed precision of Pillow's C code.
    fn of_gaussian(sigma: f32) -> Self {
        let variance = sigma * sigma / PASSES as f32;
        let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
        let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let share = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
            / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)));
        Window::new(whole + share)
    }

    fn new(radius: f32) -> Self {
        const ONE: u32 = 1 << 24;
        let pixels = radius as u32;
        let whole = (ONE as f32 / (radius * 2.0 + 1.0)) as u32;
        Window {
            radius: pixels as usize,
            whole,
            share: (ONE - (pixels * 2 + 1) * whole) / 2,
        }
    }

    /// Blends the sum of the whole pixels with those on both ends.
    #[inline(always)]
    fn blend(self, sums: &[u16], ends: [&[u8]; 2], out: &mut [u8]) {
        let ends = ends[0].iter().zip(ends[1]);
        for ((out, &sum), (&one, &other)) in out.iter_mut().zip(sums).zip(ends) {
            let ends = u32::from(one) + u32::from(other);
            let level = u32::from(sum) * self.whole + ends * self.share;
            *out = ((level + (1 << 23)) >> 24) as u8;
        }
    }
}

dispatch! {
    fn along_rows(level: Level, pixels: &mut [u8], frame: Frame, window: Window, scratch: &mut Scratch) {
        Avx512Vbmi => along_rows_portable,
        Avx2Fma => along_rows_portable,
        _ => along_rows_portable,
    }
}

dispatch! {
    fn along_columns(level: Level, pixels: &mut [u8], frame: Frame, window: Window, scratch: &mut Scratch) {
        Avx512Vbmi => along_columns_portable,
        Avx2Fma => along_columns_portable,
        _ => along_columns_portable,
    }
}

#[inline(always)]
fn along_rows_portable(pixels: &mut [u8], frame: Frame, window: Window, scratch: &mut Scratch) {
    let (row, margin) = (frame.row(), 3 * (window.radius + 1));
    scratch.rows.resize(row + 2 * margin, 0);
    scratch.sums.resize(row, 0);
    let padded = &mut scratch.rows[..row + 2 * margin];
    let sums = &mut scratch.sums[..row];
    for line in pixels.chunks_exact_mut(row) {
        let (before, rest) = padded.split_at_mut(margin);
        let (middle, behind) = rest.split_at_mut(row);
        middle.copy_from_slice(line);
        before
            .as_chunks_mut::<3>()
            .0
            .fill([line[0], line[1], line[2]]);
        behind
            .as_chunks_mut::<3>()
            .0
            .fill([line[row - 3], line[row - 2], line[row - 1]]);
        sums.fill(0);
        for tap in 1..2 * window.radius + 2 {
            add(&padded[3 * tap..][..row], sums);
        }
        let ends = [&padded[..row], &padded[2 * margin..]];
        window.blend(sums, ends, line);
    }
}

#[inline(always)]
fn along_columns_portable(pixels: &mut [u8], frame: Frame, window: Window, scratch: &mut Scratch) {
    let row = frame.row();
    let source = &mut scratch.source;
    source.clear();
    source.extend_from_slice(pixels);
    scratch.sums.resize(row, 0);
    let sums = &mut scratch.sums[..row];
    // Rows beyond the image equal its outermost ones.
    let line = |y: isize| {
        let y = y.clamp(0, frame.height as isize - 1) as usize;
        &source[y * row..][..row]
    };
    let radius = window.radius as isize;
    for (y, out) in (0..).zip(pixels.chunks_exact_mut(row)) {
        sums.fill(0);
        for tap in y - radius..=y + radius {
            add(line(tap), sums);
        }
        window.blend(sums, [line(y - radius - 1), line(y + radius + 1)], out);
    }
}

#[inline(always)]
fn add(levels: &[u8], sums: &mut [u16]) {
    for (sum, &level) in sums.iter_mut().zip(levels) {
        *sum += u16::from(level);
    }
}
