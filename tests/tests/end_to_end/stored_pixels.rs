//! Data sets of decoded pixels: with and without the source files, scaled, converted.

use std::fs;

use made_images::write_odd_files;

use crate::sandbox::Sandbox;

/// Images, with one of each odd file among the training images of the first class, but no broken files.
fn odd_sandbox() -> Sandbox {
    let sandbox = Sandbox::with_images(8, 2);
    let folder = sandbox.path("raw/train/blobs");
    for name in write_odd_files(&folder, 0, 3).unwrap() {
        if name.starts_with("bad_") {
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
    sandbox
}

fn encodings(sandbox: &Sandbox, set: &str, records: u64, encoding: &str) -> usize {
    let shown = (0..records).map(|record| {
        let show = format!("inspect {set} --record {record} --json");
        sandbox.shard(&show).json()["encoding"].clone()
    });
    shown.filter(|shown| shown == encoding).count()
}

#[test]
fn every_file_is_stored_as_pixels_and_comes_back() {
    let sandbox = odd_sandbox();
    for level in ["stored", "-5", "3"] {
        let set = format!("set{level}");
        sandbox
            .shard(&format!(
                "build --source raw --out {set} --encoding pixels --pixels-level {level} --shards 2"
            ))
            .says(&["36 images"]);
        sandbox
            .shard(&format!("verify {set} --decode"))
            .says(&[": OK: ", "every image decoded"]);
        sandbox.shard(&format!("export {set} --out back{level} -q"));
        assert_eq!(sandbox.files("raw"), sandbox.files(&format!("back{level}")));
        assert_eq!(encodings(&sandbox, &set, 30, "pixels"), 30);
        let told = &sandbox.manifest(&set)["options"]["pixels"];
        assert_eq!(
            (&told["of"], &told["originals"]),
            (&"all".into(), &"kept".into())
        );
        let flags = "--threads 1 --seconds 0.2 --warmup 0 --batch 4 --size 32";
        for decode in ["fast", "exact"] {
            sandbox
                .shard(&format!("bench {set} {flags} --decode {decode}"))
                .says(&["img/s", "decode"]);
        }
    }
    sandbox
        .shard("inspect setstored --record 1")
        .says(&["pixels of ", "plain", "source file of "]);
    // A second build finds nothing to do. Another compression level makes another data set.
    let build = "build --source raw --out set3 --encoding pixels --shards 2 --pixels-level";
    sandbox
        .shard(&format!("{build} 3"))
        .says(&["nothing to do"]);
    sandbox
        .run("shard", &format!("{build} 4"))
        .ends_with(1)
        .says(&["--force"]);
}

#[test]
fn dropped_files_are_reported_and_their_pixels_come_back() {
    let sandbox = odd_sandbox();
    sandbox.shard("build --source raw --out kept --encoding pixels -q");
    sandbox.shard("build --source raw --out set --encoding pixels --drop-originals -q");
    let said = "the source files were dropped; PNG files of the same pixels replace them";
    sandbox.shard("inspect set").says(&[said]);
    sandbox.shard("export set --out back").says(&[said]);
    sandbox.shard("verify set --decode").says(&[": OK: "]);
    for (name, bytes) in sandbox.files("back") {
        assert!(bytes.starts_with(b"\x89PNG"), "{}", name.display());
    }
    let bytes = |set: &str| sandbox.manifest(set)["splits"]["train"]["bytes"].as_u64();
    assert!(bytes("set") < bytes("kept"));
    // The files are lost, so they cannot be stored in another encoding.
    sandbox.shard("convert set --to jpeg --out converted -q");
    assert_eq!(encodings(&sandbox, "converted", 30, "pixels"), 30);
    sandbox.shard("inspect converted").says(&[said]);
}

#[test]
fn converting_to_pixels_and_back_loses_nothing() {
    let sandbox = odd_sandbox();
    sandbox.shard("build --source raw --out jpeg --transcode --shards 2 -q");
    sandbox.shard("convert jpeg --to pixels --pixels-level 3 --out pixels -q");
    assert_eq!(encodings(&sandbox, "pixels", 30, "pixels"), 30);
    sandbox.shard("verify pixels --decode").says(&[": OK: "]);
    sandbox.shard("convert pixels --to jpeg --out again -q");
    assert_eq!(encodings(&sandbox, "again", 30, "pixels"), 0);
    assert!(sandbox.manifest("again")["options"]["pixels"].is_null());
    for set in ["pixels", "again"] {
        sandbox.shard(&format!("export {set} --out back-{set} -q"));
        assert_eq!(sandbox.files("raw"), sandbox.files(&format!("back-{set}")));
    }
    sandbox.shard("convert jpeg --to pixels --drop-originals --out dropped -q");
    sandbox
        .shard("inspect dropped --record 3")
        .says(&["the source file is not here"]);
}

#[test]
fn only_odd_files_can_be_stored_as_pixels() {
    let sandbox = odd_sandbox();
    sandbox.shard("build --source raw --out set --odd pixels --transcode -q");
    let as_pixels = encodings(&sandbox, "set", 30, "pixels");
    assert_eq!(as_pixels, 2, "the CMYK file and the PNG");
    assert_eq!(encodings(&sandbox, "set", 30, "transcoded"), 2);
    sandbox.shard("verify set --decode").says(&[": OK: "]);
    sandbox.shard("export set --out back -q");
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));
}

#[test]
fn scaled_images_are_stored_as_pixels_and_marked_as_lossy() {
    let sandbox = Sandbox::with_images(6, 2);
    sandbox.shard("build --source raw --out set --encoding pixels --short-side 40 -q");
    let view = sandbox.shard("inspect set --json").json();
    let sides = [
        &view["splits"]["train"]["width"],
        &view["splits"]["train"]["height"],
    ];
    let least = sides.map(|side| side["min"].as_u64().unwrap());
    assert_eq!(least.into_iter().min(), Some(40));
    sandbox.shard("inspect set").says(&[
        "lossy: images with a shorter side above 40 px were scaled to it and stored as pixels",
    ]);
    sandbox.shard("verify set --decode").says(&[": OK: "]);
    sandbox.shard(
        "build --source raw --out half --encoding pixels --short-side 40 --subsampling 420 -q",
    );
    let bytes = |set: &str| sandbox.manifest(set)["splits"]["train"]["bytes"].as_u64();
    assert!(bytes("half") <= bytes("set"));
}

#[test]
fn contradictory_options_are_wrong_usage() {
    let sandbox = Sandbox::with_images(1, 1);
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
        sandbox
            .run("shard", &format!("build --source raw --out set {words}"))
            .ends_with(2)
            .says(&[said]);
    }
    assert!(!sandbox.path("set").exists());
}

#[test]
fn bench_compares_pixels_with_other_encodings() {
    let sandbox = Sandbox::with_images(6, 2);
    sandbox.shard("build --source raw --out set -q");
    let mut command = sandbox.command(
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
