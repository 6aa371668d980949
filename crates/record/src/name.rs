//! How shard files are named: `train-00000-of-01024.shard`.

use std::fmt;

/// The extension of shard files.
pub const SHARD_EXTENSION: &str = "shard";

/// The name of one shard of a split: number `index` of `count`, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardName {
    split: String,
    index: u32,
    count: u32,
}

impl ShardName {
    /// `None` unless `index` is below `count` and [`is_split_name`] accepts the split.
    pub fn new(split: &str, index: u32, count: u32) -> Option<Self> {
        (index < count && is_split_name(split)).then(|| Self {
            split: split.to_owned(),
            index,
            count,
        })
    }

    /// Reads a file name; `None` unless it is exactly what [`fmt::Display`] writes.
    pub fn parse(file_name: &str) -> Option<Self> {
        let stem = file_name.strip_suffix(SHARD_EXTENSION)?.strip_suffix('.')?;
        let (rest, count) = stem.rsplit_once("-of-")?;
        let (split, index) = rest.rsplit_once('-')?;
        let name = Self::new(split, index.parse().ok()?, count.parse().ok()?)?;
        (name.to_string() == file_name).then_some(name)
    }

    /// The split that the shard belongs to.
    pub fn split(&self) -> &str {
        &self.split
    }

    /// Which shard of the split, from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// How many shards the split has.
    pub fn count(&self) -> u32 {
        self.count
    }
}

impl fmt::Display for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:05}-of-{:05}.{SHARD_EXTENSION}",
            self.split, self.index, self.count
        )
    }
}

/// Whether a split may have this name: ASCII letters, digits, `-` and `_`, at least one.
pub fn is_split_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_padded_to_five_digits() {
        assert_eq!(
            ShardName::new("train", 0, 1024).unwrap().to_string(),
            "train-00000-of-01024.shard"
        );
        assert_eq!(
            ShardName::new("val", 123_456, 200_000).unwrap().to_string(),
            "val-123456-of-200000.shard"
        );
    }

    #[test]
    fn only_the_canonical_spelling_parses() {
        for name in [
            "train-0-of-2.shard",
            "train-000000-of-00002.shard",
            "train-00002-of-00002.shard",
            "train-+0001-of-00002.shard",
            "-00000-of-00001.shard",
            "train-00000-of-00001.shard.tmp",
            "../x-00000-of-00001.shard",
        ] {
            assert_eq!(ShardName::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(split in "[a-z_-]{1,9}(-of-)?[a-z0-9]{1,3}", index: u32, more in 1u32..) {
            let name = ShardName::new(&split, index, index.saturating_add(more));
            prop_assume!(name.is_some());
            prop_assert_eq!(ShardName::parse(&name.clone().unwrap().to_string()), name);
        }
    }
}
