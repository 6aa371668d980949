//! Data sets of decoded pixels: with and without the source files, scaled, converted.

use std::fs;

use made_images::write_odd_files;

use crate::bench::Bench;

/// Images, with one of each odd file among the training images of the first class, but no broken files.
fn odd_bench() -> Bench {
    let bench = Bench::with_images(8, 2);
    let folder = bench.path("raw/train/blobs");
    for name in write_odd_files(&folder, 0, 3).unwrap() {
        if name.starts_with("bad_") {
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
    bench
}

fn encodings(bench: &Bench, set: &str, records: u64, encoding: &str) -> usize {
    let shown = (0..records).map(|record| {
        let show = format!("inspect {set} --record {record} --json");
        bench.shard(&show).json()["encoding"].clone()
    });
    shown.filter(|shown| shown == encoding).count()
}

#[test]
fn every_file_is_stored_as_pixels_and_comes_back() {
    let bench = odd_bench();
    for level in ["stored", "-5", "3"] {
        let set = format!("set{level}");
        bench
            .shard(&format!(
                "build --source raw --out {set} --encoding pixels --pixels-level {level} --shards 2"
            ))
            .says(&["36 images"]);
        bench
            .shard(&format!("verify {set} --decode"))
            .says(&[": OK: ", "every image decoded"]);
        bench.shard(&format!("export {set} --out back{level} -q"));
        assert_eq!(bench.files("raw"), bench.files(&format!("back{level}")));
        assert_eq!(encodings(&bench, &set, 30, "pixels"), 30);
        let told = &bench.manifest(&set)["options"]["pixels"];
        assert_eq!(
            (&told["of"], &told["originals"]),
            (&"all".into(), &"kept".into())
        );
        let flags = "--threads 1 --seconds 0.2 --warmup 0 --batch 4 --size 32";
        for decode in ["fast", "exact"] {
            bench
                .shard(&format!("bench {set} {flags} --decode {decode}"))
                .says(&["img/s", "decode"]);
        }
    }
    bench
        .shard("inspect setstored --record 1")
        .says(&["pixels of ", "plain", "source file of "]);
    // A second build finds nothing to do. Another compression level makes another data set.
    let build = "build --source raw --out set3 --encoding pixels --shards 2 --pixels-level";
    bench.shard(&format!("{build} 3")).says(&["nothing to do"]);
    bench
        .run("shard", &format!("{build} 4"))
        .ends_with(1)
        .says(&["--force"]);
}

#[test]
fn dropped_files_are_reported_and_their_pixels_come_back() {
    let bench = odd_bench();
    bench.shard("build --source raw --out kept --encoding pixels -q");
    bench.shard("build --source raw --out set --encoding pixels --drop-originals -q");
    let said = "the source files were dropped; PNG files of the same pixels replace them";
    bench.shard("inspect set").says(&[said]);
    bench.shard("export set --out back").says(&[said]);
    bench.shard("verify set --decode").says(&[": OK: "]);
    for (name, bytes) in bench.files("back") {
        assert!(bytes.starts_with(b"\x89PNG"), "{}", name.display());
    }
    let bytes = |set: &str| bench.manifest(set)["splits"]["train"]["bytes"].as_u64();
    assert!(bytes("set") < bytes("kept"));
    // The files are lost, so they cannot be stored in another encoding.
    bench.shard("convert set --to jpeg --out converted -q");
    assert_eq!(encodings(&bench, "converted", 30, "pixels"), 30);
    bench.shard("inspect converted").says(&[said]);
}

#[test]
fn converting_to_pixels_and_back_loses_nothing() {
    let bench = odd_bench();
    bench.shard("build --source raw --out jpeg --transcode --shards 2 -q");
    bench.shard("convert jpeg --to pixels --pixels-level 3 --out pixels -q");
    assert_eq!(encodings(&bench, "pixels", 30, "pixels"), 30);
    bench.shard("verify pixels --decode").says(&[": OK: "]);
    bench.shard("convert pixels --to jpeg --out again -q");
    assert_eq!(encodings(&bench, "again", 30, "pixels"), 0);
    assert!(bench.manifest("again")["options"]["pixels"].is_null());
    for set in ["pixels", "again"] {
        bench.shard(&format!("export {set} --out back-{set} -q"));
        assert_eq!(bench.files("raw"), bench.files(&format!("back-{set}")));
    }
    bench.shard("convert jpeg --to pixels --drop-originals --out dropped -q");
    bench
        .shard("inspect dropped --record 3")
        .says(&["the source file is not here"]);
}

#[test]
fn only_odd_files_can_be_stored_as_pixels() {
    let bench = odd_bench();
    bench.shard("build --source raw --out set --odd pixels --transcode -q");
    let as_pixels = encodings(&bench, "set", 30, "pixels");
    assert_eq!(as_pixels, 2, "the CMYK file and the PNG");
    assert_eq!(encodings(&bench, "set", 30, "transcoded"), 2);
    bench.shard("verify set --decode").says(&[": OK: "]);
    bench.shard("export set --out back -q");
    assert_eq!(bench.files("raw"), bench.files("back"));
}

#[test]
fn scaled_images_are_stored_as_pixels_and_marked_as_lossy() {
    let bench = Bench::with_images(6, 2);
    bench.shard("build --source raw --out set --encoding pixels --short-side 40 -q");
    let view = bench.shard("inspect set --json").json();
    let sides = [
        &view["splits"]["train"]["width"],
        &view["splits"]["train"]["height"],
    ];
    let least = sides.map(|side| side["min"].as_u64().unwrap());
    assert_eq!(least.into_iter().min(), Some(40));
    bench.shard("inspect set").says(&[
        "lossy: images with a shorter side above 40 px were scaled to it and stored as pixels",
    ]);
    bench.shard("verify set --decode").says(&[": OK: "]);
    bench.shard(
        "build --source raw --out half --encoding pixels --short-side 40 --subsampling 420 -q",
    );
    let bytes = |set: &str| bench.manifest(set)["splits"]["train"]["bytes"].as_u64();
    assert!(bytes("half") <= bytes("set"));
}

#[test]
fn contradictory_options_are_wrong_usage() {
    let bench = Bench::with_images(1, 1);
    for (words, said) in [
        ("--drop-originals", "--drop-originals needs"),
        ("--pixels-level 1", "--pixels-level needs"),
        (
            "--encoding pixels --pixels-level 99",
            "neither 'stored' nor a level",
        ),
        ("--encoding pixels --transcode", "leave out --transcode"),
        (
            "--encoding source --odd pixels",
            "--odd pixels has no effect",
        ),
    ] {
        bench
            .run("shard", &format!("build --source raw --out set {words}"))
            .ends_with(2)
            .says(&[said]);
    }
    assert!(!bench.path("set").exists());
}

#[test]
fn bench_compares_pixels_with_other_encodings() {
    let bench = Bench::with_images(6, 2);
    bench.shard("build --source raw --out set -q");
    let mut command = bench.command(
        "shard",
        "bench set --threads 1 --seconds 0.2 --warmup 0 --batch 4 --size 32 --compare",
    );
    command.arg("jpeg,pixels --pixels-level stored --drop-originals,pixels --pixels-level -5");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for name in [
        "jpeg",
        "pixels --pixels-level stored",
        "pixels --pixels-level -5",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
}
