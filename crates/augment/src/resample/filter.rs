//! The interpolation filters: their kernels and how far they reach. Computes no tables.

/// How pixels are interpolated.
///
/// The first three are Pillow's: when the image shrinks, the kernel is stretched by the scale, so that
/// every source pixel counts (antialiasing). torchvision and timm use them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The source pixel under the centre of the output pixel.
    Nearest,
    /// Triangle kernel, antialiased.
    #[default]
    Bilinear,
    /// Keys' cubic convolution with a = -1/2 (IEEE ASSP 29(6), 1981), antialiased.
    Bicubic,
    /// Between the two nearest pixels on each axis, not antialiased: OpenCV's `INTER_LINEAR`, and so
    /// MindSpore's and MindCV's bilinear.
    PlainBilinear,
}

impl Filter {
    /// How far the kernel of an antialiased filter reaches, in pixels of the coarser side.
    pub(super) fn radius(self) -> f64 {
        match self {
            Filter::Bicubic => 2.0,
            Filter::Nearest | Filter::Bilinear | Filter::PlainBilinear => 1.0,
        }
    }

    /// Value of the kernel of an antialiased filter at distance `x`.
    ///
    /// The order of operations decides the last bit of the weights. It is that of Pillow's `Resample.c`.
    pub(super) fn kernel(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Filter::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Filter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Filter::Bicubic => 0.0,
            Filter::Nearest | Filter::Bilinear | Filter::PlainBilinear => (1.0 - x).max(0.0),
        }
    }
}
