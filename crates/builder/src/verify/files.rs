//! The files of a data set against its manifest.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use record::{Io, Manifest, Shard, ShardName, ShardSummary};

use crate::FileError;

use super::Fault;

/// Shard files in the directory that the manifest does not list, and leftovers.
pub(super) fn unlisted(dir: &Path, manifest: &Manifest) -> Result<Vec<Fault>, FileError> {
    let listed: HashSet<&str> = manifest
        .splits
        .values()
        .flat_map(|split| &split.shards)
        .map(|shard| shard.file.as_str())
        .collect();
    let mut faults = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::new("read", dir))? {
        let name = entry.map_err(FileError::new("read", dir))?.file_name();
        let name = name.to_string_lossy().into_owned();
        let finished = name.strip_suffix(".tmp");
        if finished.is_some_and(|name| ShardName::parse(name).is_some()) {
            let problem = "left by an interrupted build; delete it";
            faults.push(Fault::of_file(&name, problem));
        } else if ShardName::parse(&name).is_some() && !listed.contains(name.as_str()) {
            let problem = "the manifest does not list this shard: it belongs to another build; \
                           delete it, or rebuild the data set";
            faults.push(Fault::of_file(&name, problem));
        }
    }
    Ok(faults)
}

/// The shard, unless it is missing, damaged, or not the one that the manifest lists.
pub(super) fn open_shard(dir: &Path, listed: &ShardSummary) -> Result<Shard, String> {
    let path = dir.join(&listed.file);
    if !path.exists() {
        return Err("missing, though the manifest lists it; copy it here again or rebuild".into());
    }
    let shard = Shard::open(&path, Io::Map).map_err(|error| error.to_string())?;
    let found = shard.summary();
    if found != *listed {
        return Err(format!(
            "not the shard that the manifest lists: {} records, {} bytes, hash {:016x} instead of \
             {} records, {} bytes, hash {:016x}; copy the right one here or rebuild",
            found.records, found.bytes, found.hash, listed.records, listed.bytes, listed.hash
        ));
    }
    Ok(shard)
}
