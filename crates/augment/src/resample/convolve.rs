//! The arithmetic of the filters on rows of bytes: chooses the kernels. Kernels know tables, not geometry.
//!
//! Sums are exact in 32 bits and rounded once per pass. So the order of additions does not matter, and every
//! kernel gives the same bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

#[cfg(target_arch = "x86_64")]
use pixels::Instructions;
use pixels::dispatch;

use super::axis::{Axis, CONVOLVE_BITS};
#[cfg(target_arch = "x86_64")]
use super::picks::Picks;
use crate::Level;

const HALF: i32 = 1 << (CONVOLVE_BITS - 1);

/// Narrows rows: each RGB pixel becomes the weighted sum of `axis.taps()` pixels.
#[derive(Debug, Default)]
pub(super) struct Across {
    #[cfg(target_arch = "x86_64")]
    picks: Picks,
    #[cfg(target_arch = "x86_64")]
    planes: [Vec<u8>; 3],
}

#[cfg(target_arch = "x86_64")]
impl Across {
    /// Computes the tables of `axis`, whose rows have `samples` pixels.
    pub(super) fn prepare(&mut self, level: Level, axis: &Axis, samples: usize) {
        self.picks.clear();
        if level.has(Instructions::Avx512Vbmi) {
            self.picks.build(axis, &avx512::SHAPE);
        } else if level.has(Instructions::Avx2Fma) {
            self.picks.build(axis, &avx2::SHAPE);
        }
        let len = samples.max(self.picks.reach()).next_multiple_of(64);
        for plane in &mut self.planes {
            if plane.len() < len {
                plane.resize(len, 0);
            }
        }
    }

    /// Narrows `row` to bytes. `axis` must be the one given to [`Across::prepare`], here and below.
    pub(super) fn run(&mut self, level: Level, axis: &Axis, row: &[u8], out: &mut [u8]) {
        if !self.picks.ready() {
            return scalar::across(row, axis, out);
        }
        let planes = split(level, row, &mut self.planes);
        across(level, &self.picks, planes, out);
    }

    /// Narrows `row` to sums, less their lowest [`super::plain::DROPPED_FIRST`] bits; or does nothing and returns
    /// false.
    pub(super) fn run_wide(&mut self, level: Level, row: &[u8], out: &mut [i16]) -> bool {
        if !self.picks.ready() {
            return false;
        }
        let planes = split(level, row, &mut self.planes);
        across_wide(level, &self.picks, planes, out);
        true
    }
}

#[cfg(target_arch = "x86_64")]
dispatch! {
    fn across(level: Level, picks: &Picks, planes: [&[u8]; 3], out: &mut [u8]) {
        Avx512Vbmi => avx512::across,
        Avx2Fma => avx2::across,
        _ => without_picks,
    }
}

#[cfg(target_arch = "x86_64")]
dispatch! {
    fn across_wide(level: Level, picks: &Picks, planes: [&[u8]; 3], out: &mut [i16]) {
        Avx512Vbmi => avx512::across_wide,
        Avx2Fma => avx2::across_wide,
        _ => without_picks,
    }
}

/// Never called: picks are ready only at vector levels.
#[cfg(target_arch = "x86_64")]
fn without_picks<T>(_: &Picks, _: [&[u8]; 3], _: &mut [T]) {
    debug_assert!(false, "there are no picks for plain Rust");
}

/// Splits a row into planes, which reach further than that.
#[cfg(target_arch = "x86_64")]
fn split<'a>(level: Level, row: &[u8], planes: &'a mut [Vec<u8>; 3]) -> [&'a [u8]; 3] {
    let len = (row.len() / 3).next_multiple_of(64);
    let parts = planes.each_mut().map(|plane| &mut plane[..len]);
    crate::rgb8::split(level, row, parts);
    planes.each_ref().map(Vec::as_slice)
}

#[cfg(not(target_arch = "x86_64"))]
impl Across {
    pub(super) fn prepare(&mut self, _level: Level, _axis: &Axis, _samples: usize) {}

    pub(super) fn run(&mut self, _level: Level, axis: &Axis, row: &[u8], out: &mut [u8]) {
        scalar::across(row, axis, out);
    }

    pub(super) fn run_wide(&mut self, _level: Level, _row: &[u8], _out: &mut [i16]) -> bool {
        false
    }
}

/// With more rows than these, sums of the weights' lower parts could overflow.
const MOST_ROWS: usize = 1 << 12;

/// Blends rows: each byte of `out` is the weighted sum of the bytes above one another in `rows`, which holds
/// `weights.len()` rows of `out.len()` bytes.
pub(super) fn down(level: Level, rows: &[u8], weights: &[i32], out: &mut [u8]) {
    match weights.len() {
        0..=MOST_ROWS => down_few(level, rows, weights, out),
        _ => scalar::down(rows, weights, out),
    }
}

dispatch! {
    fn down_few(level: Level, rows: &[u8], weights: &[i32], out: &mut [u8]) {
        Avx512Vbmi => avx512::down,
        Avx2Fma => avx2::down,
        _ => scalar::down,
    }
}

/// Bits of the lower part of a weight. The upper part and its sign are 12 more. Both fit 16 bits, and one instruction
/// adds two such products.
const LOWER_BITS: u32 = 11;

/// The lower and the upper part of a weight.
#[inline(always)]
pub(super) fn parts(weight: i32) -> [i16; 2] {
    let lower = weight & ((1 << LOWER_BITS) - 1);
    [lower as i16, (weight >> LOWER_BITS) as i16]
}

/// Two weights in the halves of 32 bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn both(low: i16, high: i16) -> i32 {
    i32::from(low) & 0xffff | i32::from(high) << 16
}

#[cfg(test)]
mod tests;
