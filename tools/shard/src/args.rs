//! What can be typed, and what each word of it means to the reader of `--help`.
// Help texts are read in a terminal, where <class> is a placeholder and no HTML.
#![allow(rustdoc::invalid_html_tags)]

use std::{num::NonZeroUsize, path::PathBuf};

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::build::storing::{QUALITY, Scale, Storing};

mod bench;
mod pixels;

pub(crate) use bench::{BenchArgs, OutputKind};
pub(crate) use pixels::{Odd, PixelArgs, told as pixels_told};

/// Packs ImageNet, or any folder of labelled images, into shards that a trainer reads at full
/// speed; verifies, inspects, exports and benchmarks them.
///
/// Images are stored byte for byte: `shard export` gives the original files back.
#[derive(Debug, Parser)]
#[command(
    name = "shard",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 all is well, 1 it failed or found damage, 2 wrong usage, 129, 130, 143 stopped\n\
                  by SIGHUP (a lost terminal, unless under nohup), Ctrl-C, SIGTERM.\n\
                  `shard COMMAND --help` explains a command with examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say nothing but results and errors
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

/// Pack raw images into a data set of shards
///
/// SOURCE may be a folder with train/<class>/ and val/<class>/, a bare folder of class folders,
/// the official tars (read in place, never unpacked) or the folder that holds them, or Hugging
/// Face's parquet files. Run again after an interruption it verifies what is finished and
/// continues. The same images and options give the same bytes, whatever the threads.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard build --source /data/ILSVRC2012 --out /data/shards
  shard build --source ILSVRC2012_img_val.tar --labels ILSVRC2012_devkit_t12.tar.gz --out val
  shard build --source photos --out shards --on-bad skip --shard-size 64MiB

The data set is complete when OUT/dataset.json is there. Odd files (gray, progressive, CMYK, PNG
under a JPEG's name) are stored as they are and listed in it; bad ones are treated as --on-bad says.")]
pub(crate) struct BuildArgs {
    /// Where the raw images lie
    #[arg(long, value_name = "RAW")]
    pub(crate) source: PathBuf,

    /// The directory to write: new, empty, or left by an earlier build
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Pack only this split (may be given more than once) [default: all that the source has]
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Vec<String>,

    /// Shards in each split, instead of --shard-size
    #[arg(long, value_name = "N", conflicts_with = "shard_size", value_parser = clap::value_parser!(u32).range(1..=99_999))]
    pub(crate) shards: Option<u32>,

    /// About how large a shard shall be; images whose size only reading tells (folders, parquet)
    /// count 110 kB each, ImageNet's mean
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = positive_size)]
    pub(crate) shard_size: ByteSize,

    /// The order of the records [default: train shuffled, so that reading in sequence is already
    /// mixed; other splits, and sources that are slow out of sequence, as in the source]
    #[arg(long, value_enum)]
    pub(crate) order: Option<Order>,

    /// Which shuffled order
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,

    /// What to do with files that are empty, are no image, cannot be decoded, or decode only with
    /// warnings
    #[arg(long, value_enum, default_value_t = OnBad::Fail)]
    pub(crate) on_bad: OnBad,

    /// How closely each image is looked at
    #[arg(long, value_enum, default_value_t = Check::Decode)]
    pub(crate) check: Check,

    /// How images are stored; all give the source file back byte for byte (but see --short-side and
    /// --drop-originals)
    #[arg(long, value_enum, default_value_t = Stored::Jpeg)]
    pub(crate) encoding: Stored,

    /// Where --encoding recoded has its symbol statistics from
    #[arg(long, value_enum, default_value_t = TablesFrom::Trained)]
    pub(crate) tables: TablesFrom,

    /// Store progressive, arithmetic-coded and restart-interval JPEGs in baseline form with an index, so
    /// that they decode as fast as the others; the file itself is stored beside, for export
    #[arg(long)]
    pub(crate) transcode: bool,

    /// What happens to files that --encoding does not take (CMYK, PNG, ...; progressive ones unless --transcode
    /// is given)
    #[arg(long, value_enum, default_value_t = Odd::Keep)]
    pub(crate) odd: Odd,

    #[command(flatten)]
    pub(crate) pixels: PixelArgs,

    /// Lossy: scale images down to N pixels on their shorter side (Pillow's antialiased bicubic) and
    /// store them as JPEGs of --quality, or with --encoding pixels as those; smaller images stay as they are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=65_500))]
    pub(crate) short_side: Option<u32>,

    /// libjpeg's quality of images that --short-side scales [default: 95]
    #[arg(long, value_name = "Q", requires = "short_side", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: Option<u8>,

    /// Chroma resolution of images that --short-side scales [default: 444 from quality 95 on, else 420; of
    /// pixels 420 where the source is so, else 444]
    #[arg(long, value_enum, requires = "short_side")]
    pub(crate) subsampling: Option<Subsampling>,

    /// Labels of validation images that lie flat: a labels file, the devkit's folder or its tar.gz
    /// [default: looked for beside the images]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,

    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Rebuild what differs in a finished data set whose images or options have changed
    #[arg(long)]
    pub(crate) force: bool,

    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl BuildArgs {
    /// How files are to be stored.
    pub(crate) fn storing(&self) -> Storing {
        let quality = match self.encoding {
            Stored::Pixels => None,
            _ => Some(self.quality.unwrap_or(QUALITY)),
        };
        let as_asked = self.subsampling.map(|asked| asked == Subsampling::S420);
        Storing {
            encoding: self.encoding.into(),
            transcode: self.transcode.then_some(self.pixels.originals()),
            odd_as_pixels: self.odd == Odd::Pixels,
            pixels: self.pixels.options(),
            scale: self.short_side.map(|short_side| Scale {
                short_side,
                quality,
                subsampled: as_asked.or(quality.map(|quality| quality < QUALITY)),
            }),
        }
    }

    /// What cannot be meant, in words.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let pixels = self.encoding == Stored::Pixels;
        if pixels && self.transcode {
            return Some(
                "--encoding pixels takes progressive files as they are; leave --transcode out",
            );
        }
        if pixels && self.quality.is_some() {
            return Some("--quality is for JPEGs, and --encoding pixels makes none");
        }
        if self.encoding == Stored::Source && self.odd == Odd::Pixels {
            return Some("with --encoding source no file is odd; say --encoding pixels");
        }
        if pixels || self.odd == Odd::Pixels {
            return None;
        }
        if self.pixels.pixels_level.is_some() {
            return Some("--pixels-level needs --encoding pixels or --odd pixels");
        }
        (self.pixels.drop_originals && !self.transcode)
            .then_some("--drop-originals needs --transcode, --encoding pixels or --odd pixels")
    }
}

