//! The inner loops: a tile of [`ROWS`] times [`PANEL`] sums of products that stay in registers while their operands
//! stream by. It is not a matrix product: the caller decides what the rows are.
//!
//! Two vectors of a panel times six broadcast values fill twelve of AVX2's sixteen registers. That gives enough
//! independent chains for two FMA units with a latency of four cycles, and more.

use pulp::Simd;

/// Rows of a tile: pixels of a convolution, channels in of its gradient by weight.
pub(super) const ROWS: usize = 6;
/// Columns of a tile: channels out.
pub(super) const PANEL: usize = 16;

/// `N` vectors that hold a panel, for each row.
pub(super) type Sums<S, const N: usize> = [[<S as Simd>::f32s; N]; ROWS];

/// Adds `rows[r][i] * panel[i][..]` to sum `r` for every `i`. The rows are as long as the panel.
#[inline(always)]
pub(super) fn add_rows<S: Simd, const N: usize>(
    simd: S,
    sums: &mut Sums<S, N>,
    rows: [&[f32]; ROWS],
    panel: &[f32],
) {
    let panel = vectors::<S, N>(panel);
    let rows = rows.map(|row| &row[..panel.len()]);
    for (at, panel) in panel.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = simd.splat_f32s(row[at]);
            for (sum, vector) in sums.iter_mut().zip(panel) {
                *sum = simd.mul_add_f32s(value, *vector, *sum);
            }
        }
    }
}

/// Adds `columns[i][r] * panel[i][..]` to sum `r` for every `i`; only every `STEP`th column is used.
#[inline(always)]
pub(super) fn add_columns<S: Simd, const N: usize, const STEP: usize>(
    simd: S,
    sums: Sums<S, N>,
    columns: &[f32],
    panel: &[f32],
) -> Sums<S, N> {
    let mut sums = sums;
    let (columns, _) = columns.as_chunks::<ROWS>();
    let (columns, _) = columns.as_chunks::<STEP>();
    for (values, panel) in columns.iter().zip(vectors::<S, N>(panel)) {
        for (sums, value) in sums.iter_mut().zip(&values[0]) {
            let value = simd.splat_f32s(*value);
            for (sum, vector) in sums.iter_mut().zip(panel) {
                *sum = simd.mul_add_f32s(value, *vector, *sum);
            }
        }
    }
    sums
}

/// Sums that start at 0.
#[inline(always)]
pub(super) fn zeros<S: Simd, const N: usize>(simd: S) -> Sums<S, N> {
    [[simd.splat_f32s(0.0); N]; ROWS]
}

/// Panels as vectors. `N` of them are one panel.
#[inline(always)]
fn vectors<S: Simd, const N: usize>(panels: &[f32]) -> &[[S::f32s; N]] {
    S::as_simd_f32s(panels).0.as_chunks().0
}

/// Writes one row of sums into the channels of a pixel, of which there may be fewer than [`PANEL`].
#[inline(always)]
pub(super) fn store<S: Simd, const N: usize>(simd: S, row: [S::f32s; N], channels: &mut [f32]) {
    let _ = simd;
    let values: &[f32] = bytemuck::cast_slice(&row);
    if let Ok(channels) = <&mut [f32; PANEL]>::try_from(&mut *channels) {
        channels.copy_from_slice(values);
    } else {
        let width = channels.len();
        channels.copy_from_slice(&values[..width]);
    }
}

/// Adds one row of sums to a panel of them.
#[inline(always)]
pub(super) fn add<S: Simd, const N: usize>(simd: S, row: [S::f32s; N], panel: &mut [f32]) {
    let (panel, _) = S::as_mut_simd_f32s(panel);
    for (total, sum) in panel.iter_mut().zip(row) {
        *total = simd.add_f32s(*total, sum);
    }
}

/// Runs `$body` with `$vectors` bound to the number of vectors that make a panel on this processor.
macro_rules! with_panel_of {
    ($simd:ty, $vectors:ident => $body:expr) => {
        match <$simd>::F32_LANES {
            16 => {
                const $vectors: usize = 1;
                $body
            }
            8 => {
                const $vectors: usize = 2;
                $body
            }
            4 => {
                const $vectors: usize = 4;
                $body
            }
            _ => {
                const $vectors: usize = 16;
                $body
            }
        }
    };
}
pub(super) use with_panel_of;
