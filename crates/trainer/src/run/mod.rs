//! Training, from top to bottom: batch -> forward -> loss -> backward -> update -> log -> checkpoint.
//!
//! Everything that a step depends on (order, pixels, dropout, learning rate) is a function of the recipe and of the
//! step's number. The checkpoint holds the rest. So a run that is stopped and resumed computes the same bits as one
//! that is not.

mod epoch_end;
mod error;
mod lock;
pub mod prefetch;
mod resume;
pub mod step_timing;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use record::Split;
use tracing::{info, warn};

use crate::checkpoint::State;
use crate::data;
use crate::data::{Data, Input};
use crate::log::live_progress::{NoWatcher, Watcher};
use crate::log::metrics::{Metrics, RunLine};
use crate::log::{RunLog, StepFigures, machine};
use crate::recipe::Recipe;
use crate::step::accuracy;
use crate::step::learner::{Learner, Verdict};
use crate::step::schedule::Schedule;
use crate::{device, network};

use epoch_end::EpochEnd;
pub use error::RunError;
use lock::RunLock;
use prefetch::Prefetcher;
pub use resume::Resume;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It trained its last epoch.
    Finished,
    /// `stop` ended it. This checkpoint continues it.
    Interrupted {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// Trains as `recipe` says, from the beginning or from a checkpoint. When `stop` is set, the run finishes its
/// current step, saves a checkpoint and ends.
///
/// # Errors
/// Something is wrong with the recipe, the data set, the checkpoint or a record; or the loss becomes NaN or
/// infinite. The last checkpoint stays as it is.
pub fn train(recipe: &Recipe, resume: &Resume, stop: &AtomicBool) -> Result<Outcome, RunError> {
    train_watched(recipe, resume, stop, &mut NoWatcher)
}

/// Like [`train`], and reports its progress to `watcher`.
///
/// # Errors
/// As [`train`].
pub fn train_watched(
    recipe: &Recipe,
    resume: &Resume,
    stop: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, RunError> {
    let plain_device = device::select(&recipe.device)?;
    let device = plain_device.clone().autodiff();
    let data = Data::open(recipe)?;
    let recipe = &data.complete(recipe)?;
    let train_split = data.split(&recipe.train_split)?;
    let val_split = match recipe.val_while_train {
        true => Some(data.split(&recipe.val_split)?),
        false => None,
    };

    let _lock = RunLock::take(&recipe.ckpt_save_dir)?;
    let checkpoint = resume.find(recipe)?;
    let mut model = network::build(recipe, data.classes().len(), &device)?;
    let (mut learner, mut state, metrics);
    if let Some(checkpoint) = &checkpoint {
        resume::check(checkpoint, recipe, data.classes(), train_split.len())?;
        model = network::load(model, &checkpoint.model_path())?;
        learner = Learner::new(model, recipe);
        resume::restore(&mut learner, checkpoint, &plain_device)?;
        state = checkpoint.state().clone();
        state.recipe = recipe.clone();
        metrics = Metrics::resume(&recipe.ckpt_save_dir, &state)?;
        info!("resuming from {}", checkpoint.dir().display());
    } else {
        if let Some(weights) = &recipe.ckpt_path {
            model = network::load_to_finetune(model, weights)?;
        }
        learner = Learner::new(model, recipe);
        state = State::new(recipe, data.classes(), train_split.len());
        metrics = Metrics::create(&recipe.ckpt_save_dir, recipe.tensorboard)?;
    }

    let input = Input::new(recipe, &device);
    let loader = data::train_loader(train_split.clone(), recipe, state.cursor.at)?;
    state.steps_per_epoch = loader.steps_per_epoch();
    let schedule = Schedule::new(recipe, state.steps_per_epoch);
    let mut log = RunLog::new(metrics, recipe);
    let started = run_line(&state, &learner, val_split.as_deref());
    log.start(started, schedule.peak())?;
    let mut end = EpochEnd {
        recipe,
        val_split,
        device: &plain_device,
        stop,
        last_checkpoint: checkpoint.map(|checkpoint| checkpoint.dir().to_owned()),
    };
    if end.close_epoch(&mut state, &learner, &mut log, watcher)? {
        end.save(&mut state, &learner, &log)?;
    }
    let mut epoch_began = loader.stats();
    let mut batches = Prefetcher::start(loader, input).map_err(RunError::NoThread)?;
    // Counted from the batches, not from the loader's statistics, because workers run ahead of the epoch.
    let mut skipped = 0;

    loop {
        let began = Instant::now();
        let Some(batch) = batches.next() else { break };
        let batch = batch?;
        for error in &batch.skipped {
            warn!("skipped: {error}");
            skipped += 1;
        }
        let step = state.steps;
        let Some((images, targets)) = batch.on_device else {
            return Err(RunError::EmptyBatch {
                step: step + 1,
                cause: batch.skipped.into_iter().next().unwrap_or_default(),
            });
        };
        (state.cursor.at, state.epoch, state.batch) =
            (batch.next_cursor, batch.epoch + 1, batch.step + 1);

        // Dropout draws from the device's generator; this makes it a function of the step.
        device.seed(step_seed(recipe.seed, step));
        let lr = schedule.at(step);
        let result;
        (learner, result) = learner.step(images, &targets, lr);

        state.steps = step + 1;
        let progress = &mut state.progress;
        if result.verdict == Verdict::NotFinite {
            progress.nonfinite += 1;
        } else {
            progress.nonfinite = 0;
        }
        if result.loss.is_finite() {
            progress.loss_sum += f64::from(result.loss);
            progress.loss_steps += 1;
        }
        progress.train_seconds += began.elapsed().as_secs_f64();
        progress.epoch_open = state.batch == state.steps_per_epoch;
        let classes = state.classes.len();
        let scores = accuracy::first_views(result.logits, classes, targets.views());
        let correct = accuracy::top_k(&scores, &batch.labels, 1);
        let took = began.elapsed();
        let status = log.step(
            &state,
            &StepFigures {
                loss: result.loss,
                gradient_norm: result.gradient_norm,
                verdict: result.verdict,
                images: batch.labels.len(),
                correct,
                lr,
                took,
                waited: batch.waited,
            },
        );
        let status = status.map_err(|cause| end.not_logged(&state, cause))?;
        watcher.step(&status);
        if state.progress.nonfinite > recipe.nonfinite_skips {
            let key = |record: &u64| train_split.key(*record).unwrap_or_default().to_owned();
            let checkpoint = end.last_checkpoint.clone();
            return Err(RunError::Diverged {
                loss: result.loss,
                step: state.steps,
                keys: batch.records.iter().map(key).collect(),
                in_a_row: state.progress.nonfinite,
                saved: end.save(&mut state, &learner, &log)?,
                checkpoint,
            });
        }

        if state.progress.epoch_open {
            log.pipeline(&state, &batch.stats.since(&epoch_began), skipped);
            skipped = 0;
            end.close_epoch(&mut state, &learner, &mut log, watcher)?;
            epoch_began = batch.stats;
        }
        let stopping = stop.load(Ordering::Relaxed);
        if stopping || end.is_due(&state) {
            let path = end.save(&mut state, &learner, &log)?;
            if stopping {
                return Ok(Outcome::Interrupted { checkpoint: path });
            }
        }
    }
    if let Some((top1, epoch)) = state.progress.best {
        info!(
            "The best validation Top_1_Accuracy is: {:.4}% at epoch {epoch}.",
            100.0 * top1
        );
    }
    Ok(Outcome::Finished)
}

fn run_line(state: &State, learner: &Learner, val_split: Option<&Split>) -> RunLine {
    RunLine {
        step: state.steps,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        steps_per_epoch: state.steps_per_epoch,
        train_images: state.records,
        validation_images: val_split.map_or(0, Split::len),
        classes: state.classes.len(),
        trainable_parameters: learner.model().trainable_params(),
        machine: machine(),
        recipe: state.recipe.clone(),
    }
}

/// SplitMix64's finaliser over seed and step: neighbouring steps get unrelated seeds.
fn step_seed(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(step.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
