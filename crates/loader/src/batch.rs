//! A finished batch, as the consumer sees it. The workers make it.

use std::time::Duration;

use augment::{MixPlan, MixTarget};
use record::Split;

use crate::error::{Fault, SampleError};
use crate::memory::as_floats;
use crate::ring::PublishedSlot;
use crate::{Cursor, Output};

/// The pixels of a batch: `len` images, the views of an image side by side. There is one view unless
/// augmentation splits are on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Images<'a> {
    /// NHWC, RGB, 0 to 255: `[len, views, size, size, 3]`.
    U8(&'a [u8]),
    /// NCHW, RGB, normalised: `[len, views, 3, size, size]`.
    F32(&'a [f32]),
}

/// One batch, in place in its slot of the ring. Dropping it returns the slot to the workers, so drop it as soon as its
/// contents are on their way to the device.
#[derive(Debug)]
pub struct Batch<'a> {
    pub(crate) slot: PublishedSlot<'a, Note>,
    pub(crate) samples: &'a Samples,
    pub(crate) mixed: MixPlan,
    pub(crate) split: &'a Split,
    pub(crate) output: &'a Output,
    pub(crate) item_bytes: usize,
    pub(crate) views: usize,
    pub(crate) cursor: Cursor,
    pub(crate) next_cursor: Cursor,
    pub(crate) waited: Duration,
}

impl Batch<'_> {
    /// The number of images. Each counts once, whatever the number of views. It is below the batch size in the last
    /// batch of an epoch that keeps it, and if records were skipped. It can be 0, so that all ranks take the same
    /// number of steps: see [`Plan`](crate::Plan).
    pub fn len(&self) -> usize {
        self.samples.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many views of each image there are: [`VIEWS`](crate::VIEWS) with augmentation splits, else 1.
    pub fn views(&self) -> usize {
        self.views
    }

    /// The pixels, one image after the other without gaps.
    pub fn images(&self) -> Images<'_> {
        let bytes = &self.slot.bytes()[..self.len() * self.item_bytes];
        match self.output {
            Output::U8Nhwc => Images::U8(bytes),
            Output::F32Nchw(_) => Images::F32(as_floats(bytes)),
        }
    }

    /// The class index of each image. If two images were mixed, it is the class of the image that was originally here:
    /// see [`Batch::targets`].
    pub fn labels(&self) -> &[u32] {
        &self.samples.labels
    }

    /// How the images were mixed with one another; [`MixPlan::NONE`] if they were not.
    pub fn mixed(&self) -> MixPlan {
        self.mixed
    }

    /// The class of each image, the class of the one it was mixed with, and the share of the first.
    pub fn targets(&self) -> impl Iterator<Item = MixTarget> {
        self.mixed.targets(self.labels())
    }

    /// The number in the split of each image's record.
    pub fn records(&self) -> &[u64] {
        &self.samples.records
    }

    /// The position in the epoch of each image, which keys its augmentation.
    pub fn positions(&self) -> &[u64] {
        &self.samples.positions
    }

    /// The key of each image, such as `n01440764/n01440764_10026.JPEG`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.samples
            .records
            .iter()
            .map(|&record| self.split.key(record).unwrap_or_default())
    }

    /// The records that failed and are missing from this batch, with the causes. Empty unless errors are skipped.
    pub fn skipped(&self) -> &[SampleError] {
        &self.samples.skipped
    }

    /// The epoch.
    pub fn epoch(&self) -> u64 {
        self.cursor.epoch
    }

    /// The step in the epoch.
    pub fn step(&self) -> u64 {
        self.cursor.step
    }

    /// The cursor to save once this batch has been used. A loader that starts there continues after this batch.
    pub fn next_cursor(&self) -> Cursor {
        self.next_cursor
    }

    /// How long the consumer waited for this batch.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

/// A worker's report on a finished item.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) label: Result<u32, Box<Fault>>,
}

/// Data that accompanies the images, in their order. The loader keeps it for the next batch.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) labels: Vec<u32>,
    pub(crate) records: Vec<u64>,
    pub(crate) positions: Vec<u64>,
    pub(crate) skipped: Vec<SampleError>,
}

impl Samples {
    /// Takes the notes on the (position, record) pairs of `planned`, and closes the gaps that failed images left.
    pub(crate) fn gather(
        &mut self,
        slot: &mut PublishedSlot<'_, Note>,
        planned: impl Iterator<Item = (u64, u64)>,
        item_bytes: usize,
        split: &Split,
    ) {
        self.labels.clear();
        self.records.clear();
        self.positions.clear();
        self.skipped.clear();
        for (index, (position, record)) in planned.enumerate() {
            let label = slot.notes_mut()[index]
                .take()
                .map_or_else(|| Err(Box::new(Fault::WorkerLost)), |note| note.label);
            match label {
                Ok(label) => {
                    let place = self.labels.len();
                    if place != index {
                        let item = index * item_bytes..(index + 1) * item_bytes;
                        slot.bytes_mut().copy_within(item, place * item_bytes);
                    }
                    self.labels.push(label);
                    self.records.push(record);
                    self.positions.push(position);
                }
                Err(fault) => self.skipped.push(SampleError::new(split, record, *fault)),
            }
        }
    }
}
