//! The keys of a training recipe that are the loader's business, under MindCV's names, and the
//! configuration that they mean. Whoever trains and whoever measures read the same recipe here, so that
//! what is measured is what will be trained.
//!
//! It reads no file: a deserialiser gives it a map. Keys of others are not its concern.

use std::num::{NonZeroU32, NonZeroU64};

use augment::{
    AspectDraw, BatchMix, ColorJitter, Filter, Normalize, Policy, RandomErasing, RandomResizedCrop,
    Warp,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Cursor, Decode, Erase, LoaderConfig, LoaderError, OnError, Output, Preprocess, Sampling,
    Shuffle, Train, Tuning, VIEWS,
};

/// How images are prepared for training, in the words of MindCV's `train.py` (0.3.0), whose defaults these
/// are, with `shuffle_window`, `decode` and `readahead` beside them.
#[allow(missing_docs)] // MindCV's names; what each means is said where it is used below
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoaderRecipe {
    pub batch_size: NonZeroU32,
    pub shuffle: bool,
    /// Shuffle within windows of so many records, for sets larger than memory; none shuffles all.
    #[serde(deserialize_with = "optional_count")]
    pub shuffle_window: Option<NonZeroU64>,
    pub drop_remainder: bool,
    /// Images of an epoch; none takes all.
    #[serde(deserialize_with = "optional_count")]
    pub num_samples: Option<NonZeroU64>,
    /// How often an epoch visits a record; 0 and 1 turn repeated augmentation off.
    pub aug_repeats: u32,
    pub image_resize: NonZeroU32,
    pub scale: [f64; 2],
    pub ratio: [f64; 2],
    pub interpolation: Interpolation,
    pub hflip: f64,
    pub vflip: f64,
    #[serde(deserialize_with = "jitter")]
    pub color_jitter: Option<[f64; 3]>,
    #[serde(deserialize_with = "optional_word")]
    pub auto_augment: Option<String>,
    /// Views of each image, of which all but the first are augmented: 3, or 0 for no splits.
    pub aug_splits: u32,
    pub re_prob: f64,
    pub re_scale: [f64; 2],
    pub re_ratio: [f64; 2],
    /// What is left where something is erased, after normalisation: for all channels, or for each.
    #[serde(deserialize_with = "channels")]
    pub re_value: [f64; 3],
    pub re_max_attempts: NonZeroU32,
    pub mixup: f64,
    pub cutmix: f64,
    pub cutmix_prob: f64,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub decode: Decode,
    /// See [`Tuning::readahead`].
    pub readahead: u64,
}

impl Default for LoaderRecipe {
    fn default() -> Self {
        LoaderRecipe {
            batch_size: NonZeroU32::MIN.saturating_add(127),
            shuffle: true,
            shuffle_window: None,
            drop_remainder: true,
            num_samples: None,
            aug_repeats: 0,
            image_resize: NonZeroU32::MIN.saturating_add(223),
            scale: [0.08, 1.0],
            ratio: [0.75, 1.333],
            interpolation: Interpolation::Bilinear,
            hflip: 0.5,
            vflip: 0.0,
            color_jitter: Some([0.4; 3]),
            auto_augment: None,
            aug_splits: 0,
            re_prob: 0.0,
            re_scale: [0.02, 0.33],
            re_ratio: [0.3, 3.3],
            re_value: [0.0; 3],
            re_max_attempts: NonZeroU32::MIN.saturating_add(9),
            mixup: 0.0,
            cutmix: 0.0,
            cutmix_prob: 1.0,
            mean: [0.485 * 255.0, 0.456 * 255.0, 0.406 * 255.0],
            std: [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0],
            decode: Decode::Fast,
            readahead: Tuning::default().readahead,
        }
    }
}

