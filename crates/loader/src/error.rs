//! The errors of this crate. Each names the file and the record that it concerns, the cause, and how to fix it.

use std::fmt;
use std::path::PathBuf;

use augment::{AugmentError, FusedError, PolicyError};
use codec::CodecError;
use record::{RecordError, Split};

use crate::PlanError;

/// Why a loader cannot start or continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// These records and this batch size do not give an epoch.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A setting is out of range.
    #[error("{what} is {value}: {fix}")]
    Config {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        fix: &'static str,
    },
    /// A setting of the preprocessing is out of range.
    #[error(transparent)]
    Preprocess(#[from] AugmentError),
    /// There is no such automatic augmentation.
    #[error("auto_augment: {0}")]
    Policy(#[from] PolicyError),
    /// The cursor lies beyond the end of its epoch.
    #[error(
        "the cursor is at step {step}, but an epoch has {steps} steps: it was saved with another data set, batch size or \
         number of ranks; resume with those, or start a new run"
    )]
    Cursor {
        /// The cursor's step.
        step: u64,
        /// Steps in an epoch.
        steps: u64,
    },
    /// The batches do not fit in memory.
    #[error(
        "not enough memory for {slots} batches of {batch} images: use fewer slots or smaller batches"
    )]
    Memory {
        /// Batches in the ring.
        slots: usize,
        /// Images in a batch.
        batch: u32,
    },
    /// A decoder could not be created.
    #[error("cannot make a decoder: {0}")]
    Decoder(#[source] CodecError),
    /// A worker thread could not be started.
    #[error("cannot start a worker thread: {0}; use fewer workers, or raise the limit on threads")]
    Thread(#[source] std::io::Error),
    /// A record of this batch failed, under [`OnError::Fail`](crate::OnError::Fail). The batch is dropped. The next
    /// call continues with the following step.
    #[error("{0}; to leave out and count records that fail, skip errors")]
    Sample(#[source] Box<SampleError>),
    /// All worker threads have ended, which only a bug in this program can cause.
    #[error(
        "all worker threads ended early: this is a bug in the loader; their messages are above"
    )]
    WorkersGone,
}

/// A record that could not be turned into an image.
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
    /// It cannot be read, or its bytes differ from those that were written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Its image cannot be decoded.
    #[error(transparent)]
    Decode(#[from] CodecError),
    /// Its image cannot be cropped or scaled as asked.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// Its planes cannot be scaled as asked.
    #[error(transparent)]
    Fused(#[from] FusedError),
    /// The index and the image disagree about the size. Crops are drawn from the size in the index.
    #[error(
        "the index says {} x {} pixels, but the image has {} x {}: rebuild this shard",
        indexed.0, indexed.1, decoded.0, decoded.1
    )]
    Size {
        /// Width and height in the index.
        indexed: (u32, u32),
        /// Width and height of the image.
        decoded: (u32, u32),
    },
    /// The worker panicked on it.
    #[error(
        "panic in a worker: {0}; this is a bug in the loader, please report it with this record"
    )]
    Panic(String),
    /// The worker thread ended while it had the record.
    #[error(
        "the worker thread ended on it; this is a bug in the loader, please report it with this record"
    )]
    WorkerLost,
}

impl SampleError {
    /// Says where `record` of `split` is.
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
            // This error already begins with the file and the record.
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
