//! The options of a build, set one by one. What the build does is in `write`.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use codec::{Originals, PixelCompression};
use imagenet::Source;

use crate::event::{Event, Watch, silent};
use crate::options::{Check, EncodingChoice, Odd, OnBad, Order, ShardSize, TablesFrom};
use crate::storage::{Scaling, Storage};

use super::write::write;
use super::{BuildError, Built};

/// A flag that nobody sets.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Packs the images of a source into a data set of shards.
///
/// All options have defaults: shards of about 256 MiB in the encoding `jpeg`, every image decoded to check it,
/// and a build that fails if any file is bad.
///
/// ```no_run
/// use imshard_builder::{Builder, EncodingChoice, OnBad};
///
/// # fn main() -> Result<(), imshard_builder::BuildError> {
/// let built = Builder::from_path("photos")?
///     .encoding(EncodingChoice::Recoded)
///     .on_bad(OnBad::Skip)
///     .write("shards")?;
/// println!("{} images in {} shards", built.records, built.shards);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is built before `write`"]
pub struct Builder<'a> {
    pub(super) source: Box<dyn Source>,
    pub(super) splits: Vec<String>,
    pub(super) shards: ShardSize,
    pub(super) order: Option<Order>,
    pub(super) seed: u64,
    pub(super) check: Check,
    pub(super) on_bad: OnBad,
    pub(super) storage: Storage,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) rebuild: bool,
    pub(super) stop: &'a AtomicBool,
    pub(super) watch: Watch<'a>,
}

impl Builder<'_> {
    /// A build of a folder of class folders, ImageNet's tars or any other layout that `imagenet::open` recognises.
    ///
    /// # Errors
    /// If no known layout is found there.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, BuildError> {
        Ok(Self::new(imagenet::open(path.as_ref())?))
    }
}

impl<'a> Builder<'a> {
    /// A build of this source, with all options at their defaults.
    pub fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            splits: Vec::new(),
            shards: ShardSize::default(),
            order: None,
            seed: 42,
            check: Check::default(),
            on_bad: OnBad::default(),
            storage: Storage::default(),
            threads: None,
            rebuild: false,
            stop: &NEVER,
            watch: &silent,
        }
    }

    /// Only these splits. Default: all that the source has; so does an empty list.
    pub fn splits(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.splits = names.into_iter().map(Into::into).collect();
        self
    }

    /// How each split is cut into shards. Default: about 256 MiB each.
    pub fn shard_size(mut self, shards: ShardSize) -> Self {
        self.shards = shards;
        self
    }

    /// The order of the records. Default: `train` is shuffled, so that reading in sequence is already mixed; other
    /// splits, and sources that are slow out of sequence, keep the order of the source.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// Which shuffled order. Default: 42.
    pub fn shuffle_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How closely each image is checked. Default: decoded.
    pub fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// What happens to bad files. Default: the build fails, and [`Built::bad`] lists them all.
    pub fn on_bad(mut self, on_bad: OnBad) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// How images are stored, all settings at once.
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// The encoding of the files that it can take. Default: `jpeg`.
    pub fn encoding(mut self, encoding: EncodingChoice) -> Self {
        self.storage.encoding = encoding;
        self
    }

    /// Where the symbol tables of the encoding `recoded` come from. Default: trained.
    pub fn tables(mut self, tables: TablesFrom) -> Self {
        self.storage.tables = tables;
        self
    }

    /// Stores progressive, arithmetic-coded and restart-interval JPEGs in baseline form, so that they decode as
    /// fast as the others. Default: as they are.
    pub fn transcode(mut self, transcode: bool) -> Self {
        self.storage.transcode = transcode;
        self
    }

    /// What happens to files that the encoding does not take. Default: stored as they are.
    pub fn odd(mut self, odd: Odd) -> Self {
        self.storage.odd = odd;
        self
    }

    /// How pixels are compressed where pixels are stored. Default: zstd level 1.
    pub fn pixels_level(mut self, level: PixelCompression) -> Self {
        self.storage.pixels_level = Some(level);
        self
    }

    /// Whether files that are transcoded or stored as pixels are stored too. Default: kept, so that an export gives
    /// them back byte for byte.
    pub fn originals(mut self, originals: Originals) -> Self {
        self.storage.drop_originals = originals == Originals::Drop;
        self
    }

    /// Scales large images down, which loses detail. Default: no.
    pub fn scale(mut self, scale: Scaling) -> Self {
        self.storage.scale = Some(scale);
        self
    }

    /// How many threads work. Default: as many as the machine has cores.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Whether a finished data set in the output directory is rebuilt where it differs. Default: no; the build
    /// fails instead.
    pub fn rebuild(mut self, rebuild: bool) -> Self {
        self.rebuild = rebuild;
        self
    }

    /// A flag that stops the build soon after it is set. Finished shards stay, and the next build continues.
    pub fn stop(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = stop;
        self
    }

    /// A callback for events, called from any thread.
    pub fn progress(mut self, watch: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        self.watch = watch;
        self
    }

    /// Builds the data set in `out`, which may be new, empty, or left by an earlier build.
    ///
    /// If [`Built::status`] is [`Status::Failed`](crate::Status::Failed) or
    /// [`Status::Interrupted`](crate::Status::Interrupted), the data set is not finished.
    ///
    /// # Errors
    /// If the options contradict each other, the source cannot be read, `out` holds something else, or a file
    /// cannot be written. Bad images are not an error: see [`Built::bad`].
    pub fn write(&self, out: impl AsRef<Path>) -> Result<Built, BuildError> {
        write(self, out.as_ref())
    }
}
