//! Affine warps: where each pixel is read, and reading it. In the arithmetic of Pillow's
//! `Image.transform`, which is 16.16 fixed point for the nearest pixel and double precision otherwise.

use std::ops::Range;

use super::chain::{Frame, Scratch};
use super::{Interpolation, Warp};

/// Pixel (x, y) is read at (a x + b y + c, d x + e y + f); the centre of a pixel is half a unit in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine([f64; 6]);

impl Affine {
    pub(super) fn shear_x(factor: f64) -> Self {
        Affine([1.0, factor, 0.0, 0.0, 1.0, 0.0])
    }

    pub(super) fn shear_y(factor: f64) -> Self {
        Affine([1.0, 0.0, 0.0, factor, 1.0, 0.0])
    }

    pub(super) fn translation(x: f64, y: f64) -> Self {
        Affine([1.0, 0.0, x, 0.0, 1.0, y])
    }

    /// Counterclockwise about the centre. Sine and cosine are rounded to 15 decimals, as in Pillow's
    /// `Image.rotate`, so that quarter turns are exact.
    pub(super) fn rotation(degrees: f64, frame: Frame) -> Self {
        let angle = -(degrees.rem_euclid(360.0)).to_radians();
        let sin = to_15_decimals(libm::sin(angle));
        let cos = to_15_decimals(libm::cos(angle));
        let (x, y) = (frame.width as f64 / 2.0, frame.height as f64 / 2.0);
        Affine([
            cos,
            sin,
            cos * -x + sin * -y + x,
            -sin,
            cos,
            -sin * -x + cos * -y + y,
        ])
    }
}

/// The nearest number of 15 decimals to one that is at most 1, as Python's `round` finds it: the product is
/// taken with its rounding error, which would decide ties that are none.
fn to_15_decimals(value: f64) -> f64 {
    const SCALE: f64 = 1e15;
    let scaled = value * SCALE;
    let error = value.mul_add(SCALE, -scaled);
    let below = scaled.floor();
    let rest = (scaled - below) + error;
    (if rest > 0.5 { below + 1.0 } else { below }) / SCALE
}

/// Reads each pixel of the image where `matrix` says.
pub(super) fn warp(
    pixels: &mut [u8],
    frame: Frame,
    matrix: &Affine,
    warp: Warp,
    scratch: &mut Scratch,
) {
    let source = &mut scratch.source;
    source.clear();
    source.extend_from_slice(pixels);
    match warp.interpolation {
        Interpolation::Nearest => nearest(source, frame, matrix, warp.fill, pixels),
        Interpolation::Bilinear => bilinear(source, frame, matrix, warp.fill, pixels),
    }
}

/// A coordinate along one row of the result, in 16.16 fixed point.
#[derive(Clone, Copy)]
struct Walk {
    start: i64,
    step: i64,
}

impl Walk {
    fn at(self, x: usize) -> usize {
        ((self.start + x as i64 * self.step) >> 16) as usize
    }

    /// For which of `count` steps the coordinate lies in 0..`size`.
    fn inside(self, size: usize, count: usize) -> Range<usize> {
        let end = (size as i64) << 16;
        let (first, after) = match self.step {
            0 if (0..end).contains(&self.start) => (0, count as i64),
            0 => (0, 0),
            step if step > 0 => (
                div_ceil(-self.start, step),
                div_ceil(end - self.start, step),
            ),
            step => (
                div_ceil(self.start - (end - 1), -step),
                div_ceil(self.start + 1, -step),
            ),
        };
        let bound = |x: i64| x.clamp(0, count as i64) as usize;
        bound(first)..bound(after).max(bound(first))
    }
}

/// Rounds up; `divisor` is positive.
fn div_ceil(dividend: i64, divisor: i64) -> i64 {
    -(-dividend).div_euclid(divisor)
}

