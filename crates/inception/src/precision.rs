//! The number formats in which a network computes. Its weights are always f32.

use fused_ops::{Format, Formats};

/// The formats of a training step. [`Precision::default`] is f32 throughout. In mixed precision
/// the weights of these layers are rounded when they are used; gradients and running statistics stay f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Convolutions: their input, weight and output.
    pub convolution: Format,
    /// BatchNorm: gamma, beta and a batch's statistics. Usually f32 even if its input is
    /// not.
    pub normalisation: Format,
    /// The classifier: its input, weight and output. Logits are returned in f32.
    pub classifier: Format,
    /// The values between layers, through pools, concatenations and sums.
    pub activations: Format,
}

impl Precision {
    /// The formats of a convolution with its BatchNorm.
    pub(crate) const fn conv_bn(self) -> Formats {
        Formats {
            convolution: self.convolution,
            normalisation: self.normalisation,
            output: self.activations,
        }
    }
}
