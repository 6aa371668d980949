//! A data set's directory: finds the manifest and opens the shards that it names.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::{
    Io, MANIFEST_FILE, Manifest, RecordError, Shard, ShardName, ShardSummary, Split, TABLES_FILE,
    TablesSummary,
};

/// A finished data set.
#[derive(Debug)]
pub struct Dataset {
    dir: PathBuf,
    manifest: Manifest,
}

impl Dataset {
    /// Opens the data set in `dir`: reads and validates the manifest. Shards are not opened yet.
    ///
    /// # Errors
    /// If there is no manifest (the error distinguishes an unfinished build from a directory that is not
    /// a data set), or if it cannot be read, contradicts itself, or needs a newer reader.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, RecordError> {
        let dir = dir.as_ref().to_owned();
        let path = dir.join(MANIFEST_FILE);
        match Manifest::read(&path) {
            Err(RecordError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(why_no_manifest(dir))
            }
            Err(RecordError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotADirectory =>
            {
                Err(RecordError::NotADirectory { path: dir })
            }
            result => result.map(|manifest| Self { dir, manifest }),
        }
    }

    /// The data set's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the data set holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens all shards of a split and compares each with what the manifest says about it.
    ///
    /// [`Io::Pread`] keeps a file open for each shard, so it raises the process's soft limit of
    /// open files to the hard one.
    ///
    /// # Errors
    /// If there is no such split, or one of its shards is missing, does not
    /// [open](Shard::open), or is not the one that the manifest describes.
    pub fn split(&self, name: &str, io: Io) -> Result<Split, RecordError> {
        let info = self
            .manifest
            .splits
            .get(name)
            .ok_or_else(|| RecordError::UnknownSplit {
                dir: self.dir.clone(),
                name: name.to_owned(),
                known: self.manifest.splits.keys().cloned().collect(),
            })?;
        if io == Io::Pread {
            // If this fails, the shard that cannot be opened reports it.
            let _ = rlimit::increase_nofile_limit(u64::MAX);
        }
        let shards = info
            .shards
            .iter()
            .map(|summary| self.shard(name, summary, io))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Split::new(name, shards).with_tables(self.tables()?))
    }

    /// The contents of [`TABLES_FILE`], which the codec needs for some records; `None` if the
    /// data set has none.
    ///
    /// # Errors
    /// If the file cannot be read, or is not the one that the manifest describes.
    pub fn tables(&self) -> Result<Option<Vec<u8>>, RecordError> {
        let Some(expected) = self.manifest.tables else {
            return Ok(None);
        };
        let path = self.dir.join(TABLES_FILE);
        let contents = fs::read(&path).map_err(RecordError::io(&path, "read"))?;
        let found = TablesSummary::of(&contents);
        let differs = |what, expected, found| RecordError::NotInManifest {
            path: path.clone(),
            what,
            expected,
            found,
        };
        if found.bytes != expected.bytes {
            let (expected, found) = (expected.bytes.to_string(), found.bytes.to_string());
            return Err(differs("length", expected, found));
        }
        if found.hash != expected.hash {
            let text = |hash| format!("{hash:016x}");
            return Err(differs("hash", text(expected.hash), text(found.hash)));
        }
        Ok(Some(contents))
    }

    fn shard(&self, split: &str, summary: &ShardSummary, io: Io) -> Result<Shard, RecordError> {
        let path = self.dir.join(&summary.file);
        let shard = Shard::open(&path, io).map_err(|error| match error {
            RecordError::Io { source, path, .. } if source.kind() == io::ErrorKind::NotFound => {
                RecordError::MissingShard {
                    path,
                    split: split.to_owned(),
                }
            }
            other => other,
        })?;
        let differs = |what, expected, found| {
            Err(RecordError::NotInManifest {
                path: path.clone(),
                what,
                expected,
                found,
            })
        };
        let found = shard.summary();
        if found.records != summary.records {
            return differs(
                "record count",
                summary.records.to_string(),
                found.records.to_string(),
            );
        }
        if found.bytes != summary.bytes {
            return differs("length", summary.bytes.to_string(), found.bytes.to_string());
        }
        if found.hash != summary.hash {
            return differs(
                "hash",
                format!("{:016x}", summary.hash),
                format!("{:016x}", found.hash),
            );
        }
        Ok(shard)
    }
}

fn why_no_manifest(dir: PathBuf) -> RecordError {
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(source) => {
            return RecordError::Io {
                path: dir,
                action: "open",
                source,
            };
        }
    };
    let is_shard = |name: &str| {
        let finished = name.strip_suffix(".tmp").unwrap_or(name);
        ShardName::parse(finished).is_some()
    };
    let names = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    match names
        .filter(|name| name.to_str().is_some_and(is_shard))
        .count()
    {
        0 => RecordError::NotADataset { dir },
        shards => RecordError::BuildUnfinished { dir, shards },
    }
}
