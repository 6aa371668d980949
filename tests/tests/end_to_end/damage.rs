//! Damaged data sets.

use std::fs;

use crate::bench::Bench;

fn bench_with_set() -> Bench {
    let bench = Bench::with_images(8, 2);
    bench.shard("build --source raw --out set --shards 2 -q");
    bench
}

#[test]
fn a_flipped_bit_is_found_and_its_record_named() {
    let bench = bench_with_set();
    let shown = bench
        .shard("inspect set/train-00001-of-00002.shard --record 3 --json")
        .json();
    let key = shown["key"].as_str().unwrap();
    bench.flip(
        "set/train-00001-of-00002.shard",
        shown["offset"].as_u64().unwrap() + 100,
    );
    let found = bench.run("shard", "verify set --json").ends_with(1).json();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["file"], "train-00001-of-00002.shard");
    assert_eq!(findings[0]["record"], 3);
    assert_eq!(findings[0]["key"], key);

    bench
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["1 fault", key, "record 3", "damaged"]);
    bench
        .run("shard", "export set --out back")
        .ends_with(1)
        .says(&[key, "damaged"]);
    bench
        .shard("inspect set/train-00001-of-00002.shard --record 3")
        .says(&["DO NOT MATCH"]);
}

#[test]
fn every_fault_is_listed_not_just_the_first() {
    let bench = bench_with_set();
    bench.flip("set/train-00000-of-00002.shard", 70);
    let shard = "set/train-00001-of-00002.shard";
    let length = fs::metadata(bench.path(shard)).unwrap().len();
    bench.flip(shard, length - 80); // in the index
    fs::remove_file(bench.path("set/val-00000-of-00002.shard")).unwrap();
    let extra = bench.path("set/val-00000-of-00005.shard");
    fs::copy(bench.path("set/val-00001-of-00002.shard"), extra).unwrap();
    fs::write(bench.path("set/train-00000-of-00002.shard.tmp"), "").unwrap();
    bench.run("shard", "verify set").ends_with(1).says(&[
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
    let bench = bench_with_set();
    let shard = bench.path("set/train-00001-of-00002.shard");
    let bytes = fs::read(&shard).unwrap();
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&shard, &bytes[..length]).unwrap();
        bench
            .run("shard", "verify set")
            .ends_with(1)
            .says(&["train-00001-of-00002.shard", "1 fault"]);
        bench
            .run("shard", "bench set --seconds 0.1")
            .ends_with(1)
            .says(&["train-00001-of-00002.shard"]);
    }
}

#[test]
fn a_shard_of_another_build_is_found() {
    let bench = bench_with_set();
    bench.shard("build --source raw --out other --shards 2 --seed 9 -q");
    let name = "train-00000-of-00002.shard";
    fs::copy(bench.path("other").join(name), bench.path("set").join(name)).unwrap();
    bench
        .run("shard", "verify set")
        .ends_with(1)
        .says(&[name, "not the shard that the manifest lists"]);
}

#[test]
fn a_bit_in_the_padding_is_found() {
    let bench = bench_with_set();
    let shown = bench
        .shard("inspect set/val-00000-of-00002.shard --record 0 --json")
        .json();
    let end = shown["offset"].as_u64().unwrap() + shown["bytes"].as_u64().unwrap();
    // Not every record ends on the alignment. If this one does, choose another.
    assert_ne!(end % 64, 0, "choose another record");
    bench.flip("set/val-00000-of-00002.shard", end);
    bench
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["1 fault", "padding"]);
}
