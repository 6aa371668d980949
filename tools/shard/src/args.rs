//! The command line of `shard`, and its help texts. What the commands do is in `cmd`.
// Help texts are read in a terminal, where <class> is a placeholder and no HTML.
#![allow(rustdoc::invalid_html_tags)]

use std::num::NonZeroUsize;
use std::path::PathBuf;

use builder::{EncodingChoice, TablesFrom};
use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand};

mod bench;
mod build;
mod pixels;

pub(crate) use bench::{BenchArgs, OutputKind};
pub(crate) use build::BuildArgs;
pub(crate) use pixels::PixelArgs;

/// Packs ImageNet, or any folder of labelled images, into shards that a trainer reads at full
/// speed; verifies, inspects, converts, exports and benchmarks them.
///
/// Images are stored byte for byte: `shard export` gives the original files back.
#[derive(Debug, Parser)]
#[command(
    name = "shard",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 OK, 1 failed or damage found, 2 wrong usage; 129, 130, 143 stopped by\n\
                  SIGHUP (a lost terminal, unless under nohup), Ctrl-C, SIGTERM.\n\
                  `shard COMMAND --help` explains a command with examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Only print results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(BuildArgs),
    Verify(VerifyArgs),
    Inspect(InspectArgs),
    Export(ExportArgs),
    Convert(ConvertArgs),
    Bench(BenchArgs),
}

/// Check a data set: every header, index, record hash and byte of padding, and the manifest
///
/// Lists every fault, not just the first, and exits with 1 if there is any.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard verify /data/shards
  shard verify /data/shards --decode --json > report.json")]
pub(crate) struct VerifyArgs {
    /// The data set's directory
    pub(crate) dataset: PathBuf,

    /// Decode every image too
    #[arg(long)]
    pub(crate) decode: bool,

    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Print the faults as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show what a data set, a shard or a record holds
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard inspect /data/shards
  shard inspect /data/shards --record 0 --split val
  shard inspect /data/shards/train-00000-of-00560.shard
  shard inspect /data/shards --json | jq .num_classes")]
pub(crate) struct InspectArgs {
    /// A data set's directory, or one shard file
    #[arg(value_name = "DATASET|FILE")]
    pub(crate) path: PathBuf,

    /// Show one record, counted from 0
    #[arg(long, value_name = "K")]
    pub(crate) record: Option<u64>,

    /// The split that --record counts in [default: train, or the only one]
    #[arg(long, value_name = "NAME", requires = "record")]
    pub(crate) split: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Store the images of a data set in another lossless encoding
///
/// Writes a new data set, shard by shard. After an interruption, run the same command again: it keeps the shards
/// that are finished. Both data sets give the source files back byte for byte, unless --drop-originals is given.
/// Records whose files were dropped earlier stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard convert /data/shards --from jpeg --to recoded --out /data/recoded
  shard convert /data/recoded --to jpeg --out /data/jpeg
  shard convert /data/shards --to pixels --pixels-level stored --drop-originals --out /dev/shm/pixels")]
pub(crate) struct ConvertArgs {
    /// The data set's directory
    pub(crate) dataset: PathBuf,

    /// The directory to write: new, empty, or left by an interrupted run
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// How to store the images
    #[arg(long, value_enum)]
    pub(crate) to: EncodingChoice,

    /// Refuse a data set of another encoding than this
    #[arg(long, value_enum)]
    pub(crate) from: Option<EncodingChoice>,

    /// Source of the symbol tables for --to recoded
    #[arg(long, value_enum, default_value_t = TablesFrom::Trained)]
    pub(crate) tables: TablesFrom,

    #[command(flatten)]
    pub(crate) pixels: PixelArgs,

    /// Worker threads, each with a shard of its own [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl ConvertArgs {
    /// Options that contradict each other, in words.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let given = self.pixels.pixels_level.is_some() || self.pixels.drop_originals;
        (given && self.to != EncodingChoice::Pixels)
            .then(|| "--pixels-level and --drop-originals need --to pixels".to_owned())
    }
}

/// Write the original files, byte for byte, laid out as the source was
///
/// Class folders become OUT/train/<class>/<file>. Validation images from a flat folder become
/// OUT/val/<file> with OUT/LOC_val_solution.csv, which `shard build` can read again. Every record's
/// hash is checked before its file is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard export /data/shards --out raw
  shard export /data/shards --out raw --split val
  shard export /data/shards --record 17 --out -       > image.jpg
  shard export /data/shards --record 17 --out image.jpg")]
pub(crate) struct ExportArgs {
    /// The data set's directory
    pub(crate) dataset: PathBuf,

    /// The directory to write; with --record the file to write, or - for standard output
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,

    /// Only this split [default: all; with --record train, or the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Option<String>,

    /// Only this record, counted from 0
    #[arg(long, value_name = "K")]
    pub(crate) record: Option<u64>,

    /// Overwrite files whose contents differ
    #[arg(long)]
    pub(crate) force: bool,

    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// A limit, so that a mistyped number is reported instead of taking all memory.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    const MOST: usize = 4096;
    match text.parse::<NonZeroUsize>() {
        Ok(threads) if threads.get() <= MOST => Ok(threads),
        _ => Err(format!("not a number of threads from 1 to {MOST}")),
    }
}

fn positive_size(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size),
        Ok(_) => Err("must be more than 0".to_owned()),
        Err(_) => Err("not a size; write 64MiB, 1GiB or a number of bytes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_and_nonsense_is_refused() {
        assert_eq!(positive_size("64MiB"), Ok(ByteSize::mib(64)));
        assert!(positive_size("0").is_err());
        assert!(positive_size("many").is_err());
        assert!(threads("8").is_ok() && threads("0").is_err() && threads("100000").is_err());
    }
}
