//! Shard files. Their hashes are mended first, or nothing would ever get past them.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use record::{Io, Shard};
use xxhash_rust::xxh3::xxh3_64;

const HEADER: usize = 64;
const TAIL: usize = 64;

fuzz_target!(|data: &[u8]| {
    let mut file = data.to_vec();
    repair_hashes(&mut file);
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let path = dir.path().join("train-00000-of-00001.shard");
    if fs::write(&path, &file).is_err() {
        return;
    }
    for io in [Io::Map, Io::Pread] {
        let Ok(shard) = Shard::open(&path, io) else {
            continue;
        };
        let mut scratch = Vec::new();
        for record in 0..shard.len() {
            assert!(shard.key(record).is_some());
            let length = shard.entry(record).map(|entry| entry.length as usize);
            let bytes = shard
                .bytes(record, &mut scratch)
                .expect("its place was checked");
            assert_eq!(Some(bytes.len()), length);
            let _ = shard.check(record, bytes);
        }
        assert!(shard.bytes(shard.len(), &mut scratch).is_err());
        let _ = (shard.note(), shard.summary(), shard.verify());
    }
});

/// Puts the right hashes into header, tail and index, as far as these can be found.
fn repair_hashes(file: &mut [u8]) {
    if file.len() < HEADER + TAIL {
        return;
    }
    let tail = file.len() - TAIL;
    let word = |file: &[u8], at: usize| {
        let bytes = file[at..at + 8].try_into().unwrap_or_default();
        u64::from_le_bytes(bytes)
    };
    let header_hash = xxh3_64(&file[..56]).to_le_bytes();
    file[56..64].copy_from_slice(&header_hash);
    file[tail + 40..tail + 48].copy_from_slice(&header_hash);
    let (offset, length) = (
        word(file, tail + 8) as usize,
        word(file, tail + 16) as usize,
    );
    if let Some(index) = offset
        .checked_add(length)
        .and_then(|end| file.get(offset..end))
    {
        let hash = xxh3_64(index).to_le_bytes();
        file[tail + 32..tail + 40].copy_from_slice(&hash);
    }
    let tail_hash = xxh3_64(&file[tail..tail + 56]).to_le_bytes();
    file[tail + 56..].copy_from_slice(&tail_hash);
}
