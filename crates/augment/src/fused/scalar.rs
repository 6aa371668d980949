//! The portable kernels. They define the result; the others compute the same with vectors.

use super::axis::Axis;
use super::blend::Blend;
use super::colour;
use super::line::{Line, Rows};

/// Each output is (64 + the sum of weights x samples) >> 7, less 128.
#[inline(always)]
pub(super) fn across(axis: &Axis, row: &[u8], out: &mut [Line]) {
    match axis.taps() {
        2 => across_taps::<2>(axis, row, out),
        4 => across_taps::<4>(axis, row, out),
        _ => across_any(axis, row, out),
    }
}

#[inline(always)]
fn across_taps<const TAPS: usize>(axis: &Axis, row: &[u8], out: &mut [Line]) {
    let weights: [&[[u8; Line::LEN]]; TAPS] =
        std::array::from_fn(|tap| axis.weights(tap).as_chunks().0);
    let (starts, _) = axis.starts().as_chunks::<{ Line::LEN }>();
    for (index, (line, starts)) in out.iter_mut().zip(starts).enumerate() {
        let weights = weights.map(|weights| &weights[index]);
        for (output, (byte, &start)) in line.0.iter_mut().zip(starts).enumerate() {
            let samples = &row[start as usize..start as usize + TAPS];
            let mut sum = 64;
            for tap in 0..TAPS {
                sum += u16::from(weights[tap][output]) * u16::from(samples[tap]);
            }
            *byte = finish(sum);
        }
    }
}

#[inline(always)]
fn across_any(axis: &Axis, row: &[u8], out: &mut [Line]) {
    let (starts, _) = axis.starts().as_chunks::<{ Line::LEN }>();
    for (index, (line, starts)) in out.iter_mut().zip(starts).enumerate() {
        for (output, (byte, &start)) in line.0.iter_mut().zip(starts).enumerate() {
            let samples = &row[start as usize..start as usize + axis.taps()];
            let mut sum = 64;
            for (tap, &sample) in samples.iter().enumerate() {
                let weight = axis.weights(tap)[index * Line::LEN + output];
                sum += u16::from(weight) * u16::from(sample);
            }
            *byte = finish(sum);
        }
    }
}

#[inline(always)]
fn finish(sum: u16) -> u8 {
    ((sum >> 7) as u8).wrapping_sub(128)
}

/// Each sum is that of weights x (sample - 128). [`colour`] does the rest.
pub(super) fn blend(what: &Blend<'_>, out: &mut [u8]) {
    for (index, pixels) in out.chunks_mut(3 * Line::LEN).enumerate() {
        let (pixels, _) = pixels.as_chunks_mut::<3>();
        match *what {
            Blend::Gray(luma) => {
                for (pixel, sum) in pixels.iter_mut().zip(sums(luma, index)) {
                    *pixel = [colour::level(sum); 3];
                }
            }
            Blend::Ycc(luma, chroma) => {
                let luma = sums(luma, index);
                let [cb, cr] = chroma.map(|strand| sums(strand, index));
                for (((pixel, luma), cb), cr) in pixels.iter_mut().zip(luma).zip(cb).zip(cr) {
                    *pixel = colour::rgb(luma, cb, cr);
                }
            }
            Blend::Rgb(planes) => {
                let [red, green, blue] = planes.map(|strand| sums(strand, index));
                for (((pixel, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue)
                {
                    *pixel = [red, green, blue].map(colour::level);
                }
            }
        }
    }
}

#[inline(always)]
fn sums(rows: impl Rows, index: usize) -> [i16; Line::LEN] {
    let mut sums = [0; Line::LEN];
    for pair in 0..rows.pairs() {
        let lines = rows.lines(pair, index);
        let weights = rows.weights(pair).to_le_bytes().map(i16::from);
        for (sum, (&a, &b)) in sums.iter_mut().zip(lines[0].0.iter().zip(&lines[1].0)) {
            *sum += weights[0] * i16::from(a as i8) + weights[1] * i16::from(b as i8);
        }
    }
    sums
}
