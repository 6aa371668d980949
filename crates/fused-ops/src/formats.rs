//! The number formats in which an operation computes. The caller chooses which layer uses which format.

use burn::tensor::FloatDType;

/// A format of floating-point numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16: f32's range, 8 bits of precision.
    Bf16,
    /// IEEE half precision: 11 bits of precision, nothing beyond 65504.
    F16,
}

impl Format {
    /// burn's name for it.
    #[must_use]
    pub const fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }
}

/// The formats in which [`conv_bn_relu`](crate::conv_bn_relu) computes. Sums are always computed in f32 or better; numbers
/// are rounded to a format before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    /// Input, weight and output of the convolution.
    pub convolution: Format,
    /// Gamma, beta, and the batch's mean and variance. If it is f32, batch normalisation takes the
    /// convolution's output in the format of `output`.
    pub normalisation: Format,
    /// The result of the operation.
    pub output: Format,
}

impl Formats {
    /// The input and output of batch normalisation.
    #[must_use]
    pub const fn normalised(self) -> Format {
        match self.normalisation {
            Format::F32 => self.output,
            half => half,
        }
    }
}
