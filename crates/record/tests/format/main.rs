//! The crate from outside, file by file: what is written is read back, and what is damaged,
//! cut short, forged or unfinished is told by a typed error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod dataset;
mod fixtures;
mod forged;
mod forgery;
mod round_trip;

use std::fs;
use std::path::Path;

use imshard_record::{Io, NewRecord, RecordError, Shard, ShardSummary, ShardWriter};

/// A record that owns its parts.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    key: String,
    label: u32,
    size: (u32, u32),
    encoding: u8,
    payload: Vec<u8>,
}

impl Sample {
    fn new(key: &str, payload: &[u8]) -> Self {
        Self {
            key: key.to_owned(),
            label: 7,
            size: (500, 375),
            encoding: 1,
            payload: payload.to_vec(),
        }
    }

    fn push_to(&self, writer: &mut ShardWriter) -> Result<(), RecordError> {
        let &Self {
            ref key,
            label,
            size: (width, height),
            encoding,
            ref payload,
        } = self;
        writer.push(
            &NewRecord {
                key,
                label,
                width,
                height,
                encoding,
            },
            payload,
        )
    }
}

/// Payloads shorter than, as long as and longer than one unit of alignment.
fn three_samples() -> Vec<Sample> {
    vec![
        Sample::new("n01440764/n01440764_10026.JPEG", b"a short payload"),
        Sample {
            label: 999,
            ..Sample::new("n01440764/n01440764_10027.JPEG", &[0xa5; 64])
        },
        Sample {
            encoding: 255,
            size: (1, 1),
            ..Sample::new("n15075141/猫.png", &[0x5a; 100])
        },
    ]
}

fn write_shard(path: &Path, samples: &[Sample], note: &[u8]) -> ShardSummary {
    let mut writer = ShardWriter::create(path).unwrap();
    for sample in samples {
        sample.push_to(&mut writer).unwrap();
    }
    writer.finish(note).unwrap()
}

fn read_shard(shard: &Shard) -> Vec<Sample> {
    let mut scratch = Vec::new();
    (0..shard.len())
        .map(|record| {
            let entry = shard.entry(record).unwrap();
            let payload = shard.bytes(record, &mut scratch).unwrap();
            shard.check(record, payload).unwrap();
            Sample {
                key: shard.key(record).unwrap().to_owned(),
                label: entry.label,
                size: (entry.width, entry.height),
                encoding: entry.encoding,
                payload: payload.to_vec(),
            }
        })
        .collect()
}

/// Opens and verifies `bytes` as a shard file.
fn judge(bytes: &[u8], io: Io) -> Result<(), RecordError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    Shard::open(file.path(), io)?.verify()
}
