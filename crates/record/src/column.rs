//! A table of byte columns, each stored plain or as one zstd frame, after a directory that says
//! where each one is. What the columns mean is up to the index.

use std::borrow::Cow;

use crate::wire::Fields;

const DIRECTORY_START: usize = 8;
const DIRECTORY_ENTRY: usize = 24;

const PLAIN: u32 = 0;
const ZSTD: u32 = 1;

/// Fixed, because a shard's bytes depend only on what was pushed.
const ZSTD_LEVEL: i32 = 3;

/// The columns of a table as they are stored.
pub(crate) struct Columns<'a>(Vec<Column<'a>>);

struct Column<'a> {
    id: u32,
    packing: u32,
    unpacked_length: u64,
    stored: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Splits a table into its columns without unpacking one. Columns must fill it exactly, with
    /// ids that ascend.
    pub(crate) fn parse(table: &'a [u8]) -> Result<Self, String> {
        let mut start = Fields(table);
        let (Some(count), Some(_reserved)) = (start.u32(), start.u32()) else {
            return Err("it is shorter than its own head".to_owned());
        };
        let directory = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(DIRECTORY_ENTRY))
            .and_then(|length| start.bytes(length))
            .ok_or_else(|| format!("a directory of {count} columns does not fit into it"))?;
        let mut data = start;
        let mut columns: Vec<Column<'a>> = Vec::with_capacity(directory.len() / DIRECTORY_ENTRY);
        for entry in directory.chunks_exact(DIRECTORY_ENTRY) {
            let mut fields = Fields(entry);
            let (Some(id), Some(packing), Some(stored_length), Some(unpacked_length)) =
                (fields.u32(), fields.u32(), fields.u64(), fields.u64())
            else {
                return Err("a directory entry is too short".to_owned());
            };
            if columns.last().is_some_and(|last| last.id >= id) {
                return Err(format!("column {id} is out of order"));
            }
            let stored = usize::try_from(stored_length)
                .ok()
                .and_then(|length| data.bytes(length))
                .ok_or_else(|| format!("column {id} reaches beyond its end"))?;
            columns.push(Column {
                id,
                packing,
                unpacked_length,
                stored,
            });
        }
        match data.0 {
            [] => Ok(Self(columns)),
            rest => Err(format!("{} bytes follow its last column", rest.len())),
        }
    }

    /// The bytes of column `id`, which must come to exactly `length`: no more than that is
    /// allocated, whatever the file claims.
    pub(crate) fn unpack(&self, id: u32, length: usize) -> Result<Cow<'a, [u8]>, String> {
        let column = self.find(id)?;
        let claimed = column.unpacked_length;
        if usize::try_from(claimed) != Ok(length) {
            return Err(format!("column {id} has {claimed} bytes, not {length}"));
        }
        match column.packing {
            PLAIN if column.stored.len() == length => Ok(Cow::Borrowed(column.stored)),
            PLAIN => Err(format!(
                "column {id} is stored in {} bytes, not {length}",
                column.stored.len()
            )),
            ZSTD => match zstd::bulk::decompress(column.stored, length) {
                Ok(bytes) if bytes.len() == length => Ok(Cow::Owned(bytes)),
                Ok(bytes) => Err(format!(
                    "column {id} unpacks to {} bytes, not {length}",
                    bytes.len()
                )),
                Err(fault) => Err(format!("column {id} does not unpack: {fault}")),
            },
            other => Err(format!("column {id} is packed in an unknown way, {other}")),
        }
    }

    /// The bytes of column `id`, whose length nothing else bounds: it must be stored plain.
    pub(crate) fn plain(&self, id: u32) -> Result<&'a [u8], String> {
        let column = self.find(id)?;
        if column.packing != PLAIN || column.unpacked_length != column.stored.len() as u64 {
            return Err(format!("column {id} must be stored plain"));
        }
        Ok(column.stored)
    }

    fn find(&self, id: u32) -> Result<&Column<'a>, String> {
        self.0
            .iter()
            .find(|column| column.id == id)
            .ok_or_else(|| format!("column {id} is missing"))
    }
}

/// A column to store.
pub(crate) struct NewColumn {
    pub(crate) id: u32,
    pub(crate) bytes: Vec<u8>,
    /// Whether zstd may be tried; it is kept where it saves an eighth or more.
    pub(crate) pack: bool,
}

/// Stores columns, given in ascending order of their ids, as one table.
pub(crate) fn encode(columns: &[NewColumn]) -> std::io::Result<Vec<u8>> {
    let stored = columns
        .iter()
        .map(pack)
        .collect::<std::io::Result<Vec<_>>>()?;
    let data: usize = stored.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut table = Vec::with_capacity(DIRECTORY_START + columns.len() * DIRECTORY_ENTRY + data);
    let count = u32::try_from(columns.len()).map_err(std::io::Error::other)?;
    table.extend_from_slice(&count.to_le_bytes());
    table.extend_from_slice(&[0; 4]);
    for (column, (packing, bytes)) in columns.iter().zip(&stored) {
        table.extend_from_slice(&column.id.to_le_bytes());
        table.extend_from_slice(&packing.to_le_bytes());
        table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        table.extend_from_slice(&(column.bytes.len() as u64).to_le_bytes());
    }
    for (_, bytes) in &stored {
        table.extend_from_slice(bytes);
    }
    Ok(table)
}

fn pack(column: &NewColumn) -> std::io::Result<(u32, Cow<'_, [u8]>)> {
    if column.pack {
        let packed = zstd::bulk::compress(&column.bytes, ZSTD_LEVEL)?;
        if packed.len() <= column.bytes.len() - column.bytes.len() / 8 {
            return Ok((ZSTD, Cow::Owned(packed)));
        }
    }
    Ok((PLAIN, Cow::Borrowed(&column.bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two_columns() -> Vec<u8> {
        encode(&[
            NewColumn {
                id: 2,
                bytes: vec![7; 1000],
                pack: true,
            },
            NewColumn {
                id: 5,
                bytes: (0..=255).collect(),
                pack: true,
            },
        ])
        .unwrap()
    }

    #[test]
    fn packs_what_repeats_and_leaves_what_does_not() {
        let table = two_columns();
        let columns = Columns::parse(&table).unwrap();
        assert!(table.len() < 400);
        assert_eq!(columns.unpack(2, 1000).unwrap(), vec![7; 1000]);
        assert_eq!(columns.plain(5).unwrap(), (0..=255).collect::<Vec<u8>>());
        assert!(columns.plain(2).unwrap_err().contains("plain"));
        assert!(columns.unpack(3, 1).unwrap_err().contains("missing"));
    }

    #[test]
    fn never_unpacks_beyond_the_expected_length() {
        let mut table = two_columns();
        // The first column claims 999 bytes, though its frame holds 1000.
        table[24..32].copy_from_slice(&999u64.to_le_bytes());
        let columns = Columns::parse(&table).unwrap();
        assert!(columns.unpack(2, 1000).is_err());
        assert!(columns.unpack(2, 999).is_err());
    }

    proptest! {
        #[test]
        fn survives_any_table(table in prop::collection::vec(any::<u8>(), 0..200), count in 0u32..6) {
            let mut table = table;
            if let Some(head) = table.get_mut(..4) {
                head.copy_from_slice(&count.to_le_bytes());
            }
            if let Ok(columns) = Columns::parse(&table) {
                for column in &columns.0 {
                    let _ = columns.unpack(column.id, 64);
                    let _ = columns.plain(column.id);
                }
            }
        }
    }
}
