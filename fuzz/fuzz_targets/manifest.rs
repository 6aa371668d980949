//! Manifests.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use record::{Dataset, Io};

fuzz_target!(|json: &[u8]| {
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    if fs::write(dir.path().join("dataset.json"), json).is_err() {
        return;
    }
    let Ok(dataset) = Dataset::open(dir.path()) else {
        return;
    };
    for split in dataset.manifest().splits.keys() {
        assert!(
            dataset.split(split, Io::Map).is_err()
                || dataset.manifest().splits[split].shards.is_empty()
        );
    }
    let again = dir.path().join("again");
    if fs::create_dir(&again).is_ok() && dataset.manifest().write(&again).is_ok() {
        let reread = Dataset::open(&again).expect("what was written is read");
        assert_eq!(reread.manifest(), dataset.manifest());
    }
});
