//! Class folders.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;

use imshard_imagenet::{Extent, Layout, Progress};

use crate::common::{Scratch, assert_all_read, bytes, ignored, image, refusal, samples, synsets};

#[test]
fn train_and_val_with_labels_in_sorted_order() {
    let raw = Scratch::new();
    raw.images("train/n01443537", &["n01443537_2.JPEG"]);
    raw.images(
        "train/n01440764",
        &["n01440764_9.JPEG", "n01440764_10026.JPEG"],
    );
    raw.images("val/n01443537", &["ILSVRC2012_val_00000262.JPEG"]);
    let source = raw.open();
    assert_eq!(synsets(&*source), ["n01440764", "n01443537"]);
    assert_eq!(source.classes()[0].names, ["tench", "Tinca tinca"]);
    assert_eq!(source.splits()[0].name, "train");
    assert_eq!(source.splits()[0].layout, Layout::ClassFolders);
    assert_eq!(
        samples(&*source, 0),
        [
            ("n01440764/n01440764_10026.JPEG", "n01440764"),
            ("n01440764/n01440764_9.JPEG", "n01440764"),
            ("n01443537/n01443537_2.JPEG", "n01443537"),
        ]
    );
    assert_eq!(source.splits()[1].name, "val");
    assert_eq!(
        samples(&*source, 1),
        [("n01443537/ILSVRC2012_val_00000262.JPEG", "n01443537")]
    );
    assert!(source.random_access());
    assert_all_read(&*source);
    let coverage = source.coverage();
    assert_eq!(coverage.extent, Extent::Part);
    assert_eq!(
        coverage.to_string(),
        "part of ImageNet (ILSVRC2012): classes 2 of 1,000, train 3 of 1,281,167, val 1 of 50,000"
    );
    assert_eq!(
        source.describe(),
        format!(
            "{}: 2 classes; train 3 samples (class-folders), val 1 samples (class-folders)",
            raw.root().display()
        )
    );
}

#[test]
fn a_bare_folder_is_train_and_any_class_names_do() {
    let raw = Scratch::new();
    raw.images("Zebra", &["1.png"]);
    raw.images("ant", &["1.JpG"]);
    raw.images("ant/deeper", &["1.jpg"]);
    raw.images("Ärger im Büro", &["ß.jpeg"]);
    let source = raw.open();
    // Byte-wise: capitals before small letters, ASCII before the rest.
    assert_eq!(synsets(&*source), ["Zebra", "ant", "Ärger im Büro"]);
    assert_eq!(
        samples(&*source, 0),
        [
            ("Zebra/1.png", "Zebra"),
            ("ant/1.JpG", "ant"),
            ("ant/deeper/1.jpg", "ant"),
            ("Ärger im Büro/ß.jpeg", "Ärger im Büro"),
        ]
    );
    assert_eq!(source.coverage().extent, Extent::Other);
    assert_all_read(&*source);
}

#[test]
fn validation_is_val_and_a_second_candidate_is_reported() {
    let raw = Scratch::new();
    raw.images("train/a", &["1.jpg"]);
    raw.images("validation/a", &["2.jpg"]);
    raw.write("ILSVRC2012_img_train.tar", "not even looked at");
    std::fs::create_dir(raw.path("val")).unwrap();
    let source = raw.open();
    assert_eq!(source.splits()[1].name, "val");
    assert_eq!(samples(&*source, 1), [("a/2.jpg", "a")]);
    let used = format!("{} is used instead", raw.path("train").display());
    assert_eq!(
        ignored(&*source),
        [("ILSVRC2012_img_train.tar".to_owned(), used.as_str())]
    );
}

#[test]
fn other_files_are_reported_by_name() {
    let raw = Scratch::new();
    raw.images("train/a", &["1.jpg", "2.gif", "._1.jpg"]);
    raw.write("train/stray.jpg", "x");
    raw.write("train/.cache/1.jpg", "x");
    raw.write("train/a/Thumbs.db", "x");
    let source = raw.open();
    assert_eq!(source.splits()[0].samples.len(), 1);
    let mut left_out = ignored(&*source);
    left_out.sort();
    assert_eq!(
        left_out,
        [
            ("._1.jpg".to_owned(), "a hidden file"),
            (".cache".to_owned(), "a hidden folder"),
            ("2.gif".to_owned(), "not a .JPEG, .jpg or .png file"),
            ("Thumbs.db".to_owned(), "not a .JPEG, .jpg or .png file"),
            ("stray.jpg".to_owned(), "an image outside the class folders"),
        ]
    );
}

#[test]
fn val_may_lack_classes_but_not_add_one() {
    let raw = Scratch::new();
    raw.images("train/a", &["1.jpg"]);
    raw.images("train/b", &["1.jpg"]);
    raw.images("val/b", &["2.jpg"]);
    let source = raw.open();
    assert_eq!(source.splits()[1].samples[0].label, 1);
    raw.images("val/c", &["3.jpg"]);
    let message = raw.refusal();
    assert!(
        message.contains("class c occurs only in val, not in the 2 classes of train"),
        "{message}"
    );
}

#[test]
fn a_class_without_samples_keeps_its_label() {
    let raw = Scratch::new();
    std::fs::create_dir_all(raw.path("train/a")).unwrap();
    raw.images("train/b", &["1.jpg"]);
    let source = raw.open();
    assert_eq!(source.splits()[0].samples[0].label, 1);
    assert_eq!(source.coverage().empty_classes, ["a"]);
}

