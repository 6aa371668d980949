//! The choices a build offers, one enum each. What they do is decided where they are used.
//!
//! The documentation of the variants is also the help text of `shard`.

use serde::{Deserialize, Serialize};

/// The order of records in a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Order {
    /// By a hash of seed and key
    Shuffled,
    /// As the source lists them: by key
    Source,
}

/// What to do with a bad file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum OnBad {
    /// Check all files, list the bad ones, finish the shards that have none, exit with 1
    #[default]
    Fail,
    /// Leave bad files out and list them
    Skip,
    /// Keep files that decode with warnings and mark them; leave out the others; list both
    Repair,
}

/// How closely each image is checked while packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Check {
    /// Decode every pixel: finds truncated files
    #[default]
    Decode,
    /// Read only the header: several times faster, but finds no damage in the pixels
    Header,
}

/// How images are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum EncodingChoice {
    /// Baseline JPEGs with a seek index for partial decoding: under 1 % more bytes, several times the
    /// speed. Other files are stored as they are
    #[default]
    Jpeg,
    /// Baseline JPEGs with a SIMD-friendly entropy code: fewer bytes, and with AVX-512 1.8 times the
    /// speed of jpeg. Other files, and those that would grow, are stored as with jpeg
    Recoded,
    /// The source file as it is
    Source,
    /// Decoded pixels: two to five times the bytes and several times the speed, for sets that fit in
    /// memory; see --pixels-level. The files are stored behind them, unless --drop-originals
    Pixels,
}

impl From<EncodingChoice> for codec::Encoding {
    fn from(choice: EncodingChoice) -> Self {
        match choice {
            EncodingChoice::Jpeg => Self::Jpeg,
            EncodingChoice::Recoded => Self::Recoded,
            EncodingChoice::Source => Self::Source,
            EncodingChoice::Pixels => Self::Pixels,
        }
    }
}

/// Where the symbol tables of [`EncodingChoice::Recoded`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum TablesFrom {
    /// A sample of up to 2000 of the images
    #[default]
    Trained,
    /// This program: for sets of a few hundred images
    Builtin,
}

/// What happens to files that the encoding does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Odd {
    /// Store them as they are; libjpeg-turbo or a PNG decoder reads them later
    #[default]
    Keep,
    /// Store them as pixels, in front of the file
    Pixels,
}

/// Resolution of chroma against luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Subsampling {
    /// Full
    #[cfg_attr(feature = "clap", value(name = "444"))]
    S444,
    /// Half, across and down
    #[cfg_attr(feature = "clap", value(name = "420"))]
    S420,
}

/// How a split is cut into shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardSize {
    /// Into this many shards, at most 99,999 and at most one for each image.
    Count(u32),
    /// Into shards of about this many bytes. An image whose size is unknown before it is read (folders,
    /// parquet) counts as 110 kB, the mean of ImageNet.
    Bytes(u64),
}

impl Default for ShardSize {
    /// 256 MiB.
    fn default() -> Self {
        Self::Bytes(256 << 20)
    }
}
