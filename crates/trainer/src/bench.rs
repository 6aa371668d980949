//! Does data keep the device waiting? The same training steps with batches from the loader and with one
//! batch over and over, and the loader with nothing behind it. Saves nothing, learns nothing.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use loader::Loader;
use serde::Serialize;

use crate::data::{self, Data, Input};
use crate::device;
use crate::error::TrainError;
use crate::learner::Learner;
use crate::loss::Targets;
use crate::network;
use crate::recipe::Recipe;

/// Steps before the clock runs: pools fill, pages are touched.
const WARM_UP: u64 = 2;

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
    let start = loader::Cursor::start(recipe.seed);
    let mut loader = data::train_loader(split, &recipe, start)?;
    let input = Input::new(&recipe, &device);
    let model = network::build(&recipe, data.classes().len(), &device)?;
    let mut learner = Learner::new(model, &recipe);
    let steps = steps.get();

    let mut cached = None;
    for _ in 0..WARM_UP {
        let (batch, _, _) = next(&mut loader, &input)?;
        learner = learn(learner, batch.clone());
        cached = Some(batch);
    }
    let (mut images, mut waited, began) = (0, Duration::ZERO, Instant::now());
    for _ in 0..steps {
        let (batch, count, wait) = next(&mut loader, &input)?;
        learner = learn(learner, batch);
        images += count;
        waited += wait;
    }
    let took = began.elapsed().as_secs_f64();

    let Some(cached) = cached else {
        return Err(TrainError::NoBatch);
    };
    let began = Instant::now();
    let count = cached.0.dims()[0];
    for _ in 0..steps {
        learner = learn(learner, cached.clone());
    }
    let cached_took = began.elapsed().as_secs_f64();

    // The workers have filled every slot meanwhile: those are not what they can do in this time.
    for _ in 0..data::SLOTS {
        next(&mut loader, &input)?;
    }
    let (mut loaded, began) = (0, Instant::now());
    for _ in 0..steps {
        let Some(batch) = loader.next() else { break };
        loaded += batch?.len();
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

/// The next batch, the number of its images, and how long it was waited for.
fn next(loader: &mut Loader, input: &Input) -> Result<(OnDevice, usize, Duration), TrainError> {
    let batch = loader.next().ok_or(TrainError::NoBatch)??;
    let (count, waited) = (batch.len(), batch.waited());
    Ok((input.of(&batch), count, waited))
}

/// A step at a learning rate of 0, so that no number of steps ruins the weights.
fn learn(learner: Learner, (images, targets): OnDevice) -> Learner {
    learner.step(images, &targets, 0.0).0
}
