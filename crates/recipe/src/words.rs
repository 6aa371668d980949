//! The words that a value can be: enums, as recipes spell them. What a word does is said where it is used.

use std::fmt;
use std::str::FromStr;

use loader::Filter;
use serde::{Deserialize, Serialize};

/// The networks, by the names that timm and MindCV give them where they have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// Inception-v4.
    #[serde(rename = "inception_v4")]
    InceptionV4,
    /// Inception-ResNet-v1, as in the paper.
    #[serde(rename = "inception_resnet_v1")]
    InceptionResNetV1,
    /// Inception-ResNet-v2, the one with published weights.
    #[serde(rename = "inception_resnet_v2")]
    InceptionResNetV2,
    /// Inception-ResNet-v2, as in the paper.
    #[serde(rename = "inception_resnet_v2_paper")]
    InceptionResNetV2Paper,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::InceptionV4,
        Self::InceptionResNetV1,
        Self::InceptionResNetV2,
        Self::InceptionResNetV2Paper,
    ];

    /// The name in recipes, checkpoints and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InceptionV4 => "inception_v4",
            Self::InceptionResNetV1 => "inception_resnet_v1",
            Self::InceptionResNetV2 => "inception_resnet_v2",
            Self::InceptionResNetV2Paper => "inception_resnet_v2_paper",
        }
    }

    /// Whether it has residual blocks, which stochastic depth can leave out.
    #[must_use]
    pub const fn has_residuals(self) -> bool {
        !matches!(self, Self::InceptionV4)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no network has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a network; there are {}", Architecture::ALL.map(Architecture::as_str).join(", "))]
pub struct UnknownArchitecture {
    name: String,
}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == name);
        found.ok_or_else(|| UnknownArchitecture {
            name: name.to_owned(),
        })
    }
}

/// How the weights of convolutions are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// MindCV's: uniform within sqrt(6 / (fan in + fan out)).
    XavierUniform,
    /// TF-slim's: normal of variance 2.6 / fan in, cut at two deviations.
    TruncatedNormal,
}

/// Resampling filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Linear, antialiased as in Pillow.
    Bilinear,
    /// Cubic, antialiased as in Pillow.
    Bicubic,
    /// The nearest pixel.
    Nearest,
    /// Linear between neighbours, without antialiasing: OpenCV's, which MindCV scales with.
    PlainBilinear,
}

impl Interpolation {
    /// The filter.
    #[must_use]
    pub fn filter(self) -> Filter {
        match self {
            Interpolation::Bilinear => Filter::Bilinear,
            Interpolation::Bicubic => Filter::Bicubic,
            Interpolation::Nearest => Filter::Nearest,
            Interpolation::PlainBilinear => Filter::PlainBilinear,
        }
    }

    /// In words, for a report.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
            Interpolation::Nearest => "nearest",
            Interpolation::PlainBilinear => "plain bilinear",
        }
    }
}

/// How shards are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Io {
    /// Through a memory map.
    Map,
    /// With positioned reads.
    Pread,
}

impl From<Io> for loader::Io {
    fn from(io: Io) -> Self {
        match io {
            Io::Map => loader::Io::Map,
            Io::Pread => loader::Io::Pread,
        }
    }
}

/// Which checkpoints are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepPolicy {
    /// The newest `keep_checkpoint_max`, and the best.
    LatestK,
    /// The `keep_checkpoint_max` with the highest top-1 accuracy, and the newest.
    TopK,
    /// All.
    None,
}

/// The optimizers. `momentum` and `sgd` both mean stochastic gradient descent with momentum.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    Momentum,
    Sgd,
    Adam,
    Adamw,
    Nadam,
    Lion,
    Rmsprop,
    Adagrad,
    Lamb,
}

