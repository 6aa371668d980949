//! What is pushed comes back, by either way of reading, and the bytes depend on nothing else.

use std::fs;
use std::os::unix::fs::symlink;

use imshard_record::{
    Io, KeyFault, MAX_NOTE_LEN, NewRecord, RecordError, Shard, ShardWriter, Split,
};
use proptest::prelude::*;

use crate::{Sample, read_shard, three_samples, write_shard};

#[test]
fn payloads_are_aligned_slices_of_the_map() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    write_shard(&path, &three_samples(), b"");
    let shard = Shard::open(&path, Io::Map).unwrap();
    let mut scratch = Vec::new();
    for record in 0..shard.len() {
        let at = shard.bytes(record, &mut scratch).unwrap().as_ptr();
        assert_eq!(at.align_offset(64), 0);
        shard.prefetch(record);
    }
    assert!(scratch.is_empty(), "a map needs no copy");
}

#[test]
fn the_summary_written_is_the_summary_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    let written = write_shard(&path, &three_samples(), b"");
    assert_eq!(Shard::open(&path, Io::Map).unwrap().summary(), written);
    assert_eq!(fs::metadata(&path).unwrap().len(), written.bytes);
    let other = write_shard(&path, &three_samples()[1..], b"");
    assert_ne!(other.hash, written.hash);
}

#[test]
fn an_empty_shard_is_a_shard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    write_shard(&path, &[], b"nothing");
    for io in [Io::Map, Io::Pread] {
        let shard = Shard::open(&path, io).unwrap();
        assert!(shard.is_empty());
        assert_eq!(shard.note(), b"nothing");
        shard.verify().unwrap();
    }
}

#[test]
fn records_are_numbered_through_a_split() {
    let dir = tempfile::tempdir().unwrap();
    let samples = three_samples();
    let shards = [
        &samples[..0],
        &samples[..2],
        &samples[..0],
        &samples[..0],
        &samples[2..],
        &samples[..0],
    ];
    let shards = shards.iter().enumerate().map(|(number, part)| {
        let path = dir.path().join(number.to_string());
        write_shard(&path, part, b"");
        Shard::open(&path, Io::Map).unwrap()
    });
    let split = Split::new("train", shards.collect());
    assert_eq!(split.len(), 3);
    let keys: Vec<_> = (0..3).map(|record| split.key(record).unwrap()).collect();
    assert_eq!(
        keys,
        samples.iter().map(|s| s.key.as_str()).collect::<Vec<_>>()
    );
    assert_eq!(split.locate(2).unwrap().1, 0);
    assert!(split.locate(3).is_none());
    let message = split.bytes(3, &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(
        message,
        "split \"train\": no record 3: there are 3, counted from 0"
    );
}

#[test]
fn an_unfinished_shard_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(dir.path().join("x.shard")).unwrap();
    three_samples()[0].push_to(&mut writer).unwrap();
    assert!(dir.path().join("x.shard.tmp").exists());
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_an_interrupted_run_left_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    fs::write(dir.path().join("x.shard.tmp"), vec![1; 100_000]).unwrap();
    write_shard(&path, &three_samples(), b"");
    assert_eq!(
        read_shard(&Shard::open(&path, Io::Map).unwrap()),
        three_samples()
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_refused_record_does_not_harm_the_shard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    let mut writer = ShardWriter::create(&path).unwrap();
    let bad_key = Sample::new("../escape", b"x")
        .push_to(&mut writer)
        .unwrap_err();
    assert!(matches!(
        bad_key,
        RecordError::BadKey {
            record: 0,
            fault: KeyFault::DotComponent,
            ..
        }
    ));
    let empty = Sample::new("empty", b"").push_to(&mut writer).unwrap_err();
    assert!(matches!(empty, RecordError::EmptyPayload { record: 0, .. }));
    for sample in three_samples() {
        sample.push_to(&mut writer).unwrap();
    }
    writer.finish(b"").unwrap();
    assert_eq!(
        read_shard(&Shard::open(&path, Io::Map).unwrap()),
        three_samples()
    );
}

#[test]
fn a_note_beyond_its_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let writer = ShardWriter::create(dir.path().join("x.shard")).unwrap();
    let error = writer.finish(&vec![0; MAX_NOTE_LEN + 1]).unwrap_err();
    assert!(matches!(error, RecordError::Limit { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_payload_of_4_gib_is_refused_unread() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(dir.path().join("x.shard")).unwrap();
    let untouched_zeros = vec![0; 1 << 32]; // never read, so no memory stands behind them
    let record = NewRecord {
        key: "k",
        label: 0,
        width: 0,
        height: 0,
        encoding: 0,
    };
    let error = writer.push(&record, &untouched_zeros).unwrap_err();
    assert!(
        matches!(
            error,
            RecordError::Limit {
                value: 0x1_0000_0000,
                ..
            }
        ),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_from_which_no_shard_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/dev/full", dir.path().join("x.shard.tmp")).unwrap();
    let mut writer = ShardWriter::create(dir.path().join("x.shard")).unwrap();
    let large = Sample::new("large", &vec![1; 1 << 20]);
    let error = large.push_to(&mut writer).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("x.shard.tmp: cannot write: No space left"),
        "{error}"
    );
    assert!(matches!(
        large.push_to(&mut writer),
        Err(RecordError::WriterBroken { .. })
    ));
    assert!(matches!(
        writer.finish(b""),
        Err(RecordError::WriterBroken { .. })
    ));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_file_cut_short_after_opening_is_an_error_with_positioned_reads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.shard");
    write_shard(&path, &three_samples(), b"");
    let shard = Shard::open(&path, Io::Pread).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(100)
        .unwrap();
    let error = shard.bytes(2, &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("x.shard: cannot read"),
        "{error}"
    );
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (
        "[a-z0-9]{1,8}(/[a-z0-9 é_.]{1,20}z){0,2}",
        any::<u32>(),
        any::<(u32, u32)>(),
        any::<u8>(),
        prop::collection::vec(any::<u8>(), 1..200),
    );
    let sample = sample.prop_map(|(key, label, size, encoding, payload)| Sample {
        key,
        label,
        size,
        encoding,
        payload,
    });
    prop::collection::vec(sample, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_pushed_comes_back(samples in samples(), note in prop::collection::vec(any::<u8>(), 0..100)) {
        let dir = tempfile::tempdir().unwrap();
        let (path, twin) = (dir.path().join("x.shard"), dir.path().join("twin.shard"));
        write_shard(&path, &samples, &note);
        write_shard(&twin, &samples, &note);
        prop_assert_eq!(fs::read(&path).unwrap(), fs::read(&twin).unwrap());
        for io in [Io::Map, Io::Pread] {
            let shard = Shard::open(&path, io).unwrap();
            prop_assert_eq!(&read_shard(&shard), &samples);
            prop_assert_eq!(shard.note(), note.as_slice());
            shard.verify().unwrap();
        }
    }
}
