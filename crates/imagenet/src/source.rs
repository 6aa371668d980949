//! What every kind of raw data looks like from outside: classes, splits, samples, and the bytes of any one of them.
//! How the bytes lie on disk is the business of the implementations.

use std::fmt;
use std::path::PathBuf;

use crate::error::SourceError;
use crate::report::Report;

/// Raw image files with labels, wherever they lie. Opened by [`crate::open`].
pub trait Source: Send + Sync {
    /// One line for people: what was found, where, how many samples.
    fn describe(&self) -> String;

    /// The classes in label order: a sample of label `k` belongs to `classes()[k]`.
    /// Sorted by synset id (byte-wise), the order of torchvision, timm and MindCV.
    fn classes(&self) -> &[ClassName];

    /// The splits found, `train` before `val`.
    fn splits(&self) -> &[SplitSource];

    /// Puts the bytes of sample `index` of split number `split` into `into` (replacing what was there), exactly as
    /// they are stored. Any order, from any number of threads at once.
    ///
    /// # Errors
    /// When the file has vanished, shrunk or cannot be read, or no such sample exists.
    fn read(&self, split: usize, index: usize, into: &mut Vec<u8>) -> Result<(), SourceError>;

    /// Whether any order of reads costs about the same. When false (compressed row groups), read each split
    /// in sample order: neighbours then share one decompression.
    fn random_access(&self) -> bool;

    /// Files that were seen and left out, each with the reason.
    fn ignored(&self) -> &[Ignored];

    /// Counts, and whether this is the whole of ImageNet.
    fn report(&self) -> Report {
        Report::new(self.classes(), self.splits())
    }
}

/// A class: its id, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassName {
    /// WordNet synset id such as `n01440764`, or the folder's name in a data set of one's own.
    pub synset: String,
    /// WordNet's lemmas, the usual one first; empty when unknown.
    pub names: Vec<String>,
}

/// One split and its samples.
#[derive(Debug, Clone)]
pub struct SplitSource {
    /// `train` or `val`.
    pub name: String,
    /// How the files were laid out.
    pub layout: Layout,
    /// Sorted by key, except for parquet, which keeps the order of its rows.
    pub samples: Vec<Sample>,
}

/// One image file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Path below the split, unique in it: `n01440764/n01440764_10026.JPEG`, or `ILSVRC2012_val_00000001.JPEG`
    /// where validation images lie flat.
    pub key: String,
    /// Whether the file's name is not UTF-8, so that no record can have it. Then `key` shows the odd bytes as `\xE9`, and
    /// the file is to be renamed or left out.
    pub misnamed: bool,
    /// Index into [`Source::classes`].
    pub label: u32,
    /// Bytes; 0 where only reading would tell (folders, parquet).
    pub size: u64,
}

/// How the files of a split were laid out, which is what an export must restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `<class>/<file>`.
    ClassFolders,
    /// A tar that holds one tar for each class.
    TarOfTars,
    /// Files in one folder, labels apart.
    FlatFolder,
    /// Files in one tar, labels apart.
    FlatTar,
    /// Rows of Hugging Face's parquet files.
    Parquet,
}

impl Layout {
    /// The name that manifests keep.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Layout::ClassFolders => "class-folders",
            Layout::TarOfTars => "tar-of-tars",
            Layout::FlatFolder => "flat-folder",
            Layout::FlatTar => "flat-tar",
            Layout::Parquet => "parquet",
        }
    }

    pub(crate) fn is_flat(self) -> bool {
        matches!(self, Layout::FlatFolder | Layout::FlatTar)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file that is not part of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The file, or `tar: entry` inside one.
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: String,
}
