//! What a loader is told: sizes, place among the ranks, and what is to become of each image.

use augment::{
    BatchMix, ColorJitter, Filter, Normalize, Policy, RandomErasing, RandomResizedCrop, Warp,
};

use serde::{Deserialize, Serialize};

use crate::{Cursor, LoaderError, Sampling, Shuffle};

/// Everything that a loader depends on, beside the split.
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// Images in a batch of this rank.
    pub batch: u32,
    /// Side of the square images, in pixels: 299 for Inception-v4.
    pub size: u32,
    /// This process among `world`, from 0.
    pub rank: u32,
    /// How many processes share the epoch.
    pub world: u32,
    /// Worker threads; they change the speed only.
    pub workers: usize,
    /// Batches that may exist at a time, the consumer's included; they change memory and the
    /// steadiness of the supply only.
    pub slots: usize,
    /// The order of the records.
    pub shuffle: Shuffle,
    /// Which of them an epoch visits, and how often.
    pub sampling: Sampling,
    /// Whether the records beyond the last full batch of all ranks are left out of each epoch.
    pub drop_last: bool,
    /// Where to start, with the seed.
    pub start: Cursor,
    /// Epochs in the whole run, those before `start` included: the loader ends after epoch
    /// `epochs - 1`. `u64::MAX` never ends.
    pub epochs: u64,
    /// What becomes of each image.
    pub preprocess: Preprocess,
    /// Mixup and CutMix: what becomes of each finished batch. The consumer's thread does it.
    pub mix: Option<BatchMix>,
    /// How exactly images are decoded and scaled.
    pub decode: Decode,
    /// How the pixels are delivered.
    pub output: Output,
    /// What becomes of a batch with a record that fails.
    pub on_error: OnError,
    /// How threads and the disk are used; changes the speed only.
    pub tuning: Tuning,
}

/// Options that change the speed, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// How many records ahead of its use the kernel is asked to read a record (memory maps only); 0
    /// leaves reading to the page fault. Costs a system call an image; on a cold cache it lets the
    /// disk work on many records at a time.
    pub readahead: u64,
    /// Whether each worker is kept on one CPU of those that the process may use, counted round.
    /// For machines with caches or memory that belong to some CPUs; elsewhere the scheduler does
    /// better.
    pub pin: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            readahead: 64,
            pin: false,
        }
    }
}

/// What becomes of each decoded image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Preprocess {
    /// Drawn anew for each (seed, epoch, position).
    Train(Train),
    /// The short side scaled to `size / crop_pct`, rounded down, then the centre: see
    /// [`augment::EvalCrop`].
    Eval {
        /// Share of the scaled short side that is kept, above 0 to 1.
        crop_pct: f64,
        /// How it is scaled.
        filter: Filter,
    },
}

/// What becomes of a training image, in this order. By default it is what every Inception was trained
/// with: a random resized crop, bilinear, mirrored half of the time, and nothing else.
#[derive(Clone, Debug)]
pub struct Train {
    /// Where the crop lies.
    pub crop: RandomResizedCrop,
    /// How it is scaled.
    pub filter: Filter,
    /// Probability, 0 to 1, of a horizontal flip.
    pub hflip: f64,
    /// Probability, 0 to 1, of a vertical flip.
    pub vflip: f64,
    /// Colour jitter, where wanted.
    pub jitter: Option<ColorJitter>,
    /// Automatic augmentation, where wanted.
    pub policy: Option<Policy>,
    /// How the policy's shears, translations and rotations read pixels.
    pub warp: Warp,
    /// Random erasing, where wanted.
    pub erase: Option<Erase>,
    /// Augmentation splits (Hendrycks et al. 2020, AugMix): each image is delivered [`VIEWS`] times, cropped
    /// and flipped alike, first without jitter and policy, then twice with a policy drawn anew; erasing is
    /// drawn for each.
    pub splits: bool,
}

/// How many views of an image there are with augmentation splits: the clean one, and two augmented.
pub const VIEWS: usize = 3;

impl Preprocess {
    /// How many images a record becomes: 1, or [`VIEWS`].
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

/// How exactly images are decoded and scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    /// The fastest way that a record offers. From a seek-indexed JPEG, training images that are scaled
    /// bilinearly come in one pass ([`augment::FusedResampler`]), about a level
    /// from what `Exact` gives; all else is as with `Exact`.
    Fast,
    /// libjpeg-turbo with its fancy upsampling, then the filter's own arithmetic
    /// ([`augment::Resampler`]): what published checkpoints are validated with.
    Exact,
}

/// Random erasing, and with what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erase {
    /// How often and where.
    pub erasing: RandomErasing,
    /// The colour that is left: [`Normalize::rounded_mean`] is what MindCV's 0 after normalisation
    /// comes to.
    pub fill: [u8; 3],
}

/// How the pixels of a batch are delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// Bytes, NHWC: a quarter of the size of floats, to be normalised on the device.
    U8Nhwc,
    /// Normalised floats, NCHW.
    F32Nchw(Normalize),
}

/// What becomes of a batch with a record that is damaged or can't be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It is an error.
    Fail,
    /// It is delivered without that record, which is counted and named.
    Skip,
}

/// More threads than any machine has cores: a number that was mistyped, and threads that the system will not give.
const MOST_WORKERS: usize = 4096;

impl LoaderConfig {
    /// Refuses to make a pipeline of nothing, or of all that the system has. What concerns the plan is the plan's to
    /// refuse.
    pub(crate) fn check(&self) -> Result<(), LoaderError> {
        let counts = [
            (
                "the number of workers",
                self.workers,
                "at least one thread must do the work",
            ),
            (
                "the number of slots",
                self.slots,
                "at least one batch must be in the making",
            ),
            (
                "the image size",
                self.size as usize,
                "an image has at least one pixel",
            ),
        ];
        match counts.into_iter().find(|&(_, count, _)| count == 0) {
            Some((what, count, mend)) => Err(LoaderError::Config {
                what,
                value: count.to_string(),
                mend,
            }),
            None if self.workers > MOST_WORKERS => Err(LoaderError::Config {
                what: "the number of workers",
                value: self.workers.to_string(),
                mend: "one for each core is the most that helps; 4096 are the most that are started",
            }),
            None if self.preprocess.views() > 1 && self.mix.is_some() => Err(LoaderError::Config {
                what: "mixup or cutmix",
                value: "on".to_owned(),
                mend: "the views of augmentation splits cannot be mixed: turn one of them off",
            }),
            None => Ok(()),
        }
    }
}