/// Resolution of chroma against luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subsampling {
    /// Full
    #[value(name = "444")]
    S444,
    /// Half, across and down
    #[value(name = "420")]
    S420,
}

/// The order of records in a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// By a hash of seed and key
    Shuffled,
    /// As the source lists them: by key
    Source,
}

/// What to do with a bad file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnBad {
    /// Look at everything, list all bad files, finish the shards without any, exit with 1
    Fail,
    /// Leave them out and list them
    Skip,
    /// Keep those that decode with warnings and mark them; leave out the others; list both
    Repair,
}

/// How closely an image is looked at while packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Check {
    /// Decode every pixel: finds truncated files
    Decode,
    /// Read the header only: several times faster, finds no damage in the pixels
    Header,
}

/// How an image is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stored {
    /// Baseline JPEGs with an index of where a crop can be entered: under 1 % more bytes, several
    /// times the speed; other files as they are
    Jpeg,
    /// Baseline JPEGs with their coefficients coded anew for vector instructions: fewer bytes, and with
    /// AVX-512 1.8 times the speed of jpeg; other files, and those that would grow, as with jpeg
    Recoded,
    /// The source file as it is
    Source,
    /// Decoded pixels: two to five times the bytes and several times the speed, for sets that live in
    /// memory; see --pixels-level. The files are stored behind them, unless --drop-originals
    Pixels,
}

/// Where the tables of the `recoded` encoding come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TablesFrom {
    /// A sample of up to 2000 of the images
    Trained,
    /// This program: for sets of a few hundred images
    Builtin,
}

impl From<Stored> for codec::Encoding {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Jpeg => codec::Encoding::Jpeg,
            Stored::Recoded => codec::Encoding::Recoded,
            Stored::Source => codec::Encoding::Source,
            Stored::Pixels => codec::Encoding::Pixels,
        }
    }
}

/// Check a data set: every header, index, record hash and byte of padding, and the manifest
///
/// Lists every fault found, not just the first, and exits with 1 if there is any.
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

    /// Print the findings as JSON
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
/// Writes a new data set, shard by shard; run again after an interruption, it keeps the shards that are
/// finished. The source files come back byte for byte from either, unless --drop-originals. Records whose files
/// were dropped stay as they are.
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

    /// How its images are to be stored
    #[arg(long, value_enum)]
    pub(crate) to: Stored,

    /// Refuse a data set of another encoding than this
    #[arg(long, value_enum)]
    pub(crate) from: Option<Stored>,

    /// Where --to recoded has its symbol statistics from
    #[arg(long, value_enum, default_value_t = TablesFrom::Trained)]
    pub(crate) tables: TablesFrom,

    #[command(flatten)]
    pub(crate) pixels: PixelArgs,

    /// Worker threads, each with a shard of its own [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl ConvertArgs {
    /// What cannot be meant, in words.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let given = self.pixels.pixels_level.is_some() || self.pixels.drop_originals;
        (given && self.to != Stored::Pixels)
            .then_some("--pixels-level and --drop-originals need --to pixels")
    }
}

/// Give the original files back, byte for byte, laid out as the source was
///
/// Class folders come back as OUT/train/<class>/<file>; validation images that lay flat as
/// OUT/val/<file> with OUT/LOC_val_solution.csv, which `shard build` reads back. Every record's
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

/// So many that a mistyped number is told instead of taking all memory.
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
        Ok(_) => Err("must be more than nothing".to_owned()),
        Err(_) => Err("not a size; write 64MiB, 1GiB or a number of bytes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (words, allowed) in [
            (
                "--encoding pixels --pixels-level stored --drop-originals",
                true,
            ),
            ("--encoding pixels --pixels-level -5 --short-side 400", true),
            ("--odd pixels --pixels-level 3 --transcode", true),
            ("--transcode --drop-originals", true),
            ("--drop-originals", false),
            ("--pixels-level 3", false),
            ("--encoding pixels --transcode", false),
            ("--encoding pixels --short-side 400 --quality 90", false),
            ("--encoding source --odd pixels", false),
        ] {
            let all = format!("shard build --source a --out b {words}");
            let cli = Cli::try_parse_from(all.split(' ')).unwrap();
            let Command::Build(args) = cli.command else {
                panic!("another command");
            };
            assert_eq!(args.contradiction().is_none(), allowed, "{words}");
        }
    }

    #[test]
    fn sizes_are_read_and_nonsense_is_refused() {
        assert_eq!(positive_size("64MiB"), Ok(ByteSize::mib(64)));
        assert!(positive_size("0").is_err());
        assert!(positive_size("many").is_err());
        assert!(threads("8").is_ok() && threads("0").is_err() && threads("100000").is_err());
    }
}
