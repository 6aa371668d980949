//! All shards of one split as one sequence of records.

use crate::{Entry, RecordError, Shard};

/// The open shards of a split; its records are numbered from 0 across all of them.
#[derive(Debug)]
pub struct Split {
    name: String,
    shards: Vec<Shard>,
    /// The number of each shard's first record.
    starts: Vec<u64>,
    records: u64,
    tables: Option<Vec<u8>>,
}

impl Split {
    /// A split of open shards, in this order. [`Dataset::split`](crate::Dataset::split) opens those
    /// that a manifest names.
    pub fn new(name: impl Into<String>, shards: Vec<Shard>) -> Self {
        let mut records = 0;
        let mut starts = Vec::with_capacity(shards.len());
        for shard in &shards {
            starts.push(records);
            records += shard.len() as u64;
        }
        Self {
            name: name.into(),
            shards,
            starts,
            records,
            tables: None,
        }
    }

    /// Adds the symbol tables that its records share, in the codec's own form.
    #[must_use]
    pub fn with_tables(mut self, tables: Option<Vec<u8>>) -> Self {
        self.tables = tables;
        self
    }

    /// The symbol tables that the records share, in the codec's own form: [`Dataset::tables`](crate::Dataset::tables).
    pub fn tables(&self) -> Option<&[u8]> {
        self.tables.as_deref()
    }

    /// The split's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of records.
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The shards, in the order of their records.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The shard that holds a record, and the record's number there; `None` beyond the last.
    pub fn locate(&self, record: u64) -> Option<(&Shard, usize)> {
        // The last of the shards that start at or before the record: empty shards have the same
        // start as the one that follows them.
        let shard = self
            .starts
            .partition_point(|&start| start <= record)
            .checked_sub(1)?;
        let local = usize::try_from(record - self.starts.get(shard)?).ok()?;
        let shard = self.shards.get(shard)?;
        (local < shard.len()).then_some((shard, local))
    }

    /// What the index says about a record; `None` beyond the last.
    pub fn entry(&self, record: u64) -> Option<Entry> {
        let (shard, local) = self.locate(record)?;
        shard.entry(local)
    }

    /// A record's key; `None` beyond the last.
    pub fn key(&self, record: u64) -> Option<&str> {
        let (shard, local) = self.locate(record)?;
        shard.key(local)
    }

    /// A record's payload, unverified: a slice of the map, or read into `scratch`, which grows as
    /// needed. Keep `scratch` for the next call.
    ///
    /// # Errors
    /// If there is no such record, or reading fails.
    pub fn bytes<'a>(
        &'a self,
        record: u64,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], RecordError> {
        let (shard, local) = self.expect(record)?;
        shard.bytes(local, scratch)
    }

    /// Checks a payload against its hash in the index.
    ///
    /// # Errors
    /// If there is no such record, or the hash differs: the error names the shard, the record's
    /// number there and its key.
    pub fn check(&self, record: u64, bytes: &[u8]) -> Result<(), RecordError> {
        let (shard, local) = self.expect(record)?;
        shard.check(local, bytes)
    }

    /// Asks the kernel to start reading a record's payload: see [`Shard::prefetch`].
    pub fn prefetch(&self, record: u64) {
        if let Some((shard, local)) = self.locate(record) {
            shard.prefetch(local);
        }
    }

    fn expect(&self, record: u64) -> Result<(&Shard, usize), RecordError> {
        self.locate(record)
            .ok_or_else(|| RecordError::NoSuchRecord {
                place: format!("split {:?}", self.name),
                record,
                records: self.records,
            })
    }
}
