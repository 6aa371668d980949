//! What every kind of raw data offers: classes, splits, samples, and the bytes of any sample.
//! How the bytes are stored is up to the implementations.

use std::fmt;
use std::path::PathBuf;

use crate::coverage::Coverage;
use crate::error::SourceError;

/// Raw image files with labels, in any layout. Opened by [`crate::open`].
pub trait Source: Send + Sync {
    /// One line for people: what was found, where, how many samples.
    fn describe(&self) -> String;

    /// The classes in label order: a sample of label `k` belongs to `classes()[k]`.
    /// Sorted by synset id (byte-wise), the order of torchvision, timm and MindCV.
    fn classes(&self) -> &[ClassName];

    /// The splits found, `train` before `val`.
    fn splits(&self) -> &[SplitSource];

    /// Puts the bytes of sample `index` of split number `split` into `into` (replacing what was there), exactly as
    /// they are stored. In any order, from any number of threads at once.
    ///
    /// # Errors
    /// If the file has vanished, has shrunk or cannot be read, or there is no such sample.
    fn read(&self, split: usize, index: usize, into: &mut Vec<u8>) -> Result<(), SourceError>;

    /// Whether reads cost about the same in any order. If not (compressed row groups), read each split
    /// in sample order, so that neighbours share one decompression.
    fn random_access(&self) -> bool;

    /// Files that were found and ignored, each with the reason.
    fn ignored(&self) -> &[Ignored];

    /// Counts, and whether this is all of ImageNet.
    fn coverage(&self) -> Coverage {
        Coverage::new(self.classes(), self.splits())
    }
}

/// A class: its id, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassName {
    /// WordNet synset id such as `n01440764`, or the folder's name in other data sets.
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
    /// for validation images in a flat folder.
    pub key: String,
    /// Whether the file's name is not UTF-8, so that no record can have it. Then `key` shows such bytes as `\xE9`, and
    /// the file must be renamed or left out.
    pub misnamed: bool,
    /// Index into [`Source::classes`].
    pub label: u32,
    /// Bytes; 0 if unknown before the file is read (folders, parquet).
    pub size: u64,
}

/// How the files of a split were laid out. An export restores this layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `<class>/<file>`.
    ClassFolders,
    /// A tar that holds one tar for each class.
    TarOfTars,
    /// Files in one folder, with labels in a separate file.
    FlatFolder,
    /// Files in one tar, with labels in a separate file.
    FlatTar,
    /// Rows of Hugging Face's parquet files.
    Parquet,
}

impl Layout {
    /// The name that manifests contain.
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
    /// Why it was ignored.
    pub reason: String,
}
