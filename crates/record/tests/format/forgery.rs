//! Builds shard files by FORMAT.md rather than by the crate, every field open to change, and every
//! hash right: what an attacker, or another program's fault, could hand us.

use xxhash_rust::xxh3::xxh3_64;

pub(crate) const OFFSET: u32 = 1;
pub(crate) const LENGTH: u32 = 2;
pub(crate) const KEY_LENGTH: u32 = 8;
pub(crate) const KEYS: u32 = 9;
pub(crate) const NOTE: u32 = 10;

pub(crate) struct Column {
    pub(crate) id: u32,
    pub(crate) packing: u32,
    pub(crate) unpacked_length: u64,
    pub(crate) stored: Vec<u8>,
}

/// A shard of two records, 10 and 70 bytes long, with the keys `a/1` and `a/é`.
pub(crate) struct Forgery {
    pub(crate) letters: [u8; 7],
    pub(crate) major: u8,
    pub(crate) minor: u16,
    pub(crate) alignment: u32,
    pub(crate) must_understand: u64,
    pub(crate) may_ignore: u64,
    pub(crate) area: Vec<u8>,
    pub(crate) columns: Vec<Column>,
    pub(crate) column_count: Option<u32>,
    pub(crate) records: u64,
    pub(crate) index_offset: Option<u64>,
    pub(crate) index_length: Option<u64>,
    pub(crate) header_hash: Option<u64>,
}

impl Forgery {
    pub(crate) fn new() -> Self {
        let (first, second) = ([1; 10], [2; 70]);
        let mut area = vec![0; 192];
        area[..10].copy_from_slice(&first);
        area[64..134].copy_from_slice(&second);
        let words = |pair: [u32; 2]| {
            pair.iter()
                .flat_map(|n| n.to_le_bytes())
                .collect::<Vec<_>>()
        };
        let longs = |pair: [u64; 2]| {
            pair.iter()
                .flat_map(|n| n.to_le_bytes())
                .collect::<Vec<_>>()
        };
        let stored = [
            longs([64, 128]),
            words([10, 70]),
            words([0, 1]),
            words([5, 6]),
            words([7, 8]),
            vec![1, 1],
            longs([xxh3_64(&first), xxh3_64(&second)]),
            vec![3, 0, 4, 0],
            "a/1a/é".as_bytes().to_vec(),
            b"note".to_vec(),
        ];
        let column = |(id, stored): (u32, Vec<u8>)| Column {
            id,
            packing: 0,
            unpacked_length: stored.len() as u64,
            stored,
        };
        Self {
            letters: *b"IMSHARD",
            major: 1,
            minor: 0,
            alignment: 64,
            must_understand: 0,
            may_ignore: 0,
            area,
            columns: (1..).zip(stored).map(column).collect(),
            column_count: None,
            records: 2,
            index_offset: None,
            index_length: None,
            header_hash: None,
        }
    }

    pub(crate) fn column(&mut self, id: u32) -> &mut Column {
        self.columns
            .iter_mut()
            .find(|column| column.id == id)
            .unwrap()
    }

    /// Stores a column plainly, with the length that it has.
    pub(crate) fn set(&mut self, id: u32, stored: Vec<u8>) {
        let column = self.column(id);
        column.unpacked_length = stored.len() as u64;
        column.stored = stored;
    }

    pub(crate) fn table(&self) -> Vec<u8> {
        let count = self.column_count.unwrap_or(self.columns.len() as u32);
        let mut table = [count.to_le_bytes(), [0; 4]].concat();
        for column in &self.columns {
            table.extend(column.id.to_le_bytes());
            table.extend(column.packing.to_le_bytes());
            table.extend((column.stored.len() as u64).to_le_bytes());
            table.extend(column.unpacked_length.to_le_bytes());
        }
        for column in &self.columns {
            table.extend(&column.stored);
        }
        table
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_with_table(&self.table())
    }

    pub(crate) fn bytes_with_table(&self, table: &[u8]) -> Vec<u8> {
        let mut header = self.letters.to_vec();
        header.push(self.major);
        header.extend(self.minor.to_le_bytes());
        header.extend([0; 2]);
        header.extend(self.alignment.to_le_bytes());
        header.extend(self.must_understand.to_le_bytes());
        header.extend(self.may_ignore.to_le_bytes());
        header.extend([0; 24]);
        let header_hash = xxh3_64(&header);
        header.extend(header_hash.to_le_bytes());

        let mut tail = b"IMSTAIL\x01".to_vec();
        tail.extend(
            self.index_offset
                .unwrap_or(64 + self.area.len() as u64)
                .to_le_bytes(),
        );
        tail.extend(
            self.index_length
                .unwrap_or(table.len() as u64)
                .to_le_bytes(),
        );
        tail.extend(self.records.to_le_bytes());
        tail.extend(xxh3_64(table).to_le_bytes());
        tail.extend(self.header_hash.unwrap_or(header_hash).to_le_bytes());
        tail.extend([0; 8]);
        tail.extend(xxh3_64(&tail).to_le_bytes());
        [&header, &self.area, table, &tail].concat()
    }
}
