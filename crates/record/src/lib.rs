//! The shard file and the dataset directory: bytes in, bytes out. Knows no pixels.
//!
//! A *record* is a payload (opaque bytes) with a key, a label, a width, a height and an encoding
//! tag, all opaque here too. A *shard* is one file of records behind a footer index. A *dataset*
//! is a directory of shards with a manifest, `dataset.json`, that is written last. `FORMAT.md`
//! describes every byte of them.
//!
//! ```no_run
//! use imshard_record::{Dataset, Io};
//!
//! # fn main() -> Result<(), imshard_record::RecordError> {
//! let train = Dataset::open("/data/imagenet")?.split("train", Io::Map)?;
//! let mut scratch = Vec::new();
//! for record in 0..train.len() {
//!     let payload = train.bytes(record, &mut scratch)?;
//!     train.check(record, payload)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What it is not: it neither decodes nor samples nor shuffles, holds no cache, starts no threads
//! that outlive a call, and never changes a finished shard.
#![deny(unsafe_code)] // allowed in `map`, nowhere else

mod atomic;
mod column;
mod dataset;
mod error;
mod hash;
mod header;
mod index;
mod key;
mod manifest;
mod map;
mod name;
mod shard;
mod split;
mod storage;
mod tail;
mod wire;
mod writer;

pub use dataset::Dataset;
pub use error::{Part, RecordError};
pub use header::{ALIGNMENT, Header, Version};
pub use index::Entry;
pub use key::{KeyFault, MAX_KEY_LEN, check_key};
pub use manifest::{
    Class, MANIFEST_FILE, Manifest, OddAction, OddFile, ShardSummary, SplitInfo, TABLES_FILE,
    TablesSummary,
};
pub use name::{SHARD_EXTENSION, ShardName, is_split_name};
pub use shard::Shard;
pub use split::Split;
pub use storage::Io;
pub use writer::{MAX_NOTE_LEN, NewRecord, ShardWriter};
