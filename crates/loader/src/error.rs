//! What can go wrong, each with the file and the record it concerns, its cause and its mend.

use std::fmt;
use std::path::PathBuf;

use augment::{AugmentError, FusedError, PolicyError};
use codec::CodecError;
use record::{RecordError, Split};

use crate::PlanError;

/// Why a loader can't start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// There is no plan for these records and this batch.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A number in the configuration makes no sense.
    #[error("{what} is {value}: {mend}")]
    Config {
        /// What it is.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        mend: &'static str,
    },
    /// The preprocessing can't be done.
    #[error(transparent)]
    Preprocess(#[from] AugmentError),
    /// No such automatic augmentation.
    #[error("auto_augment: {0}")]
    Policy(#[from] PolicyError),
    /// The cursor lies beyond the end of its epoch.
    #[error(
        "the cursor is at step {step} of an epoch of {steps} steps: it was saved with another data set, batch size or \
         number of ranks; resume with those, or start a new run"
    )]
    Cursor {
        /// The cursor's step.
        step: u64,
        /// Steps in an epoch.
        steps: u64,
    },
    /// The batches don't fit in memory.
    #[error("no memory for {slots} batches of {batch} images: use fewer slots or smaller batches")]
    Memory {
        /// Batches in the ring.
        slots: usize,
        /// Images in a batch.
        batch: u32,
    },
    /// A decoder couldn't be made.
    #[error("can't make a decoder: {0}")]
    Decoder(#[source] CodecError),
    /// A worker thread couldn't be started.
    #[error("can't start a worker thread: {0}; use fewer workers or raise the limit on threads")]
    Thread(#[source] std::io::Error),
    /// A record of this batch failed, under [`OnError::Fail`](crate::OnError::Fail). The batch is
    /// given up; the next call goes on with the following step.
    #[error("{0}; to leave out what fails, count it and go on, skip on errors")]
    Sample(#[source] Box<SampleError>),
    /// All worker threads are gone, which a fault of this program alone can bring about.
    #[error(
        "all worker threads ended before their work did: this is a fault of the loader; their messages are above"
    )]
    WorkersGone,
}

/// A record that couldn't be turned into an image.
#[derive(Debug)]
#[non_exhaustive]
pub struct SampleError {
    /// The shard file.
    pub shard: PathBuf,
    /// The record's number in that shard, from 0.
    pub record_in_shard: usize,
    /// The record's number in the split, from 0.
    pub record: u64,
    /// Its key, such as `n01440764/n01440764_10026.JPEG`.
    pub key: String,
    /// What went wrong.
    pub fault: Fault,
}

/// What went wrong with a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It can't be read, or its bytes aren't those that were written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Its image can't be decoded.
    #[error(transparent)]
    Decode(#[from] CodecError),
    /// Its image can't be cropped or scaled as asked.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// Its planes can't be scaled as asked.
    #[error(transparent)]
    Fused(#[from] FusedError),
    /// The index and the image disagree, so crops would be taken by a wrong size.
    #[error(
        "the index says {} x {} pixels, the image has {} x {}: rebuild this shard",
        indexed.0, indexed.1, decoded.0, decoded.1
    )]
    Size {
        /// Width and height in the index.
        indexed: (u32, u32),
        /// Width and height of the image.
        decoded: (u32, u32),
    },
    /// The worker panicked over it.
    #[error(
        "panic in the worker: {0}: this is a fault of the loader, please report it with this record"
    )]
    Panic(String),
    /// The worker thread ended while it had the record.
    #[error(
        "the worker thread ended over it: this is a fault of the loader, please report it with this record"
    )]
    WorkerLost,
}

impl SampleError {
    /// Names what `record` of `split` is called.
    pub(crate) fn new(split: &Split, record: u64, fault: Fault) -> SampleError {
        let (shard, record_in_shard) = match split.locate(record) {
            Some((shard, index)) => (shard.path().to_owned(), index),
            None => (PathBuf::from(split.name()), 0),
        };
        let key = split.key(record).unwrap_or_default().to_owned();
        SampleError {
            shard,
            record_in_shard,
            record,
            key,
            fault,
        }
    }
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            // Begins with the file and the record by itself.
            Fault::Record(error @ RecordError::RecordDamaged { .. }) => error.fmt(f),
            Fault::Record(error) => {
                write!(f, "record {} ({}): {error}", self.record_in_shard, self.key)
            }
            fault => {
                write!(
                    f,
                    "{}: record {} ({}): {fault}",
                    self.shard.display(),
                    self.record_in_shard,
                    self.key
                )
            }
        }
    }
}

impl std::error::Error for SampleError {}
