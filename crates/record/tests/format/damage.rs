//! No flipped bit, no missing and no added byte goes unnoticed, wherever it lies.

use std::fs;
use std::os::unix::fs::FileExt;

use imshard_record::{Io, Part, RecordError, Shard};
use proptest::prelude::*;

use crate::{Sample, judge, three_samples, write_shard};

fn shard_bytes(samples: &[Sample]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    write_shard(&path, samples, b"a note");
    fs::read(path).unwrap()
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = shard_bytes(&three_samples());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &bytes).unwrap();
    let verify = |io| Shard::open(file.path(), io).and_then(|shard| shard.verify());
    for (at, &byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            file.as_file()
                .write_all_at(&[byte ^ (1 << bit)], at as u64)
                .unwrap();
            let io = if bit % 2 == 0 { Io::Map } else { Io::Pread };
            assert!(verify(io).is_err(), "bit {bit} of byte {at}");
        }
        file.as_file().write_all_at(&[byte], at as u64).unwrap();
    }
    verify(Io::Map).unwrap();
}

#[test]
fn every_truncation_is_found() {
    let bytes = shard_bytes(&three_samples());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &bytes).unwrap();
    for length in (0..bytes.len()).rev() {
        file.as_file().set_len(length as u64).unwrap();
        assert!(
            Shard::open(file.path(), Io::Map).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn appended_bytes_are_found() {
    let mut bytes = shard_bytes(&three_samples());
    bytes.push(0);
    assert!(matches!(
        judge(&bytes, Io::Map),
        Err(RecordError::NoTail { .. })
    ));
    let once = shard_bytes(&three_samples());
    let twice = [once.as_slice(), &once].concat();
    assert!(matches!(
        judge(&twice, Io::Map),
        Err(RecordError::Malformed {
            part: Part::Tail,
            ..
        })
    ));
}

#[test]
fn a_damaged_record_is_named_and_spares_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    write_shard(&path, &three_samples(), b"");
    let mut bytes = fs::read(&path).unwrap();
    bytes[128] ^= 1; // the second record starts here
    fs::write(&path, bytes).unwrap();
    let shard = Shard::open(&path, Io::Map).unwrap();
    let mut scratch = Vec::new();
    let mut check = |record| shard.check(record, shard.bytes(record, &mut scratch).unwrap());
    check(0).unwrap();
    check(2).unwrap();
    let error = check(1).unwrap_err();
    assert!(matches!(
        error,
        RecordError::RecordDamaged { record: 1, .. }
    ));
    let message = error.to_string();
    for part in [
        "x.shard: record 1 (n01440764/n01440764_10027.JPEG) is damaged",
        "shard verify",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn each_part_of_the_file_has_its_own_error() {
    let good = shard_bytes(&three_samples());
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        judge(&bytes, Io::Map).unwrap_err()
    };
    let end = good.len();
    assert!(matches!(flipped(0), RecordError::NotAShard { .. }));
    assert!(matches!(
        flipped(7),
        RecordError::Damaged {
            part: Part::Header,
            ..
        }
    ));
    assert!(matches!(
        flipped(64),
        RecordError::RecordDamaged { record: 0, .. }
    ));
    assert!(matches!(
        flipped(127),
        RecordError::PaddingDamaged {
            offset: 127,
            found: 1,
            ..
        }
    ));
    assert!(matches!(
        flipped(end - 65),
        RecordError::Damaged {
            part: Part::Index,
            ..
        }
    ));
    assert!(matches!(flipped(end - 64), RecordError::NoTail { .. }));
    assert!(matches!(
        flipped(end - 1),
        RecordError::Damaged {
            part: Part::Tail,
            ..
        }
    ));
}

#[test]
fn other_files_are_no_shards() {
    let error = judge(
        &[b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 200]].concat(),
        Io::Map,
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not a shard: it starts with the bytes \"\\x89PNG"),
        "{error}"
    );
    assert!(matches!(
        judge(b"", Io::Map),
        Err(RecordError::TooShort { length: 0, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_found_in_any_shard(
        lengths in prop::collection::vec(1usize..300, 0..20),
        bit: prop::sample::Index,
    ) {
        let sample = |(number, &length): (usize, &usize)| Sample::new(&format!("k{number}"), &vec![number as u8; length]);
        let mut bytes = shard_bytes(&lengths.iter().enumerate().map(sample).collect::<Vec<_>>());
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(judge(&bytes, Io::Map).is_err());
    }
}
