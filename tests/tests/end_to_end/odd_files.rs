//! Unusual files and bad files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use made_images::write_odd_files;

use crate::sandbox::Sandbox;

/// Images, with one of each odd file among the training images of the first class.
fn odd_sandbox() -> Sandbox {
    let sandbox = Sandbox::with_images(6, 2);
    write_odd_files(&sandbox.path("raw/train/blobs"), 0, 3).unwrap();
    sandbox
}

/// The manifest's entry for the file with this name.
fn entry<'a>(manifest: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    manifest["odd"].as_array().unwrap().iter().find(|odd| {
        odd["key"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/{name}.JPEG"))
    })
}

#[test]
fn by_default_the_build_checks_all_files_and_fails_if_any_is_bad() {
    let sandbox = odd_sandbox();
    sandbox
        .run("shard", "build --source raw --out set --shards 8")
        .ends_with(1)
        .says(&[
            "2 bad files",
            "bad_truncated.JPEG: decodes only with a warning",
            "bad_empty.JPEG: the file is empty",
            "--on-bad skip",
            "--on-bad repair",
        ]);
    assert!(!sandbox.path("set/dataset.json").exists());
    // Shards without bad files are finished, and the next run keeps them.
    let finished = sandbox.files("set").len();
    assert!((10..16).contains(&finished), "{finished} of 14 shards");
    sandbox
        .shard("build --source raw --out set --shards 8 --on-bad skip")
        .says(&[&format!(
            "{finished} shards of an earlier run verified and kept"
        )]);
    sandbox.shard("verify set --decode").says(&[": OK: "]);

    sandbox.shard("build --source raw --out fresh --shards 8 --on-bad skip -q");
    assert_eq!(sandbox.files("set"), sandbox.files("fresh"));
}

#[test]
fn skip_leaves_bad_files_out_and_lists_every_odd_file() {
    let sandbox = odd_sandbox();
    sandbox
        .shard("build --source raw --out set --on-bad skip")
        .says(&[
            "2 bad files left out",
            "6 unusual files, stored as they are:",
        ]);
    let manifest = sandbox.manifest("set");
    for (name, action, reason) in [
        ("odd_progressive", "kept", "progressive"),
        ("odd_gray", "kept", "gray"),
        ("odd_cmyk", "kept", "CMYK"),
        ("odd_restart", "kept", "restart marker"),
        ("odd_rotated", "kept", "EXIF orientation 6"),
        ("odd_png", "kept", "PNG named .JPEG"),
        ("bad_truncated", "skipped", "warning"),
        ("bad_empty", "skipped", "empty"),
    ] {
        let odd = entry(&manifest, name).unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!(odd["action"], action, "{odd}");
        assert!(odd["reason"].as_str().unwrap().contains(reason), "{odd}");
    }
    // The other files are stored verbatim.
    sandbox
        .shard("export set --out back")
        .says(&["2 files of the source were left out"]);
    for bad in ["bad_truncated", "bad_empty"] {
        fs::remove_file(sandbox.path(&format!("raw/train/blobs/{bad}.JPEG"))).unwrap();
    }
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));
}

#[test]
fn repair_keeps_files_that_decode_with_warnings() {
    let sandbox = odd_sandbox();
    sandbox
        .shard("build --source raw --out set --on-bad repair")
        .says(&["1 damaged file kept", "1 bad file left out"]);
    let manifest = sandbox.manifest("set");
    assert_eq!(
        entry(&manifest, "bad_truncated").unwrap()["action"],
        "repaired"
    );
    assert_eq!(entry(&manifest, "bad_empty").unwrap()["action"], "skipped");
    sandbox
        .shard("verify set --decode")
        .says(&[": OK: ", "1 image known to be damaged"]);
    sandbox
        .shard("inspect set")
        .says(&["repaired train/blobs/bad_truncated.JPEG"]);
}

#[test]
fn reading_only_headers_misses_a_truncated_end() {
    let sandbox = odd_sandbox();
    sandbox
        .run("shard", "build --source raw --out set --check header")
        .ends_with(1)
        .says(&["1 bad file", "bad_empty"]);
    sandbox.shard("build --source raw --out set --check header --on-bad skip -q");
    sandbox
        .run("shard", "verify set --decode")
        .ends_with(1)
        .says(&["1 fault", "bad_truncated", "warning"]);
}

#[test]
fn odd_jpegs_are_transcoded_on_request_and_come_back() {
    let sandbox = odd_sandbox();
    let build = "build --source raw --on-bad skip --transcode -q";
    sandbox.shard(&format!("{build} --out kept"));
    sandbox.shard(&format!("{build} --drop-originals --out dropped"));
    sandbox.shard("verify kept --decode").says(&[": OK: "]);
    sandbox.shard("export kept --out back -q");
    let raw = sandbox.files("raw/train");
    for (name, bytes) in sandbox.files("back/train") {
        assert!(bytes == raw[&name], "{}", name.display());
    }
    let manifest = sandbox.manifest("dropped");
    assert_eq!(manifest["options"]["transcode"]["originals"], "dropped");
    let said = "baseline files of the same pixels";
    sandbox.shard("export dropped --out other").says(&[said]);
    sandbox.shard("inspect dropped").says(&[said]);
    // Restart markers and progressive scans are lost; only these files differ.
    let differ = sandbox
        .files("other/train")
        .into_iter()
        .filter(|(name, bytes)| *bytes != raw[name])
        .count();
    assert!((1..=3).contains(&differ), "{differ} files differ");
}

#[test]
fn a_file_whose_name_is_not_utf_8_is_a_bad_file() {
    let sandbox = Sandbox::with_images(3, 1);
    let folder = sandbox.path("raw/train/blobs");
    let name = OsStr::from_bytes(b"caf\xE9.JPEG");
    if fs::copy(folder.join("blobs_00000.JPEG"), folder.join(name)).is_err() {
        test_report::skip("this file system takes only UTF-8 names");
        return;
    }
    for encoding in ["jpeg", "recoded"] {
        let build = format!("build --source raw --out {encoding} --encoding {encoding}");
        sandbox.run("shard", &build).ends_with(1).says(&[
            "train/blobs/caf\\xE9.JPEG: its name is not UTF-8; rename it",
            "--on-bad skip",
        ]);
        sandbox
            .shard(&format!("{build} --on-bad skip"))
            .says(&["12 images", "1 bad file left out"]);
        let manifest = sandbox.manifest(encoding);
        assert_eq!(manifest["odd"][0]["key"], "blobs/caf\\xE9.JPEG");
        sandbox.shard(&format!("verify {encoding} --decode"));
    }
}
