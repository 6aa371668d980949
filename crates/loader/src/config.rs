//! The settings of a loader: [`LoaderConfig`], with defaults for training and for evaluation.

use augment::{BatchMix, Filter};

use crate::{Cursor, Decode, LoaderError, OnError, Output, Preprocess, Sampling, Shuffle, Train};

/// Everything that a loader depends on, except the split.
///
/// Begin with [`LoaderConfig::train`] or [`LoaderConfig::evaluate`] and change what you need:
///
/// ```
/// use imshard_loader::{LoaderConfig, Output, Normalize, Preprocess, Train};
///
/// let config = LoaderConfig::train(256, 299)
///     .with_epochs(90)
///     .with_seed(42)
///     .with_output(Output::F32Nchw(Normalize::default()))
///     .with_preprocess(Preprocess::Train(Train {
///         policy: Some("randaug-m9-n2".parse()?),
///         ..Train::default()
///     }));
/// assert_eq!(config.slots, 4);
/// # Ok::<(), imshard_loader::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoaderConfig {
    /// Images in a batch of this rank.
    pub batch: u32,
    /// Side of the square images, in pixels: 299 for Inception-v4.
    pub size: u32,
    /// The number of this process among `world`, from 0.
    pub rank: u32,
    /// The number of processes that share an epoch.
    pub world: u32,
    /// Worker threads. They change only the speed.
    pub workers: usize,
    /// Batches that may exist at a time, including the consumer's. They change only memory use and how steady the
    /// supply is.
    pub slots: usize,
    /// The order of the records.
    pub shuffle: Shuffle,
    /// Which records an epoch visits, and how often.
    pub sampling: Sampling,
    /// Whether each epoch leaves out the records after the last full batch of all ranks.
    pub drop_last: bool,
    /// The seed of the run. Order and augmentation of every epoch follow from it; it must be equal on
    /// all ranks.
    pub seed: u64,
    /// Where to start.
    pub start: Cursor,
    /// The epochs of the whole run, including those before `start`: the loader ends after epoch `epochs - 1`. With
    /// `u64::MAX` it never ends.
    pub epochs: u64,
    /// What happens to each image.
    pub preprocess: Preprocess,
    /// Mixup and CutMix, which blend the images of a finished batch. The consumer's thread does it.
    pub mix: Option<BatchMix>,
    /// How exactly images are decoded and scaled.
    pub decode: Decode,
    /// How the pixels are delivered.
    pub output: Output,
    /// What to do with a record that fails.
    pub on_error: OnError,
    /// How threads and the disk are used. It changes only the speed.
    pub tuning: Tuning,
}

/// Options that change only the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// How many records ahead of its use the kernel is asked to read a record (memory maps only). With 0, records are
    /// read at the page fault. Asking costs a system call per image. With a cold cache, the disk can then work on many
    /// records at a time.
    pub readahead: u64,
    /// Whether each worker is pinned to one CPU of those that the process may use, in turn. It helps on machines whose
    /// caches or memory belong to some of the CPUs. On other machines the scheduler does better.
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

impl LoaderConfig {
    /// Training: one epoch of random crops, each record once, reshuffled in each epoch, in full batches of bytes. One
    /// process, a worker for each available core, four slots.
    pub fn train(batch: u32, size: u32) -> LoaderConfig {
        LoaderConfig {
            batch,
            size,
            rank: 0,
            world: 1,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            slots: 4,
            shuffle: Shuffle::Full,
            sampling: Sampling::default(),
            drop_last: true,
            seed: 0,
            start: Cursor::START,
            epochs: 1,
            preprocess: Preprocess::Train(Train::default()),
            mix: None,
            decode: Decode::Fast,
            output: Output::U8Nhwc,
            on_error: OnError::Fail,
            tuning: Tuning::default(),
        }
    }

