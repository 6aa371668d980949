//! The size and speed of a data set that was just built: bytes per image, and images per second from one core.
//! This is a quick look at records that are still in the page cache, and no measurement: see `shard bench`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::HumanCount;
use loader::{Loader, LoaderConfig};
use record::{Dataset, Io};
use serde::Serialize;

use crate::text;

/// How long the look takes.
const ENOUGH: Duration = Duration::from_millis(400);
/// Images per batch, small so that there are several of a small set.
const BATCH: u32 = 16;
/// Side of the crops, in pixels.
const SIDE: u32 = 299;
/// Fewer records tell nothing.
const FEW: u64 = 64;

/// A row of the table that compares encodings.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Frontier {
    /// Of the split's shard files.
    pub(crate) bytes_per_image: u64,
    /// Random crops of 299 pixels, mirrored half of the time, on one worker thread.
    pub(crate) images_per_second_per_core: u64,
    /// How many records were measured.
    pub(crate) records: u64,
}

impl Frontier {
    /// Looks at a split; `None` if it is too small.
    pub(crate) fn measure(dataset: &Path, split: &str) -> Result<Option<Self>> {
        let split = Arc::new(Dataset::open(dataset)?.split(split, Io::Map)?);
        let stored = split.len();
        if stored < FEW {
            return Ok(None);
        }
        let shards = split.shards().iter();
        let bytes: u64 = shards.map(|shard| shard.summary().bytes).sum();
        let config = LoaderConfig::train(BATCH, SIDE)
            .with_epochs(u64::MAX)
            .with_workers(1)
            .with_slots(2);
        let mut loader = Loader::start(split, config)?;
        let mut take = || -> Result<()> {
            loader.next().context("the loader ended early")??;
            Ok(())
        };
        // The first ones are made while the worker's buffers grow.
        take()?;
        take()?;
        let (started, mut images) = (Instant::now(), 0);
        while started.elapsed() < ENOUGH {
            take()?;
            images += u64::from(BATCH);
        }
        let rate = images as f64 / started.elapsed().as_secs_f64();
        Ok(Some(Self {
            bytes_per_image: bytes / stored,
            images_per_second_per_core: rate.round() as u64,
            records: images.min(stored),
        }))
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{} per image, about {} random crops of 299 px per second and core (measured on {} records)",
            text::bytes(self.bytes_per_image),
            HumanCount(self.images_per_second_per_core),
            HumanCount(self.records)
        )
    }
}