impl LoaderRecipe {
    /// The configuration of a training loader: one rank, bytes, errors are errors. What a run adds (its
    /// rank, its output, its manners) is set on the result.
    ///
    /// # Errors
    /// A value lies outside of its range, or `auto_augment` names no policy.
    pub fn train(
        &self,
        start: Cursor,
        epochs: u64,
        workers: usize,
        slots: usize,
    ) -> Result<LoaderConfig, LoaderError> {
        Ok(LoaderConfig {
            batch: self.batch_size.get(),
            size: self.image_resize.get(),
            rank: 0,
            world: 1,
            workers,
            slots,
            shuffle: match (self.shuffle, self.shuffle_window) {
                (false, _) => Shuffle::None,
                (true, None) => Shuffle::Full,
                (true, Some(window)) => Shuffle::Window(window),
            },
            sampling: self.sampling()?,
            drop_last: self.drop_remainder,
            start,
            epochs,
            preprocess: Preprocess::Train(self.transform()?),
            mix: self.mix()?,
            decode: self.decode,
            output: Output::U8Nhwc,
            on_error: OnError::Fail,
            tuning: Tuning {
                readahead: self.readahead,
                ..Tuning::default()
            },
        })
    }

    /// Mean and standard deviation.
    ///
    /// # Errors
    /// They can't divide.
    pub fn normalize(&self) -> Result<Normalize, LoaderError> {
        Ok(Normalize::new(self.mean, self.std)?)
    }

    /// In words, for a report.
    pub fn describe(&self) -> String {
        let mut words = vec![format!(
            "random resized crop ({}-{}, {}-{}), {}",
            self.scale[0],
            self.scale[1],
            self.ratio[0],
            self.ratio[1],
            match self.interpolation {
                Interpolation::Bilinear => "bilinear",
                Interpolation::Bicubic => "bicubic",
                Interpolation::Nearest => "nearest",
                Interpolation::PlainBilinear => "plain bilinear",
            }
        )];
        let chances = [
            ("horizontal flip", self.hflip),
            ("vertical flip", self.vflip),
            ("erasing", self.re_prob),
        ];
        words.extend(
            chances
                .into_iter()
                .filter(|(_, chance)| *chance > 0.0)
                .map(|(what, chance)| format!("{what} {chance}")),
        );
        match (&self.auto_augment, self.color_jitter) {
            (Some(policy), _) => words.push(policy.clone()),
            (None, Some(_)) => words.push("colour jitter".to_owned()),
            (None, None) => {}
        }
        if self.aug_splits > 0 {
            words.push(format!("in {} views", self.aug_splits));
        }
        if self.aug_repeats > 1 {
            words.push(format!("each image {} times", self.aug_repeats));
        }
        for (what, alpha) in [("mixup", self.mixup), ("cutmix", self.cutmix)] {
            if alpha > 0.0 {
                words.push(format!("{what} {alpha}"));
            }
        }
        words.join(", ")
    }

    fn sampling(&self) -> Result<Sampling, LoaderError> {
        let repeats = NonZeroU32::new(self.aug_repeats).unwrap_or(NonZeroU32::MIN);
        if repeats.get() > 1 && self.num_samples.is_some() {
            return Err(refused(
                "num_samples",
                self.num_samples.map_or(0, NonZeroU64::get),
                "it cannot be set together with aug_repeats",
            ));
        }
        Ok(Sampling {
            repeats,
            limit: self.num_samples,
        })
    }

    fn splits(&self) -> Result<bool, LoaderError> {
        match self.aug_splits as usize {
            0 => Ok(false),
            VIEWS if self.auto_augment.is_some() => Ok(true),
            VIEWS => Err(refused(
                "aug_splits",
                self.aug_splits,
                "it needs an auto_augment, such as augmix",
            )),
            _ => Err(refused(
                "aug_splits",
                self.aug_splits,
                "it must be 3 (a clean view and two augmented ones), or 0",
            )),
        }
    }