    /// Evaluation: every record once in the order of the shards, none left out. Images are decoded exactly and scaled
    /// bilinearly, and the crop is the centre of 87.5 % of the short side. Otherwise like [`LoaderConfig::train`].
    pub fn evaluate(batch: u32, size: u32) -> LoaderConfig {
        LoaderConfig {
            shuffle: Shuffle::None,
            drop_last: false,
            preprocess: Preprocess::Eval {
                crop_pct: 0.875,
                filter: Filter::Bilinear,
            },
            decode: Decode::Exact,
            ..LoaderConfig::train(batch, size)
        }
    }

    /// This process is number `rank`, from 0, of `world`. See [`Plan`](crate::Plan) for what each gets.
    pub fn with_rank(self, rank: u32, world: u32) -> Self {
        LoaderConfig {
            rank,
            world,
            ..self
        }
    }

    /// Worker threads, from 1.
    pub fn with_workers(self, workers: usize) -> Self {
        LoaderConfig { workers, ..self }
    }

    /// Batches that may exist at a time, from 1.
    pub fn with_slots(self, slots: usize) -> Self {
        LoaderConfig { slots, ..self }
    }

    /// The order of the records.
    pub fn with_shuffle(self, shuffle: Shuffle) -> Self {
        LoaderConfig { shuffle, ..self }
    }

    /// Which records an epoch visits, and how often.
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        LoaderConfig { sampling, ..self }
    }

    /// Whether to leave out the records after the last full batch.
    pub fn with_drop_last(self, drop_last: bool) -> Self {
        LoaderConfig { drop_last, ..self }
    }

    /// The seed of the run.
    pub fn with_seed(self, seed: u64) -> Self {
        LoaderConfig { seed, ..self }
    }

    /// Where to start: the cursor of the last batch that was used, see
    /// [`Batch::next_cursor`](crate::Batch::next_cursor).
    pub fn with_start(self, start: Cursor) -> Self {
        LoaderConfig { start, ..self }
    }

    /// The epochs of the whole run.
    pub fn with_epochs(self, epochs: u64) -> Self {
        LoaderConfig { epochs, ..self }
    }

    /// What happens to each image.
    pub fn with_preprocess(self, preprocess: Preprocess) -> Self {
        LoaderConfig { preprocess, ..self }
    }

    /// Mixup and CutMix, or neither.
    pub fn with_mix(self, mix: Option<BatchMix>) -> Self {
        LoaderConfig { mix, ..self }
    }

    /// How exactly images are decoded and scaled.
    pub fn with_decode(self, decode: Decode) -> Self {
        LoaderConfig { decode, ..self }
    }

    /// How the pixels are delivered.
    pub fn with_output(self, output: Output) -> Self {
        LoaderConfig { output, ..self }
    }

    /// What to do with a record that fails.
    pub fn with_on_error(self, on_error: OnError) -> Self {
        LoaderConfig { on_error, ..self }
    }

    /// How threads and the disk are used.
    pub fn with_tuning(self, tuning: Tuning) -> Self {
        LoaderConfig { tuning, ..self }
    }

    /// Refuses settings that make an empty pipeline, or one that takes all of the system's resources. The plan checks
    /// its own numbers.
    pub(crate) fn check(&self) -> Result<(), LoaderError> {
        /// No machine has more cores, so a larger number was mistyped.
        const MOST_WORKERS: usize = 4096;
        let refused = |what, value: String, fix| Err(LoaderError::Config { what, value, fix });
        let counts = [
            (
                "the number of workers",
                self.workers,
                "at least one thread must do the work",
            ),
            (
                "the number of slots",
                self.slots,
                "there must be room for at least one batch",
            ),
            (
                "the image size",
                self.size as usize,
                "an image has at least one pixel",
            ),
        ];
        match counts.into_iter().find(|&(_, count, _)| count == 0) {
            Some((what, count, fix)) => refused(what, count.to_string(), fix),
            None if self.workers > MOST_WORKERS => refused(
                "the number of workers",
                self.workers.to_string(),
                "more than one for each core does not help, and at most 4096 are started",
            ),
            None if self.preprocess.views() > 1 && self.mix.is_some() => refused(
                "mixup or cutmix",
                "on".to_owned(),
                "the views of augmentation splits cannot be mixed: turn off one of the two",
            ),
            None => Ok(()),
        }
    }
}
