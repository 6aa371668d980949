//! Affine maps: where each pixel is read. `warp` does the reading.

use super::chain::Frame;

/// Pixel (x, y) is read at (a x + b y + c, d x + e y + f). The centre of a pixel is half a unit in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine(pub(super) [f64; 6]);

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

/// Rounds a number of at most 1 to 15 decimals, as Python's `round` does. The product's rounding error is taken into
/// account; without it, some numbers would look like ties that are not.
fn to_15_decimals(value: f64) -> f64 {
    const SCALE: f64 = 1e15;
    let scaled = value * SCALE;
    let error = value.mul_add(SCALE, -scaled);
    let below = scaled.floor();
    let rest = (scaled - below) + error;
    (if rest > 0.5 { below + 1.0 } else { below }) / SCALE
}
