//! Reads the pixel that contains a place.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use pixels::{Instructions, Level, dispatch};

#[cfg(target_arch = "x86_64")]
use super::{Padded, avx512};
use crate::ops::affine::Affine;
use crate::ops::chain::{Frame, Scratch};

/// A coordinate along one row of the result, in 16.16 fixed point.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) start: i64,
    pub(super) step: i64,
}

impl Walk {
    fn at(self, x: usize) -> usize {
        ((self.start + x as i64 * self.step) >> 16) as usize
    }

    /// The steps out of `count` for which the coordinate is in 0..`size`.
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

    /// From step `first` on.
    fn from(self, first: usize) -> Self {
        Walk {
            start: self.start + first as i64 * self.step,
            step: self.step,
        }
    }
}

/// Rounds up; `divisor` is positive.
fn div_ceil(dividend: i64, divisor: i64) -> i64 {
    -(-dividend).div_euclid(divisor)
}

pub(super) fn warp(
    pixels: &mut [u8],
    frame: Frame,
    matrix: &Affine,
    fill: [u8; 3],
    scratch: &mut Scratch,
) {
    let Affine([a, b, c, d, e, f]) = *matrix;
    let (x0, y0) = if b == 0.0 && d == 0.0 {
        // Without rotation Pillow does not round to fixed point. Steps of a whole pixel have the same effect here.
        let whole = |start: f64| bounded(start.floor(), START_LIMIT) << 16;
        (whole(c + a * 0.5), whole(f + e * 0.5))
    } else {
        (
            fixed(c + a * 0.5 + b * 0.5, START_LIMIT),
            fixed(f + d * 0.5 + e * 0.5, START_LIMIT),
        )
    };
    let [a, b, d, e] = [a, b, d, e].map(|step| fixed(step, STEP_LIMIT));
    let reader = Reader::new(scratch, pixels, frame, (a, d) == (1 << 16, 0));
    for (y, row) in pixels.chunks_exact_mut(frame.row()).enumerate() {
        let along_x = Walk {
            start: x0 + y as i64 * b,
            step: a,
        };
        let along_y = Walk {
            start: y0 + y as i64 * e,
            step: d,
        };
        // For the whole row, it is known beforehand which pixels are inside.
        let columns = along_x.inside(frame.width, frame.width);
        let rows = along_y.inside(frame.height, frame.width);
        let first = columns.start.max(rows.start);
        let after = columns.end.min(rows.end).max(first);
        let (before, rest) = row.split_at_mut(3 * first);
        let (inside, behind) = rest.split_at_mut(3 * (after - first));
        before.as_chunks_mut::<3>().0.fill(fill);
        behind.as_chunks_mut::<3>().0.fill(fill);
        if !inside.is_empty() {
            reader.read(along_x.from(first), along_y.from(first), inside);
        }
    }
}

/// The original image, in the form that is fastest to read for these rows.
enum Reader<'a> {
    /// Neighbours stay neighbours.
    Runs(&'a [u8], Frame),
    /// Pixel by pixel.
    Pixels(&'a [u8], Frame),
    /// Sixteen pixels at a time. Coordinates fit 32 bits.
    #[cfg(target_arch = "x86_64")]
    Words(Level, &'a Padded),
}

impl<'a> Reader<'a> {
    fn new(scratch: &'a mut Scratch, pixels: &[u8], frame: Frame, runs: bool) -> Self {
        #[cfg(target_arch = "x86_64")]
        if scratch.level.has(Instructions::Avx512Vbmi)
            && !runs
            && frame.width.max(frame.height) < 1 << 15
        {
            scratch.padded.copy(scratch.level, pixels, frame);
            return Reader::Words(scratch.level, &scratch.padded);
        }
        scratch.source.clear();
        scratch.source.extend_from_slice(pixels);
        match runs {
            true => Reader::Runs(&scratch.source, frame),
            false => Reader::Pixels(&scratch.source, frame),
        }
    }

    /// All of these places lie inside.
    fn read(&self, along_x: Walk, along_y: Walk, out: &mut [u8]) {
        match *self {
            Reader::Runs(source, frame) => {
                let at = along_y.at(0) * frame.row() + 3 * along_x.at(0);
                out.copy_from_slice(&source[at..at + out.len()]);
            }
            Reader::Pixels(source, frame) => {
                let (source, _) = source.as_chunks::<3>();
                for (x, pixel) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    *pixel = source[along_y.at(x) * frame.width + along_x.at(x)];
                }
            }
            #[cfg(target_arch = "x86_64")]
            Reader::Words(level, source) => read_words(level, source, along_x, along_y, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
dispatch! {
    fn read_words(level: Level, source: &Padded, along_x: Walk, along_y: Walk, out: &mut [u8]) {
        Avx512Vbmi => avx512::nearest,
        _ => read_one_by_one,
    }
}

#[cfg(target_arch = "x86_64")]
fn read_one_by_one(source: &Padded, along_x: Walk, along_y: Walk, out: &mut [u8]) {
    for (x, pixel) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let word = source.words()[(along_y.at(x) + 1) * source.stride() + along_x.at(x) + 1];
        let [red, green, blue, _] = word.to_le_bytes();
        *pixel = [red, green, blue];
    }
}

/// These keep sums within 63 bits for any image that fits into memory; no sensible warp comes near.
const STEP_LIMIT: f64 = (1u64 << 28) as f64;
const START_LIMIT: f64 = (1u64 << 44) as f64;

/// To 16.16 fixed point, rounded half up.
fn fixed(value: f64, limit: f64) -> i64 {
    (value.clamp(-limit, limit) * 65536.0 + 0.5).floor() as i64
}

fn bounded(value: f64, limit: f64) -> i64 {
    value.clamp(-limit, limit) as i64
}
