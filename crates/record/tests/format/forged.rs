//! Files whose hashes are all right and whose contents are not: refused by rule, never by panic.

use imshard_record::{Io, Part, RecordError};
use proptest::prelude::*;

use crate::forgery::{Column, Forgery, KEY_LENGTH, KEYS, LENGTH, NOTE, OFFSET};
use crate::judge;

fn verdict(change: impl FnOnce(&mut Forgery)) -> Result<(), RecordError> {
    let mut forgery = Forgery::new();
    change(&mut forgery);
    judge(&forgery.bytes(), Io::Map)
}

#[track_caller]
fn is_malformed(part: Part, detail: &str, change: impl FnOnce(&mut Forgery)) {
    match verdict(change) {
        Err(RecordError::Malformed {
            part: found,
            detail: text,
            ..
        }) => {
            assert_eq!(found, part);
            assert!(text.contains(detail), "{text:?} lacks {detail:?}");
        }
        other => panic!("{other:?} instead of a malformed {part}"),
    }
}

#[test]
fn unchanged_it_is_a_shard() {
    verdict(|_| ()).unwrap();
}

#[test]
fn a_newer_major_version_is_refused_and_a_newer_minor_one_is_not() {
    let error = verdict(|f| f.major = 2).unwrap_err();
    assert!(matches!(error, RecordError::NewerVersion { .. }));
    assert!(
        error
            .to_string()
            .contains("format version 2.0 is newer than the 1.0"),
        "{error}"
    );
    is_malformed(Part::Header, "version 0", |f| f.major = 0);
    verdict(|f| f.minor = 9).unwrap();
}

#[test]
fn unknown_features_are_refused_only_where_they_must_be_understood() {
    let error = verdict(|f| f.must_understand = 1 << 40).unwrap_err();
    assert!(matches!(
        error,
        RecordError::UnknownFeatures {
            bits: 0x100_0000_0000,
            ..
        }
    ));
    verdict(|f| f.may_ignore = u64::MAX).unwrap();
    is_malformed(Part::Header, "alignment", |f| f.alignment = 32);
}

#[test]
fn an_unknown_column_is_passed_over() {
    verdict(|f| {
        f.columns.push(Column {
            id: 77,
            packing: 9,
            unpacked_length: 0,
            stored: vec![1, 2],
        });
    })
    .unwrap();
}

#[test]
fn the_tail_must_fit_the_file() {
    is_malformed(Part::Tail, "does not end", |f| f.index_offset = Some(128));
    is_malformed(Part::Tail, "does not end", |f| {
        f.index_length = Some(u64::MAX);
    });
    is_malformed(Part::Tail, "does not end", |f| {
        f.index_offset = Some(u64::MAX);
    });
    is_malformed(Part::Tail, "do not fit", |f| f.records = 4);
    is_malformed(Part::Tail, "do not fit", |f| f.records = u64::MAX);
    is_malformed(Part::Tail, "another header", |f| f.header_hash = Some(0));
    is_malformed(Part::Tail, "no index can start at", |f| f.area.push(0));
    let into_the_header = |f: &mut Forgery| {
        f.index_offset = Some(0);
        f.index_length = Some(64 + 192 + f.table().len() as u64);
    };
    is_malformed(Part::Tail, "no index can start at 0", into_the_header);
}

