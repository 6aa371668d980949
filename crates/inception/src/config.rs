//! The configuration of a network, checked before anything is allocated. It is not the training recipe.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::init::{Builder, Initialisation};
use crate::network::{Architecture, Network};
use crate::precision::Precision;

/// The smallest input side, in pixels, that leaves one position before the global average pool.
pub const MIN_INPUT: usize = 75;

/// Shape and regularisation of a network. The default is Inception-v4 with MindCV's settings:
/// 42,679,816 trainable parameters; [`NetworkConfig::of`] gives the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Which of the networks.
    pub architecture: Architecture,
    /// Length of the logits; at least 1.
    pub num_classes: usize,
    /// Channels of the input image; at least 1.
    pub in_channels: usize,
    /// Probability of dropping a feature before the classifier, in `[0, 1)`. MindCV 0.2, timm 0.
    pub drop_rate: f64,
    /// Factor on every channel count of the figures, rounded to the nearest multiple of 8 and never
    /// below 8; 1.0 is the paper's network.
    pub width: f64,
    /// How many A, B and C blocks there are: [`Architecture::blocks`] in the published networks.
    pub blocks: [usize; 3],
    /// Weight of the newest batch in the running statistics, in `[0, 1]`, as in torch (MindSpore
    /// uses one minus it). MindCV 0.0003, timm 0.1.
    pub bn_momentum: f64,
    /// Added to the variance in every BatchNorm; above 0.
    pub bn_eps: f64,
    /// Factors on the residuals of the blocks A, B and C, each finite and above 0. The paper recommends
    /// 0.1 to 0.3; timm has `[0.17, 0.10, 0.20]`. Inception-v4 has no residual blocks.
    pub residual_scale: [f64; 3],
    /// Stochastic depth (Huang et al. 2016): the probability, in `[0, 1)`, that training skips the last
    /// residual block for an image. It falls in equal steps towards the first block, which has 0. Networks without
    /// residual blocks need 0.
    pub drop_path_rate: f64,
    /// How initial weights are drawn.
    pub init: Initialisation,
    /// The formats in which a training step computes. They are not part of the network, so they are not stored.
    #[serde(skip)]
    pub precision: Precision,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            architecture: Architecture::InceptionV4,
            num_classes: 1000,
            in_channels: 3,
            drop_rate: 0.2,
            width: 1.0,
            blocks: Architecture::InceptionV4.blocks(),
            bn_momentum: 3e-4,
            bn_eps: 1e-3,
            residual_scale: [0.17, 0.10, 0.20],
            drop_path_rate: 0.0,
            init: Initialisation::default(),
            precision: Precision::default(),
        }
    }
}

impl NetworkConfig {
    /// The published form of `architecture`, otherwise with MindCV's settings.
    #[must_use]
    pub fn of(architecture: Architecture) -> Self {
        Self {
            architecture,
            blocks: architecture.blocks(),
            ..Self::default()
        }
    }

    /// Builds the network with its initial weights on `device`.
    ///
    /// The weights depend only on `seed` and this configuration: they are the same on every backend and machine.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is wrong.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Network, ConfigError> {
        self.check()?;
        Ok(Network::new(&mut Builder::new(self, seed, device)))
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.num_classes == 0 {
            return Err(ConfigError::NoClasses);
        }
        if self.in_channels == 0 {
            return Err(ConfigError::NoInputChannels);
        }
        // Above 16 the channel counts serve no purpose and the weights alone exceed 40 GB.
        in_range("width", self.width, "above 0, at most 16", |w| {
            w > 0.0 && w <= 16.0
        })?;
        in_range("drop_rate", self.drop_rate, "in [0, 1)", |p| {
            (0.0..1.0).contains(&p)
        })?;
        let most = match self.architecture.has_residuals() {
            true => ("in [0, 1)", 1.0),
            false => (
                "0: Inception-v4 has no residual blocks to leave out",
                f64::MIN_POSITIVE,
            ),
        };
        in_range("drop_path_rate", self.drop_path_rate, most.0, |p| {
            (0.0..most.1).contains(&p)
        })?;
        in_range("bn_momentum", self.bn_momentum, "in [0, 1]", |m| {
            (0.0..=1.0).contains(&m)
        })?;
        for scale in self.residual_scale {
            in_range("residual_scale", scale, "above 0", above_zero)?;
        }
        in_range("bn_eps", self.bn_eps, "above 0", above_zero)
    }
}

