//! What a data set, a shard or a record holds, as data: read from manifest and indexes alone, except for a
//! single record. How it is shown is up to the program.

mod dataset;
mod histogram;
mod record;
mod shard;

pub use self::record::{Image, RecordView};
pub use dataset::{ClassView, DatasetView, SplitView};
pub use histogram::{Histogram, Range};
pub use shard::{ShardView, Sizes};