#[test]
fn records_must_fill_their_area_exactly() {
    let longs = |pair: [u64; 2]| {
        pair.iter()
            .flat_map(|n| n.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let words = |pair: [u32; 2]| {
        pair.iter()
            .flat_map(|n| n.to_le_bytes())
            .collect::<Vec<_>>()
    };
    is_malformed(Part::Index, "record 0 starts at 0", |f| {
        f.set(OFFSET, longs([0, 128]));
    });
    is_malformed(Part::Index, "record 1 starts at 64", |f| {
        f.set(OFFSET, longs([64, 64]));
    });
    is_malformed(Part::Index, "record 1 starts at 129", |f| {
        f.set(OFFSET, longs([64, 129]));
    });
    is_malformed(Part::Index, "record 1 reaches into", |f| {
        f.set(LENGTH, words([10, 129]));
    });
    is_malformed(Part::Index, "record 0 reaches into", |f| {
        f.set(LENGTH, words([u32::MAX, 70]));
    });
    is_malformed(Part::Index, "record 1 is empty", |f| {
        f.set(LENGTH, words([10, 0]));
    });
    is_malformed(Part::Index, "its records end at", |f| {
        f.set(LENGTH, words([10, 60]));
    });
    is_malformed(Part::Index, "column 1 has 16 bytes, not 8", |f| {
        f.records = 1;
    });
}

#[test]
fn keys_must_be_allowed() {
    is_malformed(
        Part::Index,
        "\"../\" of record 0 has a path component",
        |f| f.set(KEYS, b"../abcd".to_vec()),
    );
    is_malformed(Part::Index, "is an absolute path", |f| {
        f.set(KEYS, b"/aaabcd".to_vec());
    });
    is_malformed(Part::Index, "control character", |f| {
        f.set(KEYS, b"a\0aabcd".to_vec());
    });
    is_malformed(Part::Index, "record 1 is empty", |f| {
        f.set(KEY_LENGTH, vec![7, 0, 0, 0]);
        f.set(KEYS, b"abcdefg".to_vec());
    });
    is_malformed(Part::Index, "not UTF-8", |f| f.set(KEYS, vec![0xff; 7]));
    is_malformed(Part::Index, "the key of record 0 is not UTF-8", |f| {
        f.set(KEY_LENGTH, vec![6, 0, 1, 0]);
    });
    is_malformed(Part::Index, "has 65535 bytes", |f| {
        f.set(KEY_LENGTH, vec![255, 255, 4, 0]);
    });
    is_malformed(Part::Index, "column 9 has 7 bytes, not 8", |f| {
        f.set(KEY_LENGTH, vec![4, 0, 4, 0]);
    });
}

#[test]
fn columns_must_unpack_to_what_they_should() {
    let bomb = zstd::bulk::compress(&vec![0; 100 << 20], 3).unwrap();
    assert!(bomb.len() < 20_000);
    is_malformed(Part::Index, "does not unpack", |f| {
        *f.column(OFFSET) = Column {
            id: OFFSET,
            packing: 1,
            unpacked_length: 16,
            stored: bomb.clone(),
        };
    });
    is_malformed(Part::Index, "column 10 must be stored plain", |f| {
        *f.column(NOTE) = Column {
            id: NOTE,
            packing: 1,
            unpacked_length: 100 << 20,
            stored: bomb.clone(),
        };
    });
    is_malformed(Part::Index, "packed in an unknown way", |f| {
        f.column(LENGTH).packing = 2;
    });
    is_malformed(Part::Index, "column 2 is stored in 9 bytes, not 8", |f| {
        f.column(LENGTH).stored.push(0);
    });
    is_malformed(Part::Index, "column 7 is missing", |f| {
        f.columns.retain(|column| column.id != 7);
    });
    is_malformed(Part::Index, "column 2 is out of order", |f| {
        f.columns.swap(1, 2);
    });
    is_malformed(Part::Index, "column 1 is out of order", |f| {
        f.columns[1].id = 1;
    });
    is_malformed(Part::Index, "does not fit into it", |f| {
        f.column_count = Some(u32::MAX);
    });
    is_malformed(Part::Index, "follow its last column", |f| {
        f.column_count = Some(0);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Any index at all under right hashes: an answer, never a panic.
    #[test]
    fn any_index_is_judged(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        records in 0u64..5,
    ) {
        let mut forgery = Forgery::new();
        forgery.records = records;
        let mut table = forgery.table();
        for (at, byte) in changes {
            let at = at.index(table.len());
            table[at] = byte;
        }
        let _ = judge(&forgery.bytes_with_table(&table), Io::Map);
    }
}
