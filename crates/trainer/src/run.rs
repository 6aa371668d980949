//! Training, from top to bottom: batch -> forward -> loss -> backward -> update -> log -> checkpoint.
//!
//! Everything that a step depends on (order, pixels, dropout, learning rate) is a function of the
//! recipe and of the step's number, and everything else is in the checkpoint: a run that was stopped
//! and resumed computes the same bits as one that was not.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;
use record::Split;
use tracing::{info, warn};

use crate::checkpoint::{self, Contents, Retention, State};
use crate::data::{self, Data, Input};
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::feed::Feed;
use crate::learner::{Learner, Verdict};
use crate::lock::Lock;
use crate::metrics::{LogError, Metrics, RunLine};
use crate::recipe::{Recipe, evaluation_precision};
use crate::report::{Report, Step};
use crate::resume::{self, Resume};
use crate::schedule::Schedule;
use crate::watch::{Nobody, Validating, Watcher};
use crate::{device, loss, network};

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// After its last epoch.
    Finished,
    /// By `stop`; this checkpoint continues it.
    Interrupted {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// Trains as `recipe` says, from the beginning or on from a checkpoint. When `stop` is set, the step
/// at hand is finished, a checkpoint saved, and the run ends.
///
/// # Errors
/// Whatever is wrong with the recipe, the data set, the checkpoint or a record; or the loss ceases
/// to be a number. The last checkpoint is left as it is.
pub fn train(recipe: &Recipe, resume: &Resume, stop: &AtomicBool) -> Result<Outcome, TrainError> {
    train_watched(recipe, resume, stop, &mut Nobody)
}

/// As [`train`], telling `watcher` where the run stands.
///
/// # Errors
/// As [`train`].
pub fn train_watched(
    recipe: &Recipe,
    resume: &Resume,
    stop: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, TrainError> {
    let plain_device = device::select(&recipe.device)?;
    let device = plain_device.clone().autodiff();
    let data = Data::open(recipe)?;
    let recipe = &data.complete(recipe)?;
    let train_split = data.split(&recipe.train_split)?;
    let val_split = match recipe.val_while_train {
        true => Some(data.split(&recipe.val_split)?),
        false => None,
    };

    let _lock = Lock::take(&recipe.ckpt_save_dir)?;
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
    let mut report = Report::new(metrics, recipe);
    let started = run_line(&state, &learner, val_split.as_deref());
    report.start(started, schedule.peak())?;
    let mut end = Epilogue {
        recipe,
        val_split,
        device: &plain_device,
        stop,
        last_checkpoint: checkpoint.map(|checkpoint| checkpoint.dir().to_owned()),
    };
    if end.close_epoch(&mut state, &learner, &mut report, watcher)? {
        end.save(&mut state, &learner, &report)?;
    }
    let mut epoch_began = loader.stats();
    let mut feed = Feed::start(loader, input).map_err(TrainError::NoThread)?;
    // Counted from the batches, not from the loader's statistics: workers run ahead of the epoch.
    let mut skipped = 0;

    loop {
        let began = Instant::now();
        let Some(fed) = feed.next() else { break };
        let fed = fed?;
        for error in &fed.skipped {
            warn!("skipped: {error}");
            skipped += 1;
        }
        let step = state.steps;
        let Some((images, targets)) = fed.on_device else {
            return Err(TrainError::EmptyBatch {
                step: step + 1,
                cause: fed.skipped.into_iter().next().unwrap_or_default(),
            });
        };
        (state.cursor.at, state.epoch, state.batch) =
            (fed.next_cursor, fed.epoch + 1, fed.step + 1);

        // Dropout draws from the device's generator; this makes it a function of the step.
        device.seed(step_seed(recipe.seed, step));
        let lr = schedule.at(step);
        let learned;
        (learner, learned) = learner.step(images, &targets, lr);

        state.steps = step + 1;
        let progress = &mut state.progress;
        if learned.verdict == Verdict::NotFinite {
            progress.nonfinite += 1;
        } else {
            progress.nonfinite = 0;
        }
        if learned.loss.is_finite() {
            progress.loss_sum += f64::from(learned.loss);
            progress.loss_steps += 1;
        }
        progress.train_seconds += began.elapsed().as_secs_f64();
        progress.epoch_open = state.batch == state.steps_per_epoch;
        let classes = state.classes.len();
        let scores = loss::first_views(learned.logits, classes, targets.views());
        let correct = loss::top_k(&scores, &fed.labels, 1);
        let took = began.elapsed();
        let status = report.step(
            &state,
            &Step {
                loss: learned.loss,
                gradient_norm: learned.gradient_norm,
                verdict: learned.verdict,
                images: fed.labels.len(),
                correct,
                lr,
                took,
                waited: fed.waited,
            },
        );
        let status = status.map_err(|cause| end.not_logged(&state, cause))?;
        watcher.step(&status);
        if state.progress.nonfinite > recipe.nonfinite_skips {
            let key = |record: &u64| train_split.key(*record).unwrap_or_default().to_owned();
            let checkpoint = end.last_checkpoint.clone();
            return Err(TrainError::Diverged {
                loss: learned.loss,
                step: state.steps,
                keys: fed.records.iter().map(key).collect(),
                in_a_row: state.progress.nonfinite,
                saved: end.save(&mut state, &learner, &report)?,
                checkpoint,
            });
        }

        if state.progress.epoch_open {
            report.pipeline(&state, &fed.stats.since(&epoch_began), skipped);
            skipped = 0;
            end.close_epoch(&mut state, &learner, &mut report, watcher)?;
            epoch_began = fed.stats;
        }
        let stopping = stop.load(Ordering::Relaxed);
        if stopping || end.is_due(&state) {
            let path = end.save(&mut state, &learner, &report)?;
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
        machine: device::machine(),
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

/// What follows the last step of an epoch.
struct Epilogue<'a> {
    recipe: &'a Recipe,
    val_split: Option<Arc<Split>>,
    device: &'a Device,
    stop: &'a AtomicBool,
    last_checkpoint: Option<PathBuf>,
}

impl Epilogue<'_> {
    /// Validates and logs if the epoch's last step is done; says whether it did. If `stop` comes
    /// in between, the epoch stays open: a resumed run closes it first.
    fn close_epoch(
        &self,
        state: &mut State,
        learner: &Learner,
        report: &mut Report,
        watcher: &mut dyn Watcher,
    ) -> Result<bool, TrainError> {
        if !state.progress.epoch_open || self.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut evaluation = None;
        if let Some(split) = self
            .val_split
            .as_ref()
            .filter(|_| self.validates(state.epoch))
        {
            let model = learner.average().unwrap_or(learner.model());
            let model = model.fold(evaluation_precision(self.recipe));
            let mut progress = |status: &Validating| watcher.validating(status);
            let split = split.clone();
            evaluation = evaluate(
                &model,
                split,
                self.recipe,
                self.device,
                self.stop,
                &mut progress,
            )?;
            if evaluation.is_none() {
                return Ok(false);
            }
        }
        report
            .epoch(state, evaluation.as_ref())
            .map_err(|cause| self.not_logged(state, cause))?;
        let progress = &mut state.progress;
        if let Some(found) = evaluation {
            progress.last = Some((found, state.epoch));
            if progress.best.is_none_or(|(best, _)| found.top1 > best) {
                progress.best = Some((found.top1, state.epoch));
                info!("=> New best val acc: {:.4}%", 100.0 * found.top1);
            }
        }
        (progress.loss_sum, progress.loss_steps) = (0.0, 0);
        (progress.train_seconds, progress.epoch_open) = (0.0, false);
        Ok(true)
    }

    fn not_logged(&self, state: &State, cause: LogError) -> TrainError {
        TrainError::NotLogged {
            step: state.steps,
            cause,
            checkpoint: self.last_checkpoint.clone(),
        }
    }

    fn validates(&self, epoch: u64) -> bool {
        epoch.is_multiple_of(self.recipe.val_interval.get())
            || epoch == self.recipe.epoch_size.get()
    }

    fn is_due(&self, state: &State) -> bool {
        let epoch_ended = state.batch == state.steps_per_epoch;
        let by_epoch = state
            .epoch
            .is_multiple_of(self.recipe.ckpt_save_interval.get())
            || state.epoch == self.recipe.epoch_size.get();
        let by_step = self
            .recipe
            .ckpt_save_steps
            .is_some_and(|interval| state.steps.is_multiple_of(interval.get()));
        (epoch_ended && by_epoch) || by_step
    }

    fn save(
        &mut self,
        state: &mut State,
        learner: &Learner,
        report: &Report,
    ) -> Result<PathBuf, TrainError> {
        report
            .sync()
            .map_err(|cause| self.not_logged(state, cause))?;
        state.learner = learner.state();
        let contents = Contents {
            model: learner.model(),
            average: learner.average(),
            optimizer: &learner.tensors(),
        };
        let retention = Retention::new(self.recipe);
        let dir = &self.recipe.ckpt_save_dir;
        match checkpoint::save(dir, retention, state.clone(), contents) {
            Ok(path) => {
                Report::saved(&path);
                self.last_checkpoint = Some(path.clone());
                Ok(path)
            }
            Err(cause) => Err(TrainError::NotSaved {
                step: state.steps,
                cause,
                checkpoint: self.last_checkpoint.clone(),
            }),
        }
    }
}
