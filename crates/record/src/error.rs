//! Everything that can go wrong with a shard or a data set, each with its cause and how to fix it.

use std::path::PathBuf;
use std::{fmt, io};

use crate::{KeyFault, Version};

/// Why a shard or a data set could not be written, opened or read.
///
/// Every message starts with the file or directory that it is about. Record numbers are those
/// within the named shard, from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was attempted: "open", "read", "write", …
        action: &'static str,
        /// The cause.
        source: io::Error,
    },

    /// The process has as many files open as it may.
    #[error(
        "{}: cannot open: too many open files; raise the limit (`ulimit -n 4096`), \
         or read through the memory map, which keeps no file open", path.display()
    )]
    TooManyOpenFiles {
        /// The file that could not be opened.
        path: PathBuf,
    },

    /// The file does not start like a shard.
    #[error(
        "{}: not a shard: it starts with the bytes \"{}\", a shard with \"IMSHARD\"; \
         check the path", path.display(), found.escape_ascii()
    )]
    NotAShard {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: [u8; 8],
    },

    /// The file is shorter than the smallest shard.
    #[error(
        "{}: {length} bytes, where the smallest shard has {smallest}: it was cut short or is not a \
         shard; copy it again or rebuild this shard", path.display()
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
        /// The length of an empty shard in bytes.
        smallest: u64,
    },

    /// The file does not end like a shard.
    #[error(
        "{}: it does not end like a shard ({length} bytes): the file was cut short or something was \
         appended; copy it again or rebuild this shard", path.display()
    )]
    NoTail {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },

    /// Written in a newer version of the format, with a major number that this reader does not know.
    #[error(
        "{}: format version {found} is newer than the {supported} that this program reads; \
         use a newer version of the program", path.display()
    )]
    NewerVersion {
        /// The shard or manifest.
        path: PathBuf,
        /// Its version.
        found: Version,
        /// The newest version that is read here.
        supported: Version,
    },

    /// Needs must-understand features that this reader does not know.
    #[error(
        "{}: needs format features that this program does not know (bits {bits:#x}); \
         use a newer version of the program", path.display()
    )]
    UnknownFeatures {
        /// The shard.
        path: PathBuf,
        /// The unknown must-understand bits.
        bits: u64,
    },

    /// The hash of the header, the index or the tail does not match its bytes.
    #[error(
        "{}: the {part} is damaged: its hash is {found:016x}, {expected:016x} was written; \
         copy the file again or rebuild this shard", path.display()
    )]
    Damaged {
        /// The shard.
        path: PathBuf,
        /// The part of the file that changed.
        part: Part,
        /// The hash in the file.
        expected: u64,
        /// The hash of the bytes as they are.
        found: u64,
    },

    /// The hashes match, but the contents break the rules of the format: this crate did not write
    /// the file.
    #[error(
        "{}: the {part} breaks the format: {detail}; rebuild this shard", path.display()
    )]
    Malformed {
        /// The shard.
        path: PathBuf,
        /// The part that breaks a rule.
        part: Part,
        /// Which rule, and where.
        detail: String,
    },

    /// A payload does not match its hash in the index.
    #[error(
        "{}: record {record} ({key}) is damaged: its hash is {found:016x}, {expected:016x} was \
         written; run `shard verify` to see all damage, then copy the file again or rebuild this \
         shard", path.display()
    )]
    RecordDamaged {
        /// The shard.
        path: PathBuf,
        /// The record in the shard.
        record: usize,
        /// Its key.
        key: String,
        /// The hash in the index.
        expected: u64,
        /// The hash of the payload as it is.
        found: u64,
    },

    /// A byte between two records, or between the last one and the index, is not zero.
    #[error(
        "{}: byte {offset} is padding and must be 0, not {found:#04x}: the file is damaged, though \
         no record is; copy it again or rebuild this shard", path.display()
    )]
    PaddingDamaged {
        /// The shard.
        path: PathBuf,
        /// The byte's offset in the file.
        offset: u64,
        /// The byte that is there.
        found: u8,
    },

    /// A record number beyond the end.
    #[error("{place}: no record {record}: there are {records}, counted from 0")]
    NoSuchRecord {
        /// The shard's path, or the split's name.
        place: String,
        /// The number that was asked for.
        record: u64,
        /// How many records there are.
        records: u64,
    },

    /// A key that the format does not allow, refused by the writer.
    #[error("{}: the key {key:?} of record {record} {fault}; rename the source file", path.display())]
    BadKey {
        /// The shard that was being written.
        path: PathBuf,
        /// The record that was pushed.
        record: usize,
        /// Its key.
        key: String,
        /// The rule that the key breaks.
        fault: KeyFault,
    },

    /// Something that was pushed is larger than the format allows.
    #[error("{}: {what} is {value}, and the format holds at most {limit}; {fix}", path.display())]
    Limit {
        /// The shard that was being written.
        path: PathBuf,
        /// What is too large, with the record's key where there is one.
        what: String,
        /// Its size.
        value: u64,
        /// The most that is possible.
        limit: u64,
        /// What to do.
        fix: &'static str,
    },

    /// An empty payload was pushed.
    #[error("{}: record {record} ({key}) has no bytes; leave it out", path.display())]
    EmptyPayload {
        /// The shard that was being written.
        path: PathBuf,
        /// The record that was pushed.
        record: usize,
        /// Its key.
        key: String,
    },

    /// The shard was used after one of its writes had failed.
    #[error("{}: an earlier write failed, so this shard cannot be finished; start it again", path.display())]
    WriterBroken {
        /// The shard that was being written.
        path: PathBuf,
    },

    /// A directory with shards and without a manifest.
    #[error(
        "{}: there is no {} next to the {shards} shard files: the build did not finish; \
         run the same `shard build` again, it continues where it stopped",
        dir.display(), crate::MANIFEST_FILE
    )]
    BuildUnfinished {
        /// The directory.
        dir: PathBuf,
        /// How many shard files, finished or not, are in it.
        shards: usize,
    },

    /// A file where a data set's directory was expected.
    #[error("{}: a file; give the directory of the data set, which contains {}", path.display(), crate::MANIFEST_FILE)]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },

    /// A directory with neither shards nor a manifest.
    #[error(
        "{}: not a data set: it contains neither {} nor a shard; make one with \
         `shard build --source RAW --out DIR`", dir.display(), crate::MANIFEST_FILE
    )]
    NotADataset {
        /// The directory.
        dir: PathBuf,
    },

    /// The manifest is not valid JSON, or lacks something.
    #[error("{}: cannot be read as a manifest: {source}; rebuild the data set", path.display())]
    ManifestSyntax {
        /// The manifest.
        path: PathBuf,
        /// What the JSON parser says, with line and column.
        source: serde_json::Error,
    },

    /// The manifest contradicts itself, or names something that the format does not allow.
    #[error("{}: {detail}; rebuild the data set", path.display())]
    ManifestInvalid {
        /// The manifest.
        path: PathBuf,
        /// The contradiction.
        detail: String,
    },

    /// A split that the data set does not have.
    #[error("{}: no split {name:?}; there {}", dir.display(), known_splits(known))]
    UnknownSplit {
        /// The data set.
        dir: PathBuf,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },

    /// A shard that the manifest names is not there.
    #[error(
        "{}: missing, though the manifest lists it under split {split:?}; copy it here again or \
         rebuild the data set", path.display()
    )]
    MissingShard {
        /// Where the shard should be.
        path: PathBuf,
        /// The split that lists it.
        split: String,
    },

    /// A shard that is sound, but not the one that the manifest describes.
    #[error(
        "{}: not the shard that the manifest describes: its {what} is {found}, not {expected}; \
         it belongs to another build: copy the right one here or rebuild this shard", path.display()
    )]
    NotInManifest {
        /// The shard.
        path: PathBuf,
        /// What differs: "record count", "length" or "hash".
        what: &'static str,
        /// The manifest's value.
        expected: String,
        /// The shard's value.
        found: String,
    },
}

