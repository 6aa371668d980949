//! The IDCT in plain Rust: the definition that the vector kernels must equal.

use super::super::group::{BLOCKS, COEFFICIENTS};
use super::k;

/// See [`super::group`].
pub(super) fn group(
    coefficients: &[i16; COEFFICIENTS],
    steps: &[i16; COEFFICIENTS],
    out: &mut [u8],
    stride: usize,
) {
    for lane in 0..BLOCKS {
        let mut block = [[0i16; 8]; 8];
        for (row, values) in block.iter_mut().enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                let at = row * 8 * BLOCKS + lane * 8 + column;
                *value = coefficients[at].wrapping_mul(steps[at]);
            }
        }
        let columns = transpose(block.map(|_| [0; 8]), |column, row| block[row][column]);
        let halfway = columns.map(|column| pass(column, k::SHIFTS.0));
        let rows = transpose([[0; 8]; 8], |row, column| halfway[column][row]);
        for (row, values) in rows.into_iter().enumerate() {
            let at = row * stride + lane * 8;
            for (pixel, value) in out[at..at + 8].iter_mut().zip(pass(values, k::SHIFTS.1)) {
                *pixel = (value.clamp(-128, 127) + 128) as u8;
            }
        }
    }
}

fn transpose(mut into: [[i16; 8]; 8], from: impl Fn(usize, usize) -> i16) -> [[i16; 8]; 8] {
    for (i, line) in into.iter_mut().enumerate() {
        for (j, value) in line.iter_mut().enumerate() {
            *value = from(i, j);
        }
    }
    into
}

/// One 8-point inverse DCT, descaled by `shift` and saturated to 16 bits.
fn pass(x: [i16; 8], shift: u32) -> [i16; 8] {
    let rounding = 1i32 << (shift - 1);
    let even = |sign: i16| dot(x[0], x[4], (k::ONE, k::ONE * sign)).wrapping_add(rounding);
    let inner = dot(x[2], x[6], k::EVEN_26_SUM);
    let outer = dot(x[2], x[6], k::EVEN_26_DIFFERENCE);
    let even = [
        even(1).wrapping_add(inner),
        even(-1).wrapping_add(outer),
        even(-1).wrapping_sub(outer),
        even(1).wrapping_sub(inner),
    ];
    let odd = [k::ODD_3, k::ODD_2, k::ODD_1, k::ODD_0]
        .map(|[first, second]| dot(x[1], x[3], first).wrapping_add(dot(x[5], x[7], second)));
    std::array::from_fn(|i| {
        let mirrored = i.min(7 - i);
        let sum = if i < 4 {
            even[mirrored].wrapping_add(odd[mirrored])
        } else {
            even[mirrored].wrapping_sub(odd[mirrored])
        };
        (sum >> shift).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    })
}

fn dot(a: i16, b: i16, weights: (i16, i16)) -> i32 {
    (i32::from(a) * i32::from(weights.0)).wrapping_add(i32::from(b) * i32::from(weights.1))
}
