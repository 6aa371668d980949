//! The number formats in which an operation computes. Not a policy: which layer computes in what is
//! its user's to say.

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

/// In what [`conv_bn_relu`](crate::conv_bn_relu) computes. Sums are always taken in f32 or better; a
/// format is what numbers are rounded to before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    /// Input, weight and output of the convolution.
    pub convolution: Format,
    /// Gamma, beta, and the batch's mean and variance. Where it is f32, batch normalisation takes the
    /// convolution's output as `output` says.
    pub normalisation: Format,
    /// What the operation gives.
    pub output: Format,
}

impl Formats {
    /// What batch normalisation takes and gives.
    #[must_use]
    pub const fn normalised(self) -> Format {
        match self.normalisation {
            Format::F32 => self.output,
            half => half,
        }
    }
}
