//! The arguments of `shard bench`.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use loader::Decode;
use serde::Serialize;

/// Measure the input pipeline alone: read, check, decode, crop, resize, flip, batch
///
/// The target is 3161.66 img/s, the rate at which MindCV trains Inception-v4 on eight Ascend 910*
/// cards (8 x 32 images of 299 x 299).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard bench /data/shards
  shard bench /data/shards --threads 1,2,4,8 --seconds 10 --json bench.json
  shard bench /data/shards --recipe configs/inception_v4.yaml
  shard bench /data/shards --compare jpeg,source --rounds 3
  shard bench /data/shards --cold --shuffle-window 16384
  shard bench /data/shards --split val --output f32 --json | jq .best.img_per_s")]
pub(crate) struct BenchArgs {
    /// The data set's directory
    pub(crate) dataset: PathBuf,

    /// The split to read: train with random crops, any other as in validation
    #[arg(long, value_name = "NAME", default_value = "train")]
    pub(crate) split: String,

    /// Numbers of worker threads to measure [default: 1 and all cores]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = super::threads)]
    pub(crate) threads: Vec<NonZeroUsize>,

    /// How long to measure each, in seconds
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = positive_seconds)]
    pub(crate) seconds: f64,

    /// How long to run before measuring, in seconds
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warmup: f64,

    /// Prepare images exactly as training with this recipe file does; training-only keys are ignored
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,

    /// Images per batch [default: the recipe's, or 256]
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<NonZeroU32>,

    /// Side of the output images, in pixels [default: the recipe's, or 299]
    #[arg(long, value_name = "PX", value_parser = side)]
    pub(crate) size: Option<NonZeroU32>,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = OutputKind::U8)]
    pub(crate) output: OutputKind,

    /// How exactly training images are decoded and scaled; validation images are always exact
    /// [default: the recipe's, or fast]
    #[arg(long, value_enum)]
    pub(crate) decode: Option<Decode>,

    /// Build the first images in each of these encodings and compare them; an encoding may have
    /// options of shard build behind it: 'jpeg,source,jpeg --short-side 400'
    #[arg(long, value_name = "ENCODING,…", value_delimiter = ',')]
    pub(crate) compare: Vec<String>,

    /// How many images --compare builds
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "compare", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,

    /// Where --compare builds its data sets, which it removes [default: the system's temporary directory]
    #[arg(long, value_name = "DIR", requires = "compare")]
    pub(crate) scratch: Option<PathBuf>,

    /// How many times to measure everything, in turn; medians are reported
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,

    /// Drop the shards from the page cache before each run, and read each record at most once
    #[arg(long)]
    pub(crate) cold: bool,

    /// Shuffle within windows of this many records instead of over all
    #[arg(long, value_name = "RECORDS")]
    pub(crate) shuffle_window: Option<NonZeroU64>,

    /// How many records ahead the disk is asked to read; 0 turns it off [default: the recipe's, or 64]
    #[arg(long, value_name = "RECORDS")]
    pub(crate) readahead: Option<u64>,

    /// Keep each worker on one CPU
    #[arg(long)]
    pub(crate) pin: bool,

    /// Write the report as JSON to FILE, or to standard output without FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) json: Option<PathBuf>,
}

/// The form of a batch's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutputKind {
    /// Bytes, [batch, row, column, channel], to be normalised on the device
    U8,
    /// Normalised floats, [batch, channel, row, column]
    F32,
}

fn side(text: &str) -> Result<NonZeroU32, String> {
    match text.parse::<NonZeroU32>() {
        Ok(side) if side.get() <= 4096 => Ok(side),
        _ => Err("not a number of pixels from 1 to 4096".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds between 0 and 86400".to_owned()),
    }
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    seconds(text).and_then(|seconds| match seconds > 0.0 {
        true => Ok(seconds),
        false => Err("must be more than 0".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_refused() {
        assert_eq!(positive_seconds("1.5"), Ok(1.5));
        assert!(positive_seconds("0").is_err());
        assert!(seconds("nan").is_err());
    }
}
