//! From a recipe to the settings of a loader. It opens nothing and starts nothing, and every key that concerns images
//! is used here and nowhere else.

use std::num::{NonZeroU32, NonZeroU64};

use loader::{
    AspectDraw, BatchMix, ColorJitter, Erase, LoaderConfig, LoaderError, Normalize, Policy,
    Preprocess, RandomErasing, RandomResizedCrop, Sampling, Shuffle, Train, Tuning, VIEWS, Warp,
};

use crate::{Interpolation, Recipe};

impl Recipe {
    /// The settings of a training loader, for one process, delivering bytes. The caller sets what depends on the machine:
    /// ranks, workers, slots.
    ///
    /// # Errors
    /// A value is out of range, or `auto_augment` is not a policy. Not after [`Recipe::resolve`].
    pub fn training_config(&self) -> Result<LoaderConfig, LoaderError> {
        let config = LoaderConfig::train(self.batch_size.get(), self.image_resize.get())
            .with_shuffle(match (self.shuffle, self.shuffle_window) {
                (false, _) => Shuffle::None,
                (true, None) => Shuffle::Full,
                (true, Some(window)) => Shuffle::Window(window),
            })
            .with_sampling(self.sampling()?)
            .with_drop_last(self.drop_remainder)
            .with_epochs(self.epoch_size.get())
            .with_preprocess(Preprocess::Train(self.transform()?))
            .with_mix(self.mix()?)
            .with_decode(self.decode);
        Ok(self.common(config))
    }

    /// The settings of a loader that gives every image of a split once, prepared for validation. As with
    /// [`Recipe::training_config`], the caller sets what depends on the machine.
    #[must_use]
    pub fn evaluation_config(&self) -> LoaderConfig {
        let config = LoaderConfig::evaluate(self.batch_size.get(), self.image_resize.get());
        self.common(config.with_preprocess(Preprocess::Eval {
            crop_pct: self.crop_pct,
            filter: self.interpolation.filter(),
        }))
    }

    /// What training and validation have in common.
    fn common(&self, config: LoaderConfig) -> LoaderConfig {
        let readahead = self.readahead;
        config
            .with_seed(self.seed)
            .with_on_error(self.on_error)
            .with_tuning(Tuning {
                readahead,
                ..Tuning::default()
            })
    }

    /// Mean and standard deviation.
    ///
    /// # Errors
    /// A standard deviation is 0, or a value is not finite.
    pub fn normalize(&self) -> Result<Normalize, LoaderError> {
        Ok(Normalize::new(self.mean, self.std)?)
    }

    /// How training images are prepared, in words for a report.
    #[must_use]
    pub fn describe_training(&self) -> String {
        let mut words = vec![format!(
            "random resized crop ({}-{}, {}-{}), {}",
            self.scale[0],
            self.scale[1],
            self.ratio[0],
            self.ratio[1],
            self.interpolation.words(),
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

    /// How validation images are prepared, in words for a report.
    #[must_use]
    pub fn describe_evaluation(&self) -> String {
        format!(
            "short side scaled, centre crop ({}), {}",
            self.crop_pct,
            self.interpolation.words()
        )
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
        // MindCV leaves out the jitter when there is a policy.
        let jitter = match (self.color_jitter, policy) {
            (Some([brightness, contrast, saturation]), None) => {
                Some(ColorJitter::new(brightness, contrast, saturation)?)
            }
            _ => None,
        };
        // Beyond the image lies the mean, which is 0 after normalisation. By default erasing leaves it too.
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
            // MindCV and timm warp with the filter that they scale with. There is no cubic one here.
            warp: Warp {
                interpolation: match self.interpolation {
                    Interpolation::Nearest => loader::Interpolation::Nearest,
                    Interpolation::Bilinear
                    | Interpolation::Bicubic
                    | Interpolation::PlainBilinear => loader::Interpolation::Bilinear,
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

fn refused(what: &'static str, value: impl ToString, fix: &'static str) -> LoaderError {
    LoaderError::Config {
        what,
        value: value.to_string(),
        fix,
    }
}