/// Everything that lists the optimizers, so that a new one is added here only.
impl OptimizerName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Momentum,
        Self::Sgd,
        Self::Adam,
        Self::Adamw,
        Self::Nadam,
        Self::Lion,
        Self::Rmsprop,
        Self::Adagrad,
        Self::Lamb,
    ];

    /// As recipes spell them, in the same order.
    pub(crate) const WORDS: &'static [&'static str] = &[
        "momentum", "sgd", "adam", "adamw", "nadam", "lion", "rmsprop", "adagrad", "lamb",
    ];

    /// The help of the key `opt`.
    pub(crate) const HELP: &'static str =
        "momentum (or sgd), adam, adamw, nadam, lion, rmsprop (TensorFlow's form), adagrad, lamb";

    /// The help of the key `weight_decay`.
    pub(crate) const WEIGHT_DECAY_HELP: &'static str =
        "Weight decay: added to the gradient; decoupled in adamw, lion and lamb";

    /// The help of the key `eps`.
    pub(crate) const EPS_HELP: &'static str =
        "eps of adam, adamw, nadam, rmsprop, lamb [default: 1e-8; rmsprop 1e-10, lamb 1e-6]";
}

/// Which parameters weight decay leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightDecayFilter {
    /// None: every parameter decays.
    Disable,
    /// BatchNorm's gamma and beta.
    Auto,
    /// BatchNorm's gamma and beta, and biases.
    NormAndBias,
}

/// How the learning rate changes after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    /// It stays the same.
    Constant,
    /// Half a cosine from `lr` to `min_lr` over `decay_epochs`.
    CosineDecay,
    /// The same; MindCV has both names.
    WarmupCosineDecay,
    /// Times `decay_rate` every `decay_epochs`.
    StepDecay,
    /// Times `decay_rate` at each of `multi_step_decay_milestones`.
    MultiStepDecay,
    /// Times `decay_rate` each epoch.
    ExponentialDecay,
    /// `lr (1 - share of the run)^decay_rate`.
    PolynomialDecay,
    /// From `lr / 25` to `lr` in 30 % of the run, then down to `min_lr`, by half cosines.
    OneCycle,
    /// `num_cycles` triangles between `min_lr` and `lr`.
    Cyclic,
}

/// The losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LossName {
    /// Cross entropy.
    #[serde(rename = "CE")]
    CrossEntropy,
    /// Binary cross entropy of each class on its own.
    #[serde(rename = "BCE")]
    BinaryCrossEntropy,
    /// Cross entropy of the clean view, and the Jensen-Shannon divergence of all (AugMix).
    #[serde(rename = "JSD")]
    JensenShannon,
}

/// How the loss scale changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossScaleType {
    /// It stays the same.
    Fixed,
    /// It halves when a gradient overflows, and doubles after 2000 updates without an overflow.
    #[serde(alias = "auto")]
    Dynamic,
}

/// MindSpore's levels of mixed precision. Weights, their gradients, running statistics and the loss are f32 at every
/// level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmpLevel {
    /// All in f32.
    O0,
    /// Convolutions and the classifier in half precision; f32 between them.
    O1,
    /// All but BatchNorm in half precision. BatchNorm takes and gives half precision, but its sums, gamma and beta
    /// are f32.
    O2,
    /// BatchNorm too: gamma, beta and the statistics of a batch are rounded.
    O3,
}

/// What half precision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmpDtype {
    /// bfloat16, which has the range of f32 and needs no loss scale.
    Bf16,
    /// IEEE half precision, which MindCV uses on Ascend.
    Fp16,
}

/// The cells of MindSpore that `amp_cast_list` may name: those that compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// Convolutions.
    Conv2d,
    /// The classifier.
    Dense,
    /// BatchNorm.
    BatchNorm2d,
}

impl Cell {
    pub(crate) const ALL: [(&str, Cell); 3] = [
        ("Conv2d", Cell::Conv2d),
        ("Dense", Cell::Dense),
        ("BatchNorm2d", Cell::BatchNorm2d),
    ];
}

impl AmpLevel {
    /// Whether anything is in half precision.
    #[must_use]
    pub fn is_mixed(self) -> bool {
        self != Self::O0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimizers_are_spelled_as_the_key_table_lists_them() {
        let spelled = OptimizerName::ALL.map(|name| serde_json::json!(name));
        assert_eq!(spelled, OptimizerName::WORDS);
    }
}
