//! The Inception-v4 and Inception-ResNet networks in burn, and their weights. Knows no data set.
//!
//! The networks of Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning" (arXiv:1602.07261), laid out as in timm and MindCV, so that their
//! weights fit by name. Each network has a file that can be read next to the paper's figures:
//! [`inception_v4`], [`inception_resnet_v1`], [`inception_resnet_v2`] (timm's form) and
//! [`inception_resnet_v2_paper`].
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use imshard_inception::NetworkConfig;
//!
//! # fn main() -> Result<(), imshard_inception::ConfigError> {
//! let device = Device::flex();
//! let config = NetworkConfig { num_classes: 10, width: 0.25, blocks: [1, 1, 1], ..Default::default() };
//! let model = config.init(42, &device)?;
//! let logits = model.forward(Tensor::zeros([2, 3, 75, 75], &device)); // [2, 10]
//! assert_eq!(logits.dims(), [2, 10]);
//! # Ok(())
//! # }
//! ```
//!
//! Train on `device.autodiff()`: there BatchNorm uses the batch's statistics and dropout drops.
//! For evaluation [`Network::fold`] the model, or call `valid()` (of burn's `Module`) on it, and put
//! the images on the plain device. A clone of a model shares its running statistics with the original; the model that
//! `valid()` returns has its own.

#![forbid(unsafe_code)]

mod blocks;
mod config;
pub mod inception_resnet_v1;
pub mod inception_resnet_v2;
pub mod inception_resnet_v2_paper;
pub mod inception_v4;
mod inference;
mod init;
pub mod layers;
mod names;
mod network;
pub mod paper_resnet;
mod precision;
mod summary;
pub mod weights;

pub use config::{ConfigError, MIN_INPUT, NetworkConfig, check_input};
pub use fused_ops::{Format, upload};
pub use inference::Inference;
pub use init::Initialisation;
pub use names::{NamedMapper, NamedVisitor, Role, TensorInfo};
pub use network::{Architecture, Network, UnknownArchitecture};
pub use precision::Precision;
pub use summary::{Layer, Summary};
pub use weights::WeightsError;
