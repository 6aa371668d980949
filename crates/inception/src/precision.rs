//! In which number formats a network computes. Not what it is made of: weights are f32 whatever is
//! said here.

use fused_ops::{Format, Formats};

/// The formats of a training step. [`Precision::default`] is f32 throughout; in mixed precision the
/// weights of the layers named are rounded as they are used, and gradients and running statistics stay
/// f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Convolutions: their input, weight and output.
    pub convolution: Format,
    /// BatchNorm: gamma, beta and a batch's statistics. f32 even where its input is not, unless
    /// somebody insists.
    pub normalisation: Format,
    /// The classifier: its input, weight and output. Logits are given in f32.
    pub classifier: Format,
    /// What flows between the layers, through pools, concatenations and sums.
    pub activations: Format,
}

impl Precision {
    /// Of a convolution with its BatchNorm.
    pub(crate) const fn conv_bn(self) -> Formats {
        Formats {
            convolution: self.convolution,
            normalisation: self.normalisation,
            output: self.activations,
        }
    }
}