fn nearest(source: &[u8], frame: Frame, matrix: &Affine, fill: [u8; 3], out: &mut [u8]) {
    let Affine([a, b, c, d, e, f]) = *matrix;
    let (x0, y0) = if b == 0.0 && d == 0.0 {
        // Without rotation Pillow does not round to fixed point; steps of a whole pixel let us say so.
        let whole = |start: f64| bounded(start.floor(), START_LIMIT) << 16;
        (whole(c + a * 0.5), whole(f + e * 0.5))
    } else {
        (
            fixed(c + a * 0.5 + b * 0.5, START_LIMIT),
            fixed(f + d * 0.5 + e * 0.5, START_LIMIT),
        )
    };
    let [a, b, d, e] = [a, b, d, e].map(|step| fixed(step, STEP_LIMIT));
    for (y, row) in out.chunks_exact_mut(frame.row()).enumerate() {
        let along_x = Walk {
            start: x0 + y as i64 * b,
            step: a,
        };
        let along_y = Walk {
            start: y0 + y as i64 * e,
            step: d,
        };
        let columns = along_x.inside(frame.width, frame.width);
        let rows = along_y.inside(frame.height, frame.width);
        let first = columns.start.max(rows.start);
        let after = columns.end.min(rows.end).max(first);
        let (before, rest) = row.split_at_mut(3 * first);
        let (inside, behind) = rest.split_at_mut(3 * (after - first));
        before.as_chunks_mut::<3>().0.fill(fill);
        behind.as_chunks_mut::<3>().0.fill(fill);
        if inside.is_empty() {
            continue;
        }
        if (a, d) == (1 << 16, 0) {
            let at = along_y.at(first) * frame.row() + 3 * along_x.at(first);
            inside.copy_from_slice(&source[at..at + inside.len()]);
        } else {
            gather(source, frame, first, along_x, along_y, inside);
        }
    }
}

fn gather(source: &[u8], frame: Frame, first: usize, along_x: Walk, along_y: Walk, out: &mut [u8]) {
    let (source, _) = source.as_chunks::<3>();
    for (x, pixel) in (first..).zip(out.as_chunks_mut::<3>().0) {
        *pixel = source[along_y.at(x) * frame.width + along_x.at(x)];
    }
}

/// These keep sums in 63 bits for any image that fits into memory; no sensible warp comes near.
const STEP_LIMIT: f64 = (1u64 << 28) as f64;
const START_LIMIT: f64 = (1u64 << 44) as f64;

/// To 16.16 fixed point, rounded half up.
fn fixed(value: f64, limit: f64) -> i64 {
    (value.clamp(-limit, limit) * 65536.0 + 0.5).floor() as i64
}

fn bounded(value: f64, limit: f64) -> i64 {
    value.clamp(-limit, limit) as i64
}

fn bilinear(source: &[u8], frame: Frame, matrix: &Affine, fill: [u8; 3], out: &mut [u8]) {
    let Affine([a, b, c, d, e, f]) = *matrix;
    let (width, height) = (frame.width as f64, frame.height as f64);
    let (source, _) = source.as_chunks::<3>();
    for (y, row) in out.chunks_exact_mut(frame.row()).enumerate() {
        let y = y as f64 + 0.5;
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let x = x as f64 + 0.5;
            let at = (a * x + b * y + c, d * x + e * y + f);
            let inside = (0.0..width).contains(&at.0) && (0.0..height).contains(&at.1);
            *pixel = if inside {
                between(source, frame, at.0 - 0.5, at.1 - 0.5)
            } else {
                fill
            };
        }
    }
}

/// Linear between the four pixels around a place, whose coordinates are those of pixel centres; the
/// outermost pixels continue beyond the image.
fn between(source: &[[u8; 3]], frame: Frame, x: f64, y: f64) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (dx, dy) = (x - left, y - top);
    let last_x = frame.width - 1;
    let last_y = frame.height - 1;
    // Either is -1 or more; the cast takes -1 to 0.
    let (x0, y0) = (left as usize, top as usize);
    let x1 = ((left + 1.0) as usize).min(last_x);
    let y1 = ((top + 1.0) as usize).min(last_y);
    let (upper, lower) = (y0 * frame.width, y1 * frame.width);
    let corners = [
        source[upper + x0],
        source[upper + x1],
        source[lower + x0],
        source[lower + x1],
    ];
    std::array::from_fn(|channel| {
        let [p, q, r, s] = corners.map(|pixel| f64::from(pixel[channel]));
        let upper = p + (q - p) * dx;
        let lower = r + (s - r) * dx;
        (upper + (lower - upper) * dy) as u8
    })
}