    fn transform(&self) -> Result<Train, LoaderError> {
        let pair = |[from, to]: [f64; 2]| (from, to);
        let policy: Option<Policy> = match &self.auto_augment {
            Some(text) => Some(text.parse()?),
            None => None,
        };
        // MindCV leaves the jitter out when there is a policy.
        let jitter = match (self.color_jitter, policy) {
            (Some([brightness, contrast, saturation]), None) => {
                Some(ColorJitter::new(brightness, contrast, saturation)?)
            }
            _ => None,
        };
        // What lies beyond the image is the mean, which is 0 after normalisation; so is, by default, what is
        // erased.
        let fill = self.normalize()?.rounded_mean();
        let erased = std::array::from_fn(|channel| {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            (f64::from(mean) + self.re_value[channel] * f64::from(std)).round() as u8
        });
        let erase = match self.re_prob > 0.0 {
            true => Some(Erase {
                erasing: RandomErasing::new(self.re_prob)?
                    .with_shape(
                        pair(self.re_scale),
                        pair(self.re_ratio),
                        AspectDraw::Uniform,
                    )?
                    .with_attempts(self.re_max_attempts),
                fill: erased,
            }),
            false => None,
        };
        Ok(Train {
            crop: RandomResizedCrop::new(pair(self.scale), pair(self.ratio))?,
            filter: self.interpolation.filter(),
            hflip: self.hflip,
            vflip: self.vflip,
            jitter,
            policy,
            // MindCV and timm warp with the filter that they scale with; there is no cubic one here.
            warp: Warp {
                interpolation: match self.interpolation {
                    Interpolation::Nearest => augment::Interpolation::Nearest,
                    Interpolation::Bilinear
                    | Interpolation::Bicubic
                    | Interpolation::PlainBilinear => augment::Interpolation::Bilinear,
                },
                fill,
            },
            erase,
            splits: self.splits()?,
        })
    }

    fn mix(&self) -> Result<Option<BatchMix>, LoaderError> {
        if self.mixup == 0.0 && self.cutmix == 0.0 {
            return Ok(None);
        }
        let mix = BatchMix::new(self.mixup, self.cutmix, self.cutmix_prob)?;
        Ok(Some(mix))
    }
}

fn refused(what: &'static str, value: impl ToString, mend: &'static str) -> LoaderError {
    LoaderError::Config {
        what,
        value: value.to_string(),
        mend,
    }
}

/// Resampling filters in a recipe's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Linear, antialiased as Pillow's.
    Bilinear,
    /// Cubic, antialiased as Pillow's.
    Bicubic,
    /// The nearest pixel.
    Nearest,
    /// Linear between neighbours, not antialiased: OpenCV's, and so what MindCV itself scales with.
    PlainBilinear,
}

impl Interpolation {
    /// The filter.
    pub fn filter(self) -> Filter {
        match self {
            Interpolation::Bilinear => Filter::Bilinear,
            Interpolation::Bicubic => Filter::Bicubic,
            Interpolation::Nearest => Filter::Nearest,
            Interpolation::PlainBilinear => Filter::PlainBilinear,
        }
    }
}

/// MindCV's spellings of colour jitter: one strength for brightness, contrast and saturation, or three,
/// or none.
///
/// # Errors
/// Anything else.
pub fn jitter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[f64; 3]>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Each([f64; 3]),
        One(f64),
        Off(bool),
        Word(String),
    }
    match Option::<Written>::deserialize(deserializer)? {
        Some(Written::Each(strengths)) => Ok(Some(strengths)),
        Some(Written::One(strength)) => Ok(Some([strength; 3])),
        None | Some(Written::Off(false)) => Ok(None),
        Some(Written::Word(word)) if is_none(&word) => Ok(None),
        Some(_) => Err(serde::de::Error::custom(
            "expected a strength, three (brightness, contrast, saturation), or none",
        )),
    }
    .map(|strengths| strengths.filter(|strengths| *strengths != [0.0; 3]))
}

/// A number for all channels, or one for each.
///
/// # Errors
/// Anything else; MindSpore's `random` too.
pub fn channels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 3], D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Each([f64; 3]),
        All(f64),
    }
    match Written::deserialize(deserializer) {
        Ok(Written::Each(values)) => Ok(values),
        Ok(Written::All(value)) => Ok([value; 3]),
        Err(_) => Err(serde::de::Error::custom("expected a number, or three")),
    }
}

/// A word, or `none` in one of its spellings.
///
/// # Errors
/// It is neither.
pub fn optional_word<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Word(String),
        Off(bool),
    }
    match Option::<Written>::deserialize(deserializer)? {
        None | Some(Written::Off(false)) => Ok(None),
        Some(Written::Word(word)) if is_none(&word) => Ok(None),
        Some(Written::Word(word)) => Ok(Some(word)),
        Some(Written::Off(true)) => Err(serde::de::Error::custom("expected a name, or none")),
    }
}

/// A count from 1, or 0 or nothing for none.
///
/// # Errors
/// It is neither.
pub fn optional_count<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NonZeroU64>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.and_then(NonZeroU64::new))
}

fn is_none(word: &str) -> bool {
    word.is_empty() || word.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests;
