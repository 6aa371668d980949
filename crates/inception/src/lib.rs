//! Inception-v4 in burn; weights in and out. Knows no files of the data set.
//!
//! The network of Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning" (arXiv:1602.07261), laid out as timm and MindCV lay it out, so that
//! their weights fit by name. [`inception_v4`] reads beside the paper's figures 3 to 9.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use inception::InceptionV4Config;
//!
//! # fn main() -> Result<(), inception::ConfigError> {
//! let device = Device::flex();
//! let config = InceptionV4Config { num_classes: 10, width: 0.25, blocks: [1, 1, 1], ..Default::default() };
//! let model = config.init(42, &device)?;
//! let logits = model.forward(Tensor::zeros([2, 3, 75, 75], &device)); // [2, 10]
//! assert_eq!(logits.dims(), [2, 10]);
//! # Ok(())
//! # }
//! ```
//!
//! Train on `device.autodiff()`: there BatchNorm uses the batch's statistics and dropout drops.
//! For evaluation call `valid()` (of burn's `Module`) on the model and put the images on the plain
//! device. A clone of a model shares its running statistics with the original; the model that
//! `valid()` returns has its own.

#![forbid(unsafe_code)]

mod config;
pub mod inception_v4;
mod init;
pub mod layers;
mod names;
pub mod weights;

pub use config::{ConfigError, InceptionV4Config, MIN_INPUT, check_input};
pub use inception_v4::InceptionV4;
pub use names::{NamedMapper, NamedVisitor, Role, TensorInfo};
pub use weights::WeightsError;
