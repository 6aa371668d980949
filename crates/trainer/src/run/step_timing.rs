//! Does the device wait for data? Times training steps on batches from the loader, the same steps on a single batch,
//! and the loader alone. It saves nothing and learns nothing.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use serde::Serialize;

use super::RunError;
use super::prefetch::Prefetcher;
use crate::data;
use crate::data::{Data, Input};
use crate::device;
use crate::network;
use crate::recipe::Recipe;
use crate::step::learner::Learner;
use crate::step::loss::Targets;

/// Steps before the clock starts: memory pools fill, pages are touched.
const WARM_UP: u64 = 2;

/// The loader alone is measured for at least this long, and for at least as many batches as there are steps.
const LOADER_ALONE: Duration = Duration::from_secs(1);

/// The measurements. Rates are in images per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepTiming {
    /// Steps of each kind.
    pub steps: u64,
    /// Images per step.
    pub batch: u32,
    /// Training on batches from the loader.
    pub real: f64,
    /// Share of that time, 0 to 1, spent waiting for them.
    pub data_wait: f64,
    /// Training on one batch that is already on the device.
    pub cached: f64,
    /// The loader alone.
    pub loader: f64,
}

/// Measures `steps` steps of each kind, trained as `recipe` says.
///
/// # Errors
/// As for a training run: the recipe, the data set or a record.
pub fn measure(recipe: &Recipe, steps: NonZeroU64) -> Result<StepTiming, RunError> {
    let device = device::select(&recipe.device)?.autodiff();
    let data = Data::open(recipe)?;
    let recipe = data.complete(recipe)?;
    let recipe = Recipe {
        epoch_size: NonZeroU64::MAX, // as many epochs as it takes
        ..recipe
    };
    let split = data.split(&recipe.train_split)?;
    let loader = data::train_loader(split.clone(), &recipe, loader::Cursor::START)?;
    let mut batches =
        Prefetcher::start(loader, Input::new(&recipe, &device)).map_err(RunError::NoThread)?;
    let model = network::build(&recipe, data.classes().len(), &device)?;
    let mut learner = Learner::new(model, &recipe);
    let steps = steps.get();

    let mut cached = next(&mut batches)?.0;
    for _ in 0..WARM_UP {
        learner = learn(learner, cached);
        cached = next(&mut batches)?.0;
    }
    let (mut images, mut waited, began) = (0, Duration::ZERO, Instant::now());
    for _ in 0..steps {
        let (batch, wait) = next(&mut batches)?;
        images += batch.0.dims()[0];
        waited += wait;
        learner = learn(learner, batch);
    }
    let took = began.elapsed().as_secs_f64();

    drop(batches); // and its loader: nothing else may run during what follows
    let images_per_batch = cached.0.dims()[0];
    let began = Instant::now();
    for _ in 0..steps {
        learner = learn(learner, cached.clone());
    }
    let cached_took = began.elapsed().as_secs_f64();

    let mut loader = data::train_loader(split, &recipe, loader::Cursor::START)?;
    for _ in 0..WARM_UP {
        loader.next().ok_or(RunError::NoBatch)??;
    }
    // Long enough that batches that were ready before the clock started hardly count.
    let (mut loaded, mut count, began) = (0, 0, Instant::now());
    while count < steps || began.elapsed() < LOADER_ALONE {
        loaded += loader.next().ok_or(RunError::NoBatch)??.len();
        count += 1;
    }
    let loader_took = began.elapsed().as_secs_f64();
    Ok(StepTiming {
        steps,
        batch: recipe.batch_size.get(),
        real: images as f64 / took,
        data_wait: waited.as_secs_f64() / took,
        cached: (images_per_batch as u64 * steps) as f64 / cached_took,
        loader: loaded as f64 / loader_took,
    })
}

type OnDevice = (Tensor<4>, Targets);

/// The next batch, and how long the wait for it took.
fn next(batches: &mut Prefetcher) -> Result<(OnDevice, Duration), RunError> {
    let next = batches.next().ok_or(RunError::NoBatch)??;
    let batch = next.on_device.ok_or(RunError::NoBatch)?;
    Ok((batch, next.waited))
}

/// A step with a learning rate of 0, so that the weights stay the same however many steps there are.
fn learn(learner: Learner, (images, targets): OnDevice) -> Learner {
    learner.step(images, &targets, 0.0).0
}
