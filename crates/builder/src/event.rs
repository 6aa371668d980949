//! What a long function tells its caller while it runs. Nothing here prints.

use std::fmt;
use std::path::Path;

use crate::survey::Why;

/// Something that happened while a data set was built, verified, converted or exported.
///
/// Passes follow each other and do not overlap: each is a `Begin`, any number of `Done` from any thread, and an
/// `End`, which also comes after an error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass over images begins.
    Begin {
        /// What it does.
        pass: Pass,
        /// How many images it has to go through.
        images: u64,
    },
    /// So many more images of the pass are done.
    Done {
        /// Images since the last event.
        images: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The pass is over.
    End,
    /// A shard of an earlier run was removed, and its images are packed again.
    Removed {
        /// The shard's file.
        path: &'a Path,
        /// Why it could not stay.
        why: &'a Why,
    },
    /// Temporary files of an interrupted build were removed.
    Cleaned {
        /// How many there were.
        files: usize,
    },
}

/// What a pass over images does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pass {
    /// Collects symbol statistics from a sample.
    TrainTables,
    /// Verifies the shards of an earlier run.
    Check,
    /// Packs images into shards.
    Build,
    /// Stores records in another encoding.
    Convert,
    /// Verifies records.
    Verify,
    /// Writes source files.
    Export,
}

impl Pass {
    /// Its name in one or two words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrainTables => "train tables",
            Self::Check => "check",
            Self::Build => "build",
            Self::Convert => "convert",
            Self::Verify => "verify",
            Self::Export => "export",
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A callback for events, called from any thread.
pub(crate) type Watch<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// The callback for those who want to hear nothing.
pub fn silent(_: Event<'_>) {}

/// A pass that is under way; ends when it is dropped.
pub(crate) struct Running<'a>(Watch<'a>);

impl<'a> Running<'a> {
    pub(crate) fn begin(watch: Watch<'a>, pass: Pass, images: u64) -> Self {
        watch(Event::Begin { pass, images });
        Self(watch)
    }

    pub(crate) fn done(&self, images: u64, bytes: u64) {
        (self.0)(Event::Done { images, bytes });
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        (self.0)(Event::End);
    }
}
