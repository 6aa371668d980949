//! From a recipe to the data set's splits, the loaders over them, and tensors. Decides nothing: it
//! says the recipe's words in the loader's.

mod error;

use std::num::NonZeroUsize;
use std::path;
use std::sync::Arc;

use augment::MixPlan;
use burn::tensor::{Device, Tensor, TensorData};
use loader::{
    Batch, Cursor, Decode, Images, Loader, LoaderConfig, LoaderRecipe, Output, Preprocess,
    Sampling, Shuffle, Tuning,
};
use record::{Class, Dataset, Split};

use crate::device;
use crate::recipe::{Io, OnError, Recipe};
use crate::step::loss::Targets;

pub use error::DataError;

/// Batches that may wait for the network, the one in use included.
const SLOTS: usize = 4;

/// A data set, opened as a recipe says.
#[derive(Debug)]
pub struct Data {
    dataset: Dataset,
    io: record::Io,
}

impl Data {
    /// Opens the recipe's `data_dir`.
    ///
    /// # Errors
    /// There is no data set, or it is damaged.
    pub fn open(recipe: &Recipe) -> Result<Self, DataError> {
        let io = match recipe.io {
            Io::Map => record::Io::Map,
            Io::Pread => record::Io::Pread,
        };
        let dataset = Dataset::open(&recipe.data_dir)?;
        Ok(Data { dataset, io })
    }

    /// The classes, in the order of their labels.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.dataset.manifest().classes
    }

    /// The recipe with what the data set decides: the number of classes, and where it lies, as an
    /// absolute path, so that a checkpoint knows it from any directory.
    ///
    /// # Errors
    /// It says another number of classes than the data set has.
    pub fn complete(&self, recipe: &Recipe) -> Result<Recipe, DataError> {
        let data_dir = path::absolute(&recipe.data_dir).unwrap_or(recipe.data_dir.clone());
        let data = self.classes().len();
        match recipe.num_classes {
            Some(network) if network.get() != data => Err(DataError::ClassCount {
                network: network.get(),
                data,
                data_dir,
            }),
            _ => Ok(Recipe {
                num_classes: NonZeroUsize::new(data),
                data_dir,
                ..recipe.clone()
            }),
        }
    }

    /// Opens a split.
    ///
    /// # Errors
    /// There is no such split, or one of its shards is missing or damaged.
    pub fn split(&self, name: &str) -> Result<Arc<Split>, DataError> {
        Ok(Arc::new(self.dataset.split(name, self.io)?))
    }
}

/// Starts a loader of training batches at `start`.
///
/// # Errors
/// The split cannot fill a batch, or the recipe's numbers make no pipeline.
pub fn train_loader(
    split: Arc<Split>,
    recipe: &Recipe,
    start: Cursor,
) -> Result<Loader, DataError> {
    let config = LoaderConfig {
        on_error: on_error(recipe),
        ..loader_recipe(recipe).train(
            start,
            recipe.epoch_size.get(),
            workers(recipe).get(),
            SLOTS,
        )?
    };
    Ok(Loader::start(split, config)?)
}

/// The loader's share of a recipe.
fn loader_recipe(recipe: &Recipe) -> LoaderRecipe {
    LoaderRecipe {
        batch_size: recipe.batch_size,
        shuffle: recipe.shuffle,
        shuffle_window: recipe.shuffle_window,
        drop_remainder: recipe.drop_remainder,
        num_samples: recipe.num_samples,
        aug_repeats: recipe.aug_repeats,
        image_resize: recipe.image_resize,
        scale: recipe.scale,
        ratio: recipe.ratio,
        interpolation: recipe.interpolation,
        hflip: recipe.hflip,
        vflip: recipe.vflip,
        color_jitter: recipe.color_jitter,
        auto_augment: recipe.auto_augment.clone(),
        aug_splits: recipe.aug_splits,
        re_prob: recipe.re_prob,
        re_scale: recipe.re_scale,
        re_ratio: recipe.re_ratio,
        re_value: recipe.re_value,
        re_max_attempts: recipe.re_max_attempts,
        mean: recipe.mean,
        std: recipe.std,
        decode: recipe.decode,
        readahead: recipe.readahead,
        mixup: recipe.mixup,
        cutmix: recipe.cutmix,
        cutmix_prob: recipe.cutmix_prob,
    }
}

