//! How a shard's bytes are read: through a memory map or by positioned reads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::map::Map;

/// How to read payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Io {
    /// Through a read-only memory map: no copy, shared with every process that reads the file.
    /// If another process truncates a mapped file, the kernel ends this one with SIGBUS.
    #[default]
    Map,
    /// By positioned reads into the caller's buffer: for network file systems and for files that
    /// others may truncate, because it reports an error instead. Keeps one file open per shard.
    Pread,
}

/// An opened shard file of known length.
pub(crate) enum Storage {
    Map(Map),
    Pread(File),
}

impl Storage {
    /// `length` is the file's validated length.
    pub(crate) fn new(file: File, length: u64, io: Io) -> io::Result<Self> {
        match io {
            Io::Map => {
                let length = usize::try_from(length).map_err(io::Error::other)?;
                Map::new(&file, length).map(Self::Map)
            }
            Io::Pread => Ok(Self::Pread(file)),
        }
    }

    /// `length` bytes from `offset`, a range that was validated against the file's length.
    /// `scratch` only ever grows, so that it is not cleared for each record.
    pub(crate) fn bytes<'a>(
        &'a self,
        offset: u64,
        length: usize,
        scratch: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        match self {
            Self::Map(map) => usize::try_from(offset)
                .ok()
                .and_then(|start| map.bytes().get(start..start.checked_add(length)?))
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
            Self::Pread(file) => {
                if scratch.len() < length {
                    scratch.resize(length, 0);
                }
                let buffer = scratch.get_mut(..length).unwrap_or_default();
                file.read_exact_at(buffer, offset)?;
                Ok(buffer)
            }
        }
    }

    pub(crate) fn will_need(&self, offset: u64, length: usize) {
        if let (Self::Map(map), Ok(offset)) = (self, usize::try_from(offset)) {
            map.will_need(offset, length);
        }
    }
}
