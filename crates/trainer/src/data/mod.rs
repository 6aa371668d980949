//! From a recipe to the splits of a data set, the loaders over them, and tensors on the device. The crate `recipe`
//! decides what a recipe's keys mean to a loader.

mod error;

use std::num::NonZeroUsize;
use std::path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use loader::{Batch, Class, Cursor, Dataset, Images, Loader, MixPlan, Split};

use crate::device;
use crate::recipe::Recipe;
use crate::step::loss::Targets;

pub use error::DataError;

/// A data set, opened according to a recipe.
#[derive(Debug)]
pub struct Data {
    dataset: Dataset,
    io: loader::Io,
}

impl Data {
    /// Opens the recipe's `data_dir`.
    ///
    /// # Errors
    /// There is no data set, or it is damaged.
    pub fn open(recipe: &Recipe) -> Result<Self, DataError> {
        Ok(Data {
            dataset: Dataset::open(&recipe.data_dir)?,
            io: recipe.io.into(),
        })
    }

    /// The classes, in the order of their labels.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.dataset.manifest().classes
    }

    /// The recipe completed from the data set: with the number of classes, and with an absolute path, so that a
    /// checkpoint finds the data set from any directory.
    ///
    /// # Errors
    /// The recipe and the data set have different numbers of classes.
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
/// The split cannot fill a batch, or a value of the recipe is out of range.
pub fn train_loader(
    split: Arc<Split>,
    recipe: &Recipe,
    start: Cursor,
) -> Result<Loader, DataError> {
    let config = recipe
        .training_config()?
        .with_workers(workers(recipe).get())
        .with_start(start);
    Ok(Loader::start(split, config)?)
}

/// Starts a loader that delivers every image of a split once, prepared for evaluation.
///
/// # Errors
/// As [`train_loader`].
pub fn evaluation_loader(split: Arc<Split>, recipe: &Recipe) -> Result<Loader, DataError> {
    let config = recipe.evaluation_config();
    let config = config.with_workers(workers(recipe).get());
    Ok(Loader::start(split, config)?)
}

/// `workers` if given; otherwise `num_parallel_workers`, limited to the cores that the device leaves.
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
    /// Uses the recipe's image size and statistics, on `device`.
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

    /// The images of a batch, with the views of each one after another, and their classes, on the device.
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
