//! What happens to each image, and in which form the batch holds it. This file has only the settings; `image` applies
//! them.

use augment::{ColorJitter, Filter, Normalize, Policy, RandomErasing, RandomResizedCrop, Warp};
use serde::{Deserialize, Serialize};

/// What happens to each decoded image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Preprocess {
    /// Random augmentation, drawn separately for each (seed, epoch, position).
    Train(Train),
    /// The short side is scaled to `size / crop_pct`, rounded down, and the centre is cut out. See
    /// [`augment::EvalCrop`].
    Eval {
        /// Share of the scaled short side that is kept, above 0 and at most 1.
        crop_pct: f64,
        /// The resampling filter.
        filter: Filter,
    },
}

/// What happens to a training image, in the order of the fields. The default is how every Inception was trained: a
/// random resized crop, bilinear scaling, a horizontal flip half of the time, and nothing else.
#[derive(Clone, Debug)]
pub struct Train {
    /// How the crop is drawn.
    pub crop: RandomResizedCrop,
    /// The filter that scales the crop.
    pub filter: Filter,
    /// Probability of a horizontal flip, 0 to 1.
    pub hflip: f64,
    /// Probability of a vertical flip, 0 to 1.
    pub vflip: f64,
    /// Colour jitter, if wanted.
    pub jitter: Option<ColorJitter>,
    /// Automatic augmentation, if wanted. `"randaug-m9-n2".parse()` makes one.
    pub policy: Option<Policy>,
    /// How the policy's shears, translations and rotations read pixels.
    pub warp: Warp,
    /// Random erasing, if wanted.
    pub erase: Option<Erase>,
    /// Augmentation splits (Hendrycks et al. 2020, AugMix): each image is delivered [`VIEWS`] times with
    /// the same crop and flip. The first view has no jitter and no policy, the other two each draw
    /// a policy. Erasing is drawn for each view.
    pub splits: bool,
}

/// The number of views of an image with augmentation splits: a clean one and two augmented ones.
pub const VIEWS: usize = 3;

impl Preprocess {
    /// The number of images that a record becomes: 1, or [`VIEWS`].
    pub fn views(&self) -> usize {
        match self {
            Preprocess::Train(Train { splits: true, .. }) => VIEWS,
            Preprocess::Train(_) | Preprocess::Eval { .. } => 1,
        }
    }
}

impl Default for Train {
    fn default() -> Self {
        Train {
            crop: RandomResizedCrop::default(),
            filter: Filter::Bilinear,
            hflip: 0.5,
            vflip: 0.0,
            jitter: None,
            policy: None,
            warp: Warp::default(),
            erase: None,
            splits: false,
        }
    }
}

/// Random erasing, and the colour that it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erase {
    /// How often, and where.
    pub erasing: RandomErasing,
    /// The fill colour. [`Normalize::rounded_mean`] becomes 0 after normalisation.
    pub fill: [u8; 3],
}

/// How exactly images are decoded and scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    /// The fastest way that the record allows: planes to pixels in one pass, within about one level of exact
    Fast,
    /// libjpeg-turbo with fancy upsampling, then Pillow's arithmetic: what published weights are validated with
    Exact,
}

/// How the pixels of a batch are delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// Bytes, `[batch, row, column, channel]`. A quarter of the size of floats. Normalise on the device.
    U8Nhwc,
    /// Normalised floats, `[batch, channel, row, column]`.
    F32Nchw(Normalize),
}

/// What to do with a record that is damaged or cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// [`Loader::next`](crate::Loader::next) returns the error.
    Fail,
    /// The batch is delivered without the record. The record is counted and named.
    Skip,
}
