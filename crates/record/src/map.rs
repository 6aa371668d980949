//! The read-only memory map of a shard: the crate's only `unsafe`.
//!
//! A map is a view of the file, not a copy. If another process truncates the file while it is
//! mapped, touching a page beyond the new end raises SIGBUS, which ends the program; no handler
//! is installed, because it could only guess the cause. Finished shards are never written
//! again by this project, and replacing one by renaming leaves the mapped file whole. For files
//! that others may truncate, and for network file systems, there is [`crate::Io::Pread`].
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Advice, Mmap, MmapOptions};

/// A shard file, mapped read-only from its start to the length that was validated.
pub(crate) struct Map(Mmap);

impl Map {
    pub(crate) fn new(file: &File, length: usize) -> io::Result<Self> {
        // SAFETY: the map is private to this type, read-only and lives as long as it. Its bytes
        // are only ever given out as `&[u8]`, any value of which is valid. What cannot be ruled
        // out is another process that writes to the file: finished shards are immutable by the
        // format's rule, and readers that cannot trust that use positioned reads instead.
        let map = unsafe { MmapOptions::new().len(length).map(file)? };
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Asks the kernel to start reading a range. A hint: that it fails changes nothing.
    pub(crate) fn will_need(&self, offset: usize, length: usize) {
        let _ = self.0.advise_range(Advice::WillNeed, offset, length);
    }
}
