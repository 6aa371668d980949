//! Files of each version of the format, kept forever: the reader of today reads them, and the
//! writer of today still writes the newest, byte for byte.

use std::path::{Path, PathBuf};

use imshard_record::{Io, RecordError, Shard, Version};

use crate::{Sample, read_shard, write_shard};

const NOTE: &[u8] = br#"{"plan":"fixture"}"#;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn samples() -> Vec<Sample> {
    vec![
        Sample {
            label: 0,
            size: (3, 2),
            ..Sample::new("n01440764/n01440764_18.JPEG", b"first payload")
        },
        Sample {
            label: 0,
            size: (64, 48),
            ..Sample::new("n01440764/n01440764_36.JPEG", &[0xff; 64])
        },
        Sample {
            label: 1,
            encoding: 2,
            ..Sample::new("n01443537/n01443537_2.JPEG", b"third payload")
        },
    ]
}

#[test]
fn version_1_is_read() {
    for io in [Io::Map, Io::Pread] {
        let shard = Shard::open(fixture("v1.shard"), io).unwrap();
        assert_eq!(shard.header().version, Version { major: 1, minor: 0 });
        assert_eq!(read_shard(&shard), samples());
        assert_eq!(shard.note(), NOTE);
        shard.verify().unwrap();
    }
}

#[test]
fn version_1_is_still_written_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v1.shard");
    write_shard(&path, &samples(), NOTE);
    assert!(std::fs::read(path).unwrap() == std::fs::read(fixture("v1.shard")).unwrap());
}

/// `v1_corrupt.shard` is `v1.shard` with bit 3 of byte 130 flipped, in the second payload.
#[test]
fn damage_in_version_1_is_found() {
    let shard = Shard::open(fixture("v1_corrupt.shard"), Io::Map).unwrap();
    assert!(matches!(
        shard.verify(),
        Err(RecordError::RecordDamaged { record: 1, .. })
    ));
}
