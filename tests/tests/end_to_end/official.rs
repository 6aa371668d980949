//! Small versions of the official ImageNet archives: a tar of tars, a flat tar of validation images, and the devkit's
//! ground truth.

use std::fs;
use std::path::Path;

use tar::{Builder, Header};

use crate::sandbox::Sandbox;

/// Three synsets of the devkit, with their ids from its `meta.mat`.
const SYNSETS: [(u32, &str); 3] = [(2, "n02100735"), (1, "n02119789"), (3, "n02110185")];

const META: &[u8] = include_bytes!("../../../crates/imagenet/fixtures/meta.mat");

/// Renames the classes to `SYNSETS`, and turns the validation images into a flat folder with ground truth in the
/// devkit's numbering.
fn official_sandbox() -> Sandbox {
    let sandbox = Sandbox::with_images(5, 2);
    let classes = ["blobs", "checker", "rings"];
    fs::create_dir_all(sandbox.path("raw/flat")).unwrap();
    let mut truth = String::new();
    let mut number = 0;
    for image in 0..2 {
        for (class, (id, _)) in classes.iter().zip(SYNSETS) {
            number += 1;
            let from = format!("raw/val/{class}/{class}_{image:05}.JPEG");
            let to = format!("raw/flat/ILSVRC2012_val_{number:08}.JPEG");
            fs::rename(sandbox.path(&from), sandbox.path(&to)).unwrap();
            truth += &format!("{id}\n");
        }
    }
    fs::remove_dir_all(sandbox.path("raw/val")).unwrap();
    fs::rename(sandbox.path("raw/flat"), sandbox.path("raw/val")).unwrap();
    for (class, (_, synset)) in classes.iter().zip(SYNSETS) {
        let (from, to) = (format!("raw/train/{class}"), format!("raw/train/{synset}"));
        fs::rename(sandbox.path(&from), sandbox.path(&to)).unwrap();
    }
    let truth_file = sandbox.path("raw/ILSVRC2012_validation_ground_truth.txt");
    fs::write(truth_file, truth).unwrap();
    fs::write(sandbox.path("raw/meta.mat"), META).unwrap();
    sandbox
}

/// A tar of the files directly in `dir`, in order.
fn tar(dir: &Path) -> Vec<u8> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut tar = Builder::new(Vec::new());
    for path in paths {
        append(
            &mut tar,
            path.file_name().unwrap().as_ref(),
            &fs::read(&path).unwrap(),
        );
    }
    tar.into_inner().unwrap()
}

fn append(tar: &mut Builder<Vec<u8>>, name: &Path, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes).unwrap();
}

/// Writes the images of `raw/` to `tars/`, as the official archives.
fn write_tars(sandbox: &Sandbox) {
    fs::create_dir(sandbox.path("tars")).unwrap();
    let mut train = Builder::new(Vec::new());
    // The classes are not in the order of their synset ids, as in the official archive.
    for (_, synset) in SYNSETS {
        let images = tar(&sandbox.path("raw/train").join(synset));
        append(&mut train, format!("{synset}.tar").as_ref(), &images);
    }
    let train = train.into_inner().unwrap();
    fs::write(sandbox.path("tars/ILSVRC2012_img_train.tar"), train).unwrap();
    let val = tar(&sandbox.path("raw/val"));
    fs::write(sandbox.path("tars/ILSVRC2012_img_val.tar"), val).unwrap();
    for file in ["ILSVRC2012_validation_ground_truth.txt", "meta.mat"] {
        fs::copy(
            sandbox.path("raw").join(file),
            sandbox.path("tars").join(file),
        )
        .unwrap();
    }
}

#[test]
fn the_official_archives_give_the_records_of_the_same_folders() {
    let sandbox = official_sandbox();
    write_tars(&sandbox);
    sandbox
        .shard("build --source raw --out folders --shards 2")
        .says(&["part of ImageNet (ILSVRC2012)", "classes 3 of 1,000"]);
    sandbox.shard("build --source tars --out tared --shards 2 -q");
    for set in ["folders", "tared"] {
        sandbox.shard(&format!("verify {set} --decode -q"));
    }
    for split in ["train", "val"] {
        let records = sandbox.manifest("tared")["splits"][split]["records"]
            .as_u64()
            .unwrap();
        for record in 0..records {
            let view = |set: &str| {
                let args = format!("inspect {set} --split {split} --record {record} --json");
                let view = sandbox.shard(&args).json();
                ["key", "label", "synset", "class", "hash", "offset"]
                    .map(|field| view[field].clone())
            };
            assert_eq!(view("folders"), view("tared"));
        }
    }
    let manifest = sandbox.manifest("tared");
    assert_eq!(manifest["splits"]["train"]["layout"], "tar-of-tars");
    assert_eq!(manifest["splits"]["val"]["layout"], "flat-tar");
    // Labels follow the sorted synset ids, not the devkit's numbers, and classes have names.
    assert_eq!(manifest["classes"][0]["synset"], "n02100735");
    assert_eq!(manifest["classes"][0]["names"][0], "English setter");
}

#[test]
fn flat_validation_images_are_exported_with_labels_that_build_reads() {
    let sandbox = official_sandbox();
    sandbox.shard("build --source raw --out set -q");
    sandbox.shard("export set --out back");
    assert_eq!(sandbox.files("raw/train"), sandbox.files("back/train"));
    assert_eq!(sandbox.files("raw/val"), sandbox.files("back/val"));
    sandbox.shard("build --source back --out again -q");
    assert_eq!(sandbox.files("set"), sandbox.files("again"));
}

#[test]
fn labels_may_come_from_another_file_and_missing_ones_are_reported() {
    let sandbox = official_sandbox();
    fs::create_dir(sandbox.path("devkit")).unwrap();
    for file in ["ILSVRC2012_validation_ground_truth.txt", "meta.mat"] {
        fs::rename(
            sandbox.path("raw").join(file),
            sandbox.path("devkit").join(file),
        )
        .unwrap();
    }
    sandbox
        .run("shard", "build --source raw --out set")
        .ends_with(1)
        .says(&[
            "no labels were found",
            "ILSVRC2012_validation_ground_truth.txt",
        ]);
    sandbox
        .shard("build --source raw --out set --labels devkit")
        .says(&["21 images"]);
}
