//! Does data keep the device waiting? The same training steps with batches from the loader and with one
//! batch over and over, and the loader with nothing behind it. Saves nothing, learns nothing.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use serde::Serialize;

use crate::data::{self, Data, Input};
use crate::device;
use crate::error::TrainError;
use crate::feed::Feed;
use crate::learner::Learner;
use crate::loss::Targets;
use crate::network;
use crate::recipe::Recipe;

/// Steps before the clock runs: pools fill, pages are touched.
const WARM_UP: u64 = 2;

/// The loader alone is measured for so long, and longer if that makes fewer batches than steps.
const LOADER_ALONE: Duration = Duration::from_secs(1);

/// What was measured; rates in images per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Steps of each kind.
    pub steps: u64,
    /// Images a step.
    pub batch: u32,
    /// Training on batches from the loader.
    pub real: f64,
    /// Share of that time, 0 to 1, spent waiting for them.
    pub data_wait: f64,
    /// Training on one batch that is on the device already.
    pub cached: f64,
    /// The loader alone.
    pub loader: f64,
}

/// Measures `steps` steps of each kind, as `recipe` would train.
///
/// # Errors
/// As a training's: the recipe, the data set, a record.
pub fn measure(recipe: &Recipe, steps: NonZeroU64) -> Result<Measured, TrainError> {
    let device = device::select(&recipe.device)?.autodiff();
    let data = Data::open(recipe)?;
    let recipe = data.complete(recipe)?;
    let recipe = Recipe {
        epoch_size: NonZeroU64::MAX, // as many epochs as it takes
        ..recipe
    };
    let split = data.split(&recipe.train_split)?;
    let loader = data::train_loader(split.clone(), &recipe, loader::Cursor::START)?;
    let mut feed =
        Feed::start(loader, Input::new(&recipe, &device)).map_err(TrainError::NoThread)?;
    let model = network::build(&recipe, data.classes().len(), &device)?;
    let mut learner = Learner::new(model, &recipe);
    let steps = steps.get();

    let mut cached = next(&mut feed)?.0;
    for _ in 0..WARM_UP {
        learner = learn(learner, cached);
        cached = next(&mut feed)?.0;
    }
    let (mut images, mut waited, began) = (0, Duration::ZERO, Instant::now());
    for _ in 0..steps {
        let (batch, wait) = next(&mut feed)?;
        images += batch.0.dims()[0];
        waited += wait;
        learner = learn(learner, batch);
    }
    let took = began.elapsed().as_secs_f64();

    drop(feed); // and its loader: nothing else is to run beside what follows
    let count = cached.0.dims()[0];
    let began = Instant::now();
    for _ in 0..steps {
        learner = learn(learner, cached.clone());
    }
    let cached_took = began.elapsed().as_secs_f64();

    let mut loader = data::train_loader(split, &recipe, loader::Cursor::START)?;
    for _ in 0..WARM_UP {
        loader.next().ok_or(TrainError::NoBatch)??;
    }
    // Long enough for what was ready before the clock ran to count for little.
    let (mut loaded, mut batches, began) = (0, 0, Instant::now());
    while batches < steps || began.elapsed() < LOADER_ALONE {
        loaded += loader.next().ok_or(TrainError::NoBatch)??.len();
        batches += 1;
    }
    let loader_took = began.elapsed().as_secs_f64();
    Ok(Measured {
        steps,
        batch: recipe.batch_size.get(),
        real: images as f64 / took,
        data_wait: waited.as_secs_f64() / took,
        cached: (count as u64 * steps) as f64 / cached_took,
        loader: loaded as f64 / loader_took,
    })
}

type OnDevice = (Tensor<4>, Targets);

/// The next batch, and how long it was waited for.
fn next(feed: &mut Feed) -> Result<(OnDevice, Duration), TrainError> {
    let fed = feed.next().ok_or(TrainError::NoBatch)??;
    let batch = fed.on_device.ok_or(TrainError::NoBatch)?;
    Ok((batch, fed.waited))
}

/// A step at a learning rate of 0, so that no number of steps ruins the weights.
fn learn(learner: Learner, (images, targets): OnDevice) -> Learner {
    learner.step(images, &targets, 0.0).0
}
