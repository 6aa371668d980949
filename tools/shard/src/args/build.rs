//! The options of `shard build`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use builder::{
    Check, Contradiction, EncodingChoice, Odd, OnBad, Order, Scaling, Storage, Subsampling,
    TablesFrom,
};
use bytesize::ByteSize;
use clap::Args;

use super::{PixelArgs, positive_size, threads};

/// Pack raw images into a data set of shards
///
/// SOURCE may be a folder with train/<class>/ and val/<class>/, a bare folder of class folders,
/// the official tars (read in place, never unpacked) or the folder that holds them, or Hugging
/// Face's parquet files. After an interruption, run the same command again: it verifies the
/// finished shards and continues. The same images and options give the same bytes for any number
/// of threads.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shard build --source /data/ILSVRC2012 --out /data/shards
  shard build --source ILSVRC2012_img_val.tar --labels ILSVRC2012_devkit_t12.tar.gz --out val
  shard build --source photos --out shards --on-bad skip --shard-size 64MiB

The data set is complete when OUT/dataset.json is there. Unusual files (gray, progressive, CMYK, PNG
with a JPEG's name) are stored as they are and listed in it; --on-bad decides about bad ones.")]
pub(crate) struct BuildArgs {
    /// Where the raw images are
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

    /// Approximate shard size; images whose size is unknown before they are read (folders, parquet)
    /// count as 110 kB each, the mean of ImageNet
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = positive_size)]
    pub(crate) shard_size: ByteSize,

    /// The order of the records [default: train is shuffled, so that reading in sequence is already
    /// mixed; other splits, and sources that are slow out of sequence, keep the source's order]
    #[arg(long, value_enum)]
    pub(crate) order: Option<Order>,

    /// Which shuffled order
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,

    /// What to do with files that are empty, are not images, cannot be decoded, or decode only with
    /// warnings
    #[arg(long, value_enum, default_value_t = OnBad::Fail)]
    pub(crate) on_bad: OnBad,

    /// How closely each image is checked
    #[arg(long, value_enum, default_value_t = Check::Decode)]
    pub(crate) check: Check,

    /// How images are stored; each gives the source file back byte for byte (except with --short-side
    /// or --drop-originals)
    #[arg(long, value_enum, default_value_t = EncodingChoice::Jpeg)]
    pub(crate) encoding: EncodingChoice,

    /// Source of the symbol tables for --encoding recoded
    #[arg(long, value_enum, default_value_t = TablesFrom::Trained)]
    pub(crate) tables: TablesFrom,

    /// Store progressive, arithmetic-coded and restart-interval JPEGs in baseline form with an index, so
    /// that they decode as fast as the others; the file itself is stored too, for export
    #[arg(long)]
    pub(crate) transcode: bool,

    /// What to do with files that --encoding does not take (CMYK, PNG, ...; progressive ones unless
    /// --transcode is given)
    #[arg(long, value_enum, default_value_t = Odd::Keep)]
    pub(crate) odd: Odd,

    #[command(flatten)]
    pub(crate) pixels: PixelArgs,

    /// Lossy: scale images down to N pixels on their shorter side (Pillow's antialiased bicubic) and
    /// store them as JPEGs of --quality, or as pixels with --encoding pixels; smaller images stay as
    /// they are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=65_500))]
    pub(crate) short_side: Option<u32>,

    /// libjpeg's quality for images that --short-side scales [default: 95]
    #[arg(long, value_name = "Q", requires = "short_side", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: Option<u8>,

    /// Chroma resolution of images that --short-side scales [default: 444 from quality 95 on, else 420;
    /// for pixels, 420 if the source has it, else 444]
    #[arg(long, value_enum, requires = "short_side")]
    pub(crate) subsampling: Option<Subsampling>,

    /// Labels of validation images in a flat folder: a labels file, the devkit's folder or its tar.gz
    /// [default: searched for next to the images]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,

    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Rebuild a finished data set where its images or options have changed
    #[arg(long)]
    pub(crate) force: bool,

    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl BuildArgs {
    /// How images are stored.
    pub(crate) fn storage(&self) -> Storage {
        Storage {
            encoding: self.encoding,
            tables: self.tables,
            transcode: self.transcode,
            odd: self.odd,
            pixels_level: self.pixels.pixels_level,
            drop_originals: self.pixels.drop_originals,
            scale: self.short_side.map(|short_side| Scaling {
                short_side,
                quality: self.quality,
                subsampling: self.subsampling,
            }),
        }
    }

    /// Options that contradict each other, in words.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let contradiction = self.storage().contradiction()?;
        let words = match contradiction {
            Contradiction::TranscodeWithPixels => {
                "--encoding pixels takes progressive files as they are; leave out --transcode"
            }
            Contradiction::QualityWithPixels => {
                "--quality is for JPEGs, and --encoding pixels makes none"
            }
            Contradiction::OddWithSource => {
                "--encoding source stores every file as it is, so --odd pixels has no effect; \
                 use --encoding pixels"
            }
            Contradiction::LevelWithoutPixels => {
                "--pixels-level needs --encoding pixels or --odd pixels"
            }
            Contradiction::DropWithoutCopy => {
                "--drop-originals needs --transcode, --encoding pixels or --odd pixels"
            }
            other => return Some(other.to_string()),
        };
        Some(words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use clap::Parser;

    use crate::args::{Cli, Command};

    #[test]
    fn options_that_contradict_each_other_are_reported() {
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
}