#[test]
fn links_are_followed_and_dead_or_circular_ones_refused() {
    let raw = Scratch::new();
    raw.images("store", &["1.jpg"]);
    std::fs::create_dir_all(raw.path("data/a")).unwrap();
    symlink(raw.path("store/1.jpg"), raw.path("data/a/1.jpg")).unwrap();
    symlink(raw.path("store"), raw.path("data/b")).unwrap();
    let source = imshard_imagenet::open(&raw.path("data")).unwrap();
    assert_eq!(samples(&*source, 0), [("a/1.jpg", "a"), ("b/1.jpg", "b")]);
    assert_all_read(&*source);

    symlink(raw.path("nowhere.jpg"), raw.path("data/a/2.jpg")).unwrap();
    let message = refusal(imshard_imagenet::open(&raw.path("data")));
    assert!(message.contains("a/2.jpg: a broken link;"), "{message}");

    std::fs::remove_file(raw.path("data/a/2.jpg")).unwrap();
    symlink(raw.path("data/a"), raw.path("data/a/again")).unwrap();
    let message = refusal(imshard_imagenet::open(&raw.path("data")));
    assert!(message.contains("does a link lead back up?"), "{message}");
}

#[test]
fn what_is_no_data_set_is_refused_with_what_was_found() {
    let raw = Scratch::new();
    let message = raw.refusal();
    assert!(
        message.contains("0 folders, and no .JPEG, .jpg or .png file"),
        "{message}"
    );
    let message = refusal(imshard_imagenet::open(&raw.path("typo")));
    assert!(
        message.ends_with("typo: no such file or directory"),
        "{message}"
    );
    std::fs::create_dir(raw.path("src")).unwrap();
    raw.write("src/main.c", "");
    assert!(raw.refusal().contains("1 folders, and no .JPEG"));
}

#[test]
fn reads_beyond_the_end_and_vanished_files_are_errors() {
    let raw = Scratch::new();
    raw.images("a", &["1.jpg", "2.jpg"]);
    let source = raw.open();
    std::fs::remove_file(raw.path("a/2.jpg")).unwrap();
    let mut into = Vec::new();
    let message = source.read(0, 1, &mut into).unwrap_err().to_string();
    assert!(
        message.contains("a/2.jpg: sample a/2.jpg: No such file"),
        "{message}"
    );
    assert!(
        source
            .read(0, 2, &mut into)
            .unwrap_err()
            .to_string()
            .contains("has no sample 2 in split 0")
    );
    assert!(
        source
            .read(1, 0, &mut into)
            .unwrap_err()
            .to_string()
            .contains("has no sample 0 in split 1")
    );
    assert_eq!(bytes(&*source, 0, 0), image("1.jpg"));
}

#[test]
fn many_threads_read_one_source() {
    let raw = Scratch::new();
    let names: Vec<String> = (0..50).map(|i| format!("{i}.jpg")).collect();
    raw.images("a", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let source = raw.open();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_all_read(&*source));
        }
    });
}

#[test]
fn progress_ends_at_one_with_every_sample_counted() {
    let raw = Scratch::new();
    raw.images("train/a", &["1.jpg", "2.jpg"]);
    raw.images("train/b", &["1.jpg"]);
    raw.images("val/a", &["1.jpg"]);
    let mut seen = Vec::new();
    let mut hook = |progress: Progress| seen.push(progress);
    imshard_imagenet::OpenOptions::new()
        .progress(&mut hook)
        .open(raw.root())
        .unwrap();
    assert_eq!(
        seen,
        [
            Progress {
                split: "train",
                samples: 2,
                fraction: 0.5
            },
            Progress {
                split: "train",
                samples: 3,
                fraction: 1.0
            },
            Progress {
                split: "val",
                samples: 1,
                fraction: 1.0
            },
        ]
    );
}

#[test]
fn an_image_whose_name_is_no_utf_8_is_listed_and_a_folder_refused() {
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let raw = Scratch::new();
    raw.images("cats", &["1.jpg"]);
    let cats = raw.path("cats");
    if fs::write(cats.join(name(b"caf\xE9.jpg")), "x").is_err() {
        test_report::skip("this file system takes only UTF-8 names");
        return;
    }
    fs::write(cats.join(name(b"caf\xE9.txt")), "x").unwrap();
    let source = raw.open();
    let found = &source.splits()[0].samples;
    assert_eq!(found[0].key, "cats/1.jpg");
    assert_eq!(
        (found[1].key.as_str(), found[1].misnamed),
        ("cats/caf\\xE9.jpg", true)
    );
    assert_eq!(ignored(&*source)[0].1, "not a .JPEG, .jpg or .png file");
    let error = source.read(0, 1, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("caf\\xE9.jpg: its name is not UTF-8; rename it"),
        "{error}"
    );

    fs::create_dir(raw.root().join(name(b"chien\xFF"))).unwrap();
    let refusal = raw.refusal();
    assert!(
        refusal.ends_with("/chien\\xFF: the name is not UTF-8; rename it"),
        "{refusal}"
    );
}

#[test]
fn a_single_image_and_a_pipe_are_no_sources() {
    let raw = Scratch::new();
    raw.images("cats", &["1.jpg"]);
    let refused = refusal(imshard_imagenet::open(&raw.path("cats/1.jpg")));
    assert!(refused.contains("found here (a single image)"), "{refused}");
    let pipe = raw.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let refused = refusal(imshard_imagenet::open(&pipe));
    assert!(
        refused.contains("(neither a file nor a folder)"),
        "{refused}"
    );
}
