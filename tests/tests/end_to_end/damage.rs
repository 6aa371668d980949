//! Damaged data sets.

use std::fs;

use crate::sandbox::Sandbox;

fn sandbox_with_set() -> Sandbox {
    let sandbox = Sandbox::with_images(8, 2);
    sandbox.shard("build --source raw --out set --shards 2 -q");
    sandbox
}

#[test]
fn a_flipped_bit_is_found_and_its_record_named() {
    let sandbox = sandbox_with_set();
    let shown = sandbox
        .shard("inspect set/train-00001-of-00002.shard --record 3 --json")
        .json();
    let key = shown["key"].as_str().unwrap();
    sandbox.flip(
        "set/train-00001-of-00002.shard",
        shown["offset"].as_u64().unwrap() + 100,
    );
    let found = sandbox
        .run("shard", "verify set --json")
        .ends_with(1)
        .json();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["file"], "train-00001-of-00002.shard");
    assert_eq!(findings[0]["record"], 3);
    assert_eq!(findings[0]["key"], key);

    sandbox
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["1 fault", key, "record 3", "damaged"]);
    sandbox
        .run("shard", "export set --out back")
        .ends_with(1)
        .says(&[key, "damaged"]);
    sandbox
        .shard("inspect set/train-00001-of-00002.shard --record 3")
        .says(&["DO NOT MATCH"]);
}

#[test]
fn every_fault_is_listed_not_just_the_first() {
    let sandbox = sandbox_with_set();
    sandbox.flip("set/train-00000-of-00002.shard", 70);
    let shard = "set/train-00001-of-00002.shard";
    let length = fs::metadata(sandbox.path(shard)).unwrap().len();
    sandbox.flip(shard, length - 80); // in the index
    fs::remove_file(sandbox.path("set/val-00000-of-00002.shard")).unwrap();
    let extra = sandbox.path("set/val-00000-of-00005.shard");
    fs::copy(sandbox.path("set/val-00001-of-00002.shard"), extra).unwrap();
    fs::write(sandbox.path("set/train-00000-of-00002.shard.tmp"), "").unwrap();
    sandbox.run("shard", "verify set").ends_with(1).says(&[
        "5 faults",
        "record 0",
        "train-00001-of-00002.shard",
        "val-00000-of-00002.shard: missing",
        "val-00000-of-00005.shard: the manifest does not list this shard",
        "left by an interrupted build",
    ]);
}

#[test]
fn a_truncated_shard_is_found() {
    let sandbox = sandbox_with_set();
    let shard = sandbox.path("set/train-00001-of-00002.shard");
    let bytes = fs::read(&shard).unwrap();
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&shard, &bytes[..length]).unwrap();
        sandbox
            .run("shard", "verify set")
            .ends_with(1)
            .says(&["train-00001-of-00002.shard", "1 fault"]);
        sandbox
            .run("shard", "bench set --seconds 0.1")
            .ends_with(1)
            .says(&["train-00001-of-00002.shard"]);
    }
}

#[test]
fn a_shard_of_another_build_is_found() {
    let sandbox = sandbox_with_set();
    sandbox.shard("build --source raw --out other --shards 2 --seed 9 -q");
    let name = "train-00000-of-00002.shard";
    fs::copy(
        sandbox.path("other").join(name),
        sandbox.path("set").join(name),
    )
    .unwrap();
    sandbox
        .run("shard", "verify set")
        .ends_with(1)
        .says(&[name, "not the shard that the manifest lists"]);
}

#[test]
fn a_bit_in_the_padding_is_found() {
    let sandbox = sandbox_with_set();
    let shown = sandbox
        .shard("inspect set/val-00000-of-00002.shard --record 0 --json")
        .json();
    let end = shown["offset"].as_u64().unwrap() + shown["bytes"].as_u64().unwrap();
    // Not every record ends on the alignment. If this one does, choose another.
    assert_ne!(end % 64, 0, "choose another record");
    sandbox.flip("set/val-00000-of-00002.shard", end);
    sandbox
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["1 fault", "padding"]);
}