/// Starts a loader that gives every image of a split once, prepared for evaluation.
///
/// # Errors
/// As [`train_loader`].
pub fn evaluation_loader(split: Arc<Split>, recipe: &Recipe) -> Result<Loader, DataError> {
    let preprocess = Preprocess::Eval {
        crop_pct: recipe.crop_pct,
        filter: recipe.interpolation.filter(),
    };
    Ok(Loader::start(split, evaluation_config(recipe, preprocess))?)
}

/// One pass in the order of the shards, nothing left out.
fn evaluation_config(recipe: &Recipe, preprocess: Preprocess) -> LoaderConfig {
    LoaderConfig {
        batch: recipe.batch_size.get(),
        size: recipe.image_resize.get(),
        rank: 0,
        world: 1,
        workers: workers(recipe).get(),
        slots: SLOTS,
        shuffle: Shuffle::None,
        sampling: Sampling::default(),
        drop_last: false,
        start: Cursor::start(recipe.seed),
        epochs: 1,
        preprocess,
        decode: Decode::Exact,
        output: Output::U8Nhwc,
        mix: None,
        on_error: on_error(recipe),
        tuning: Tuning {
            readahead: recipe.readahead,
            ..Tuning::default()
        },
    }
}

fn on_error(recipe: &Recipe) -> loader::OnError {
    match recipe.on_error {
        OnError::Fail => loader::OnError::Fail,
        OnError::Skip => loader::OnError::Skip,
    }
}

/// `workers` as given; else `num_parallel_workers`, within what the device leaves over.
pub(crate) fn workers(recipe: &Recipe) -> NonZeroUsize {
    let capped = recipe
        .num_parallel_workers
        .min(device::default_workers(&recipe.device));
    recipe.workers.unwrap_or(capped)
}

/// Makes the network's input: moves bytes to the device and normalises them there.
#[derive(Clone, Debug)]
pub struct Input {
    mean: Tensor<4>,
    std: Tensor<4>,
    size: usize,
    device: Device,
}

impl Input {
    /// For the recipe's image size and statistics, on `device`.
    #[must_use]
    pub fn new(recipe: &Recipe, device: &Device) -> Self {
        let channels = |values: [f32; 3]| {
            Tensor::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), device)
        };
        Input {
            mean: channels(recipe.mean),
            std: channels(recipe.std),
            size: recipe.image_resize.get() as usize,
            device: device.clone(),
        }
    }

    /// Packed RGB bytes `[images, size, size, 3]` as normalised floats `[images, 3, size, size]`.
    #[must_use]
    pub fn normalise(&self, pixels: &[u8]) -> Tensor<4> {
        let images = pixels.len() / (self.size * self.size * 3);
        let shape = [images, self.size, self.size, 3];
        let bytes = inception::upload::bytes(pixels, shape, &self.device);
        (bytes.permute([0, 3, 1, 2]).float() - self.mean.clone()) / self.std.clone()
    }

    /// A batch's images, all views of one after another, and what they should be taken for, on the device.
    #[must_use]
    pub fn of(&self, batch: &Batch<'_>) -> (Tensor<4>, Targets) {
        let images = match batch.images() {
            Images::U8(pixels) => self.normalise(pixels),
            Images::F32(planes) => {
                let shape = [batch.len() * batch.views(), 3, self.size, self.size];
                inception::upload::floats(planes, shape, &self.device)
            }
        };
        let targets = match batch.mixed() == MixPlan::NONE {
            true => Targets::labels(batch.labels(), &self.device).in_views(batch.views()),
            false => Targets::mixed(batch.targets(), &self.device),
        };
        (images, targets)
    }
}
