//! Pixel geometry and instruction levels that decoding and augmentation share.
//!
//! * [`Region`] is a rectangle of pixels, [`Plane`] the samples of one, [`Planes`] those of an image.
//! * [`Level`] says which vector instructions may be used, and [`dispatch!`] chooses a kernel by it.
//!
//! Nothing here reads, decodes or changes a pixel.
#![deny(unsafe_code)]

mod dispatch;
mod level;
mod plane;
mod region;

pub use level::{Instructions, Level, LevelKind};
pub use plane::{Plane, Planes};
pub use region::Region;
