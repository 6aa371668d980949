//! A page cache without the shards in it, and how much came from the disk.

use std::{fs, fs::File, path::PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise, fsync};

/// Asks the kernel to forget what it holds of these files. Pages that some process has mapped stay, so
/// nothing may have them open as a map.
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

/// Bytes that this process has had read from disks so far; `None` where the system does not tell.
pub(crate) fn bytes_read() -> Option<u64> {
    let counters = fs::read_to_string("/proc/self/io").ok()?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("read_bytes: "))?;
    line.trim().parse().ok()
}
