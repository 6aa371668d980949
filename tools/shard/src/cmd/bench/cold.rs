//! Cold runs: the shards dropped from the page cache, and how much came from the disk. It measures no time.

use std::fs;
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise, fsync};

/// Asks the kernel to drop these files from the page cache. Mapped pages stay, so no process may have the files mapped.
pub(crate) fn drop_from_cache(files: &[PathBuf]) -> Result<()> {
    for path in files {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        // Dirty pages cannot be dropped.
        fsync(&file)
            .and_then(|()| fadvise(&file, 0, None, Advice::DontNeed))
            .with_context(|| format!("cannot drop {} from the page cache", path.display()))?;
    }
    Ok(())
}

/// Bytes that disks have read for this process so far; `None` if the system does not say.
pub(crate) fn bytes_read() -> Option<u64> {
    let counters = fs::read_to_string("/proc/self/io").ok()?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("read_bytes: "))?;
    line.trim().parse().ok()
}