/// Why a configuration or an input size does not give a valid network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// `num_classes` is 0.
    #[error("num_classes is 0: a classifier needs at least one class")]
    NoClasses,
    /// `in_channels` is 0.
    #[error("in_channels is 0: an image has at least one channel (3 for RGB)")]
    NoInputChannels,
    /// A number is outside its range, or NaN.
    #[error("{name} is {value}: it must be {range}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The allowed range.
        range: &'static str,
    },
    /// The image is too small for the network's five halvings.
    #[error(
        "an input of {size} px is too small: the networks need {MIN_INPUT} px or more (299 in the paper)"
    )]
    InputTooSmall {
        /// The requested side, in pixels.
        size: usize,
    },
}

/// Checks that a square input of `size` x `size` pixels survives the network's five halvings.
///
/// # Errors
/// [`ConfigError::InputTooSmall`] below [`MIN_INPUT`].
pub fn check_input(size: usize) -> Result<(), ConfigError> {
    if size < MIN_INPUT {
        return Err(ConfigError::InputTooSmall { size });
    }
    Ok(())
}

fn above_zero(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn in_range(
    name: &'static str,
    value: f64,
    range: &'static str,
    holds: impl Fn(f64) -> bool,
) -> Result<(), ConfigError> {
    if holds(value) {
        return Ok(());
    }
    Err(ConfigError::OutOfRange { name, value, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(NetworkConfig::default().check(), Ok(()));
    }

    #[test]
    fn each_setting_is_checked_and_named() {
        let ok = NetworkConfig::default;
        let cases = [
            (
                NetworkConfig {
                    num_classes: 0,
                    ..ok()
                },
                "num_classes",
            ),
            (
                NetworkConfig {
                    in_channels: 0,
                    ..ok()
                },
                "in_channels",
            ),
            (NetworkConfig { width: 0.0, ..ok() }, "width"),
            (
                NetworkConfig {
                    width: f64::NAN,
                    ..ok()
                },
                "width",
            ),
            (
                NetworkConfig {
                    width: f64::INFINITY,
                    ..ok()
                },
                "width",
            ),
            (
                NetworkConfig {
                    drop_rate: 1.0,
                    ..ok()
                },
                "drop_rate",
            ),
            (
                NetworkConfig {
                    drop_rate: -0.1,
                    ..ok()
                },
                "drop_rate",
            ),
            (
                NetworkConfig {
                    drop_path_rate: 0.1,
                    ..ok()
                },
                "drop_path_rate is 0.1: it must be 0: Inception-v4 has no residual blocks",
            ),
            (
                NetworkConfig {
                    drop_path_rate: 1.0,
                    ..NetworkConfig::of(Architecture::InceptionResNetV1)
                },
                "drop_path_rate is 1: it must be in [0, 1)",
            ),
            (
                NetworkConfig {
                    bn_momentum: 1.5,
                    ..ok()
                },
                "bn_momentum",
            ),
            (
                NetworkConfig {
                    bn_eps: 0.0,
                    ..ok()
                },
                "bn_eps",
            ),
            (
                NetworkConfig {
                    residual_scale: [0.1, 0.1, 0.0],
                    ..ok()
                },
                "residual_scale",
            ),
        ];
        for (config, name) in cases {
            let message = config.check().map_err(|e| e.to_string());
            assert!(
                message.as_ref().is_err_and(|m| m.starts_with(name)),
                "{config:?} gave {message:?}"
            );
        }
    }

    #[test]
    fn the_smallest_input_is_75_px() {
        assert_eq!(check_input(75), Ok(()));
        assert_eq!(
            check_input(74),
            Err(ConfigError::InputTooSmall { size: 74 })
        );
    }
}
