//! Shard files and data set directories: bytes in, bytes out.
//!
//! * A *record* is one image as it is stored: a payload, and beside it a key (the path of the source file), a label,
//!   a width, a height and an encoding tag. This crate stores all of them and interprets none.
//! * A *shard* is one file of records, followed by an index. It holds some hundreds of megabytes.
//! * A *split* is a sequence of shards: `train` or `val`.
//! * A *data set* is a directory of shards with a manifest, `dataset.json`. The manifest is written last, so a
//!   directory without it is not a data set.
//!
//! `FORMAT.md` describes every byte of the files.
//!
//! # Reading
//!
//! Opening a shard checks the hashes of its header, index and tail. A payload's own hash is checked on request:
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
//!     println!("{:?}: {} bytes", train.key(record), payload.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Writing
//!
//! ```no_run
//! use imshard_record::{NewRecord, ShardName, ShardWriter};
//!
//! # fn main() -> Result<(), imshard_record::RecordError> {
//! let name = ShardName::new("train", 0, 1).expect("0 is below 1");
//! let mut writer = ShardWriter::create(format!("/data/mine/{name}"))?;
//! let record = NewRecord { key: "cats/tom.jpg", label: 0, width: 640, height: 480, encoding: 1 };
//! writer.push(&record, b"the payload")?;
//! let summary = writer.finish(b"a note")?; // a `Manifest` lists the summaries of all shards
//! println!("{}: {} bytes", summary.file, summary.bytes);
//! # Ok(())
//! # }
//! ```
//!
//! # What it is not
//!
//! It does not decode, sample or shuffle. It has no cache, starts no threads that outlive a call, and never changes
//! a finished shard.
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
