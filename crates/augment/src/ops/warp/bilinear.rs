//! Linear between the centres of the four pixels around a place, in double precision, truncated.

use pixels::dispatch;

use super::Padded;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Level;
use crate::ops::affine::Affine;
use crate::ops::chain::{Frame, Scratch};

/// Where the pixels of one row of the result are read: at (a x + b y + c, d x + e y + f), where x is half a pixel more
/// than the column.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// a and d.
    pub(super) steps: [f64; 2],
    /// b y and e y.
    pub(super) across: [f64; 2],
    /// c and f.
    pub(super) offsets: [f64; 2],
    /// Width and height of the image. Places from 0 to these are inside.
    pub(super) ends: [f64; 2],
    /// The value of pixels outside.
    pub(super) fill: [u8; 3],
}

pub(super) fn warp(
    pixels: &mut [u8],
    frame: Frame,
    matrix: &Affine,
    fill: [u8; 3],
    scratch: &mut Scratch,
) {
    let Affine([a, b, c, d, e, f]) = *matrix;
    scratch.padded.copy(scratch.level, pixels, frame);
    for (y, row) in pixels.chunks_exact_mut(frame.row()).enumerate() {
        let y = y as f64 + 0.5;
        let line = Line {
            steps: [a, d],
            across: [b * y, e * y],
            offsets: [c, f],
            ends: [frame.width as f64, frame.height as f64],
            fill,
        };
        read(scratch.level, &scratch.padded, &line, row);
    }
}

fn read(level: Level, source: &Padded, line: &Line, out: &mut [u8]) {
    // Vectors count words in 32 bits.
    match i32::try_from(source.words().len()) {
        Ok(_) => read_whole(level, source, line, out),
        Err(_) => read_row(source, line, out),
    }
}

dispatch! {
    fn read_whole(level: Level, source: &Padded, line: &Line, out: &mut [u8]) {
        Avx512Vbmi => avx512::bilinear,
        Avx2Fma => avx2::bilinear,
        _ => read_row,
    }
}

fn read_row(source: &Padded, line: &Line, out: &mut [u8]) {
    read_portable(source, line, 0, out);
}

/// Pixels from column `first` on.
#[inline(always)]
pub(super) fn read_portable(source: &Padded, line: &Line, first: usize, out: &mut [u8]) {
    for (x, pixel) in (first..).zip(out.as_chunks_mut::<3>().0) {
        let x = x as f64 + 0.5;
        let at: [f64; 2] = std::array::from_fn(|axis| {
            line.steps[axis] * x + line.across[axis] + line.offsets[axis]
        });
        let inside = (0..2).all(|axis| (0.0..line.ends[axis]).contains(&at[axis]));
        *pixel = match inside {
            true => between(source, at[0] - 0.5, at[1] - 0.5),
            false => line.fill,
        };
    }
}

/// Interpolates between the four pixels around a place. Its coordinates, at least -1/2, are relative to pixel centres.
#[inline(always)]
fn between(source: &Padded, x: f64, y: f64) -> [u8; 3] {
    let (left, top) = (floor(x), floor(y));
    let (dx, dy) = (x - left as f64, y - top as f64);
    let (column, row) = ((left + 1) as usize, (top + 1) as usize);
    let upper = row * source.stride() + column;
    let lower = upper + source.stride();
    let words = source.words();
    let corners = [upper, upper + 1, lower, lower + 1].map(|at| words[at].to_le_bytes());
    std::array::from_fn(|channel| {
        let [p, q, r, s] = corners.map(|pixel| f64::from(pixel[channel]));
        let upper = p + (q - p) * dx;
        let lower = r + (s - r) * dx;
        (upper + (lower - upper) * dy) as u8
    })
}

/// With only SSE2, truncating costs less than `f64::floor`.
#[inline(always)]
fn floor(value: f64) -> i64 {
    let whole = value as i64;
    whole - i64::from(whole as f64 > value)
}