impl RecordError {
    /// For `map_err`: an I/O error with its path and what was attempted.
    pub(crate) fn io(
        path: impl Into<PathBuf>,
        action: &'static str,
    ) -> impl FnOnce(io::Error) -> Self {
        // The path is copied only if there is an error: this closure is made for every record that is read.
        move |source: io::Error| match source.raw_os_error() {
            Some(libc::EMFILE) => Self::TooManyOpenFiles { path: path.into() },
            _ => Self::Io {
                path: path.into(),
                action,
                source,
            },
        }
    }

    /// For `map_err`: a broken rule of the format, found in `part`.
    pub(crate) fn malformed(path: impl Into<PathBuf>, part: Part) -> impl FnOnce(String) -> Self {
        move |detail| Self::Malformed {
            path: path.into(),
            part,
            detail,
        }
    }
}

/// A part of a shard file that has a hash of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The first 64 bytes.
    Header,
    /// The columns behind the last record.
    Index,
    /// The last 64 bytes.
    Tail,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Index => "index",
            Self::Tail => "tail",
        })
    }
}

fn known_splits(known: &[String]) -> String {
    match known {
        [] => "are none".to_owned(),
        [one] => format!("is {one:?}"),
        many => format!(
            "are {}",
            many.iter()
                .map(|name| format!("{name:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_file_handles_is_told_what_to_do() {
        let error = RecordError::io("x.shard", "open")(io::Error::from_raw_os_error(libc::EMFILE));
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }
}
