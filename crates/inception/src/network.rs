//! All networks as one type, and their names. Each network's layers are in its own file.

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::inception_resnet_v1;
use crate::inception_resnet_v1::InceptionResNetV1;
use crate::inception_resnet_v2::InceptionResNetV2;
use crate::inception_resnet_v2_paper;
use crate::inception_resnet_v2_paper::InceptionResNetV2Paper;
use crate::inception_v4::InceptionV4;
use crate::init::Builder;

/// The networks, under timm's and MindCV's names where these exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Architecture {
    /// `inception_v4`: 42,679,816 trainable parameters.
    InceptionV4,
    /// `inception_resnet_v1`, after the paper: 22,756,328 trainable parameters.
    InceptionResNetV1,
    /// `inception_resnet_v2`, the one with published weights: 55,843,464 trainable parameters.
    InceptionResNetV2,
    /// `inception_resnet_v2_paper`, as in the paper: 32,433,928 trainable parameters.
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

    /// Whether it has residual blocks, which stochastic depth needs.
    #[must_use]
    pub const fn has_residuals(self) -> bool {
        !matches!(self, Self::InceptionV4)
    }

    /// How many A, B and C blocks the published network has, including the last block of `inception_resnet_v2`, which timm
    /// calls `block8`.
    #[must_use]
    pub const fn blocks(self) -> [usize; 3] {
        match self {
            Self::InceptionV4 => [4, 7, 3],
            Self::InceptionResNetV1 | Self::InceptionResNetV2Paper => [5, 10, 5],
            Self::InceptionResNetV2 => [10, 20, 10],
        }
    }

    /// The name of the classifier's weight and bias.
    #[must_use]
    pub const fn classifier(self) -> &'static str {
        match self {
            Self::InceptionV4 => "last_linear",
            Self::InceptionResNetV2 => "classif",
            Self::InceptionResNetV1 | Self::InceptionResNetV2Paper => "classifier",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a network; the networks are {}", Architecture::ALL.map(Architecture::as_str).join(", "))]
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

impl TryFrom<String> for Architecture {
    type Error = UnknownArchitecture;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.as_str().to_owned()
    }
}

/// A network with its weights. Made by [`NetworkConfig::init`](crate::NetworkConfig::init).
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there is one at a time, and its tensors lie on the heap
pub enum Network {
    /// Inception-v4.
    InceptionV4(InceptionV4),
    /// Inception-ResNet-v1.
    InceptionResNetV1(InceptionResNetV1),
    /// Inception-ResNet-v2 as published with weights.
    InceptionResNetV2(InceptionResNetV2),
    /// Inception-ResNet-v2 as in the paper.
    InceptionResNetV2Paper(InceptionResNetV2Paper),
}

impl Network {
    pub(crate) fn new(build: &mut Builder<'_>) -> Self {
        match build.config.architecture {
            Architecture::InceptionV4 => Self::InceptionV4(InceptionV4::new(build)),
            Architecture::InceptionResNetV1 => {
                Self::InceptionResNetV1(inception_resnet_v1::new(build))
            }
            Architecture::InceptionResNetV2 => {
                Self::InceptionResNetV2(InceptionResNetV2::new(build))
            }
            Architecture::InceptionResNetV2Paper => {
                Self::InceptionResNetV2Paper(inception_resnet_v2_paper::new(build))
            }
        }
    }

    /// Which network this is.
    #[must_use]
    pub const fn architecture(&self) -> Architecture {
        match self {
            Self::InceptionV4(_) => Architecture::InceptionV4,
            Self::InceptionResNetV1(_) => Architecture::InceptionResNetV1,
            Self::InceptionResNetV2(_) => Architecture::InceptionResNetV2,
            Self::InceptionResNetV2Paper(_) => Architecture::InceptionResNetV2Paper,
        }
    }

    pub(crate) fn bn_epsilon(&self) -> f64 {
        match self {
            Self::InceptionV4(network) => network.bn_epsilon(),
            Self::InceptionResNetV1(network) => network.bn_epsilon(),
            Self::InceptionResNetV2(network) => network.bn_epsilon(),
            Self::InceptionResNetV2Paper(network) => network.bn_epsilon(),
        }
    }

    /// Logits `[batch, classes]` of normalised images `[batch, channels, height, width]` of at least
    /// [`MIN_INPUT`](crate::MIN_INPUT) px (see [`check_input`](crate::check_input)).
    ///
    /// # Panics
    /// burn panics if the channels do not fit or the image is smaller.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_observed(images, |_, _| {})
    }

    /// Like [`forward`](Self::forward), but calls `observe` with each stage's output under timm's name (see the network's
    /// file), and last with `global_pool` (`[batch, features, 1, 1]`).
    pub fn forward_observed(
        &self,
        images: Tensor<4>,
        mut observe: impl FnMut(&str, &Tensor<4>),
    ) -> Tensor<2> {
        match self {
            Self::InceptionV4(network) => network.forward_observed(images, &mut observe),
            Self::InceptionResNetV1(network) => network.forward_observed(images, &mut observe),
            Self::InceptionResNetV2(network) => network.forward_observed(images, &mut observe),
            Self::InceptionResNetV2Paper(network) => network.forward_observed(images, &mut observe),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_back_and_unknown_ones_list_the_known() {
        for architecture in Architecture::ALL {
            assert_eq!(architecture.as_str().parse(), Ok(architecture));
            let json = serde_json::to_string(&architecture).unwrap();
            assert_eq!(json, format!("\"{architecture}\""));
            assert_eq!(
                serde_json::from_str::<Architecture>(&json).unwrap(),
                architecture
            );
        }
        let error = "inception_v3".parse::<Architecture>().unwrap_err();
        assert!(error.to_string().contains("inception_resnet_v2_paper"));
    }
}
