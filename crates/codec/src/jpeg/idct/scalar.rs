//! The IDCT in plain Rust. The vector kernels must equal it.
//!
//! It works on rows of eight lanes, which compilers turn into vectors as wide as the processor has.

use super::super::group::{BLOCKS, COEFFICIENTS};
use super::k;

/// A row of a block, or the same row of eight columns.
type Row = [i16; 8];

/// See [`super::group`].
pub(super) fn group(
    coefficients: &[i16; COEFFICIENTS],
    steps: &[i16; COEFFICIENTS],
    out: &mut [u8],
    stride: usize,
) {
    for lane in 0..BLOCKS {
        let mut rows = [[0; 8]; 8];
        for (row, values) in rows.iter_mut().enumerate() {
            let at = (row * BLOCKS + lane) * 8;
            let pairs = coefficients[at..at + 8].iter().zip(&steps[at..at + 8]);
            for (value, (coefficient, step)) in values.iter_mut().zip(pairs) {
                *value = coefficient.wrapping_mul(*step);
            }
        }
        let halfway = pass::<{ k::SHIFTS.0 }>(&rows);
        let rows = transpose(&pass::<{ k::SHIFTS.1 }>(&transpose(&halfway)));
        for (row, values) in rows.iter().enumerate() {
            let at = row * stride + lane * 8;
            for (pixel, value) in out[at..at + 8].iter_mut().zip(values) {
                *pixel = ((*value).clamp(-128, 127) + 128) as u8;
            }
        }
    }
}

/// The sample of every pixel in a block whose only coefficient is DC, dequantised.
#[inline(always)]
pub(super) fn gray(dc: i16) -> u8 {
    let scaled = |value: i16| i32::from(value) * i32::from(k::ONE);
    let halfway = descale::<{ k::SHIFTS.0 }>(scaled(dc) + (1 << (k::SHIFTS.0 - 1)));
    let value = descale::<{ k::SHIFTS.1 }>(scaled(halfway) + (1 << (k::SHIFTS.1 - 1)));
    (value.clamp(-128, 127) + 128) as u8
}

fn transpose(from: &[Row; 8]) -> [Row; 8] {
    std::array::from_fn(|row| std::array::from_fn(|column| from[column][row]))
}

/// One 8-point inverse DCT down the rows, in every lane, descaled by `SHIFT` and saturated to 16 bits.
#[inline(never)]
fn pass<const SHIFT: u32>(x: &[Row; 8]) -> [Row; 8] {
    let mut out = [[0; 8]; 8];
    for lane in 0..8 {
        let x = |row: usize| x[row][lane];
        let rounding = 1i32 << (SHIFT - 1);
        let even = |sign: i16| dot(x(0), x(4), (k::ONE, k::ONE * sign)).wrapping_add(rounding);
        let inner = dot(x(2), x(6), k::EVEN_26_SUM);
        let outer = dot(x(2), x(6), k::EVEN_26_DIFFERENCE);
        let even = [
            even(1).wrapping_add(inner),
            even(-1).wrapping_add(outer),
            even(-1).wrapping_sub(outer),
            even(1).wrapping_sub(inner),
        ];
        let odd = [k::ODD_3, k::ODD_2, k::ODD_1, k::ODD_0]
            .map(|[first, second]| dot(x(1), x(3), first).wrapping_add(dot(x(5), x(7), second)));
        for i in 0..4 {
            out[i][lane] = descale::<SHIFT>(even[i].wrapping_add(odd[i]));
            out[7 - i][lane] = descale::<SHIFT>(even[i].wrapping_sub(odd[i]));
        }
    }
    out
}

fn descale<const SHIFT: u32>(sum: i32) -> i16 {
    (sum >> SHIFT).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

fn dot(a: i16, b: i16, weights: (i16, i16)) -> i32 {
    (i32::from(a) * i32::from(weights.0)).wrapping_add(i32::from(b) * i32::from(weights.1))
}
