//! Validation images that lie flat, and the four ways to label them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use imshard_imagenet::{Layout, OpenOptions};

use crate::common::{
    Scratch, assert_all_read, ignored, refusal, samples, synsets, tar_of, tar_of_images,
};

const IMAGES: [&str; 3] = [
    "ILSVRC2012_val_00000001.JPEG",
    "ILSVRC2012_val_00000002.JPEG",
    "ILSVRC2012_val_00000003.JPEG",
];
/// In the devkit's numbering 1 = n02119789, 2 = n02100735, 300 (made up) = n02066245.
const META: &[u8] = include_bytes!("../../fixtures/meta.mat");
const GROUND_TRUTH: &str = "1\n300\n2\n";
const SYNSETS: &str = "n02119789\nn02066245\nn02100735\n";
const KAGGLE: &str = "ImageId,PredictionString\n\
    ILSVRC2012_val_00000002,n02066245 85 1 499 272 \n\
    ILSVRC2012_val_00000003,n02100735 1 2 3 4 n02100735 5 6 7 8 \n\
    ILSVRC2012_val_00000001,n02119789 111 108 365 315 \n";
const EXPECTED: [(&str, &str); 3] = [
    (IMAGES[0], "n02119789"),
    (IMAGES[1], "n02066245"),
    (IMAGES[2], "n02100735"),
];

fn devkit_tar_gz() -> Vec<u8> {
    let tar = tar_of([
        ("ILSVRC2012_devkit_t12/readme.txt", b"hello".to_vec()),
        (
            "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt",
            GROUND_TRUTH.as_bytes().to_vec(),
        ),
        ("ILSVRC2012_devkit_t12/data/meta.mat", META.to_vec()),
    ]);
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&tar).unwrap();
    gz.finish().unwrap()
}

/// Reversed: the order in the tar must not matter.
fn val_tar() -> Vec<u8> {
    tar_of_images(&[IMAGES[2], IMAGES[1], IMAGES[0]])
}

#[test]
fn a_tar_with_the_packed_devkit() {
    let raw = Scratch::new();
    let path = raw.write("ILSVRC2012_img_val.tar", val_tar());
    raw.write("ILSVRC2012_devkit_t12.tar.gz", devkit_tar_gz());
    for source in [raw.open(), imshard_imagenet::open(&path).unwrap()] {
        assert_eq!(source.splits().len(), 1);
        assert_eq!(source.splits()[0].name, "val");
        assert_eq!(source.splits()[0].layout, Layout::FlatTar);
        assert_eq!(samples(&*source, 0), EXPECTED);
        assert_all_read(&*source);
    }
}

#[test]
fn the_devkits_numbering_is_not_the_label() {
    let raw = Scratch::new();
    raw.images("val", &IMAGES);
    raw.write("ILSVRC2012_devkit_t12.tar.gz", devkit_tar_gz());
    let source = raw.open();
    // Without train, the classes are the devkit's leaves, sorted; inner nodes are none.
    assert_eq!(
        synsets(&*source),
        [
            "n02066245",
            "n02096294",
            "n02100735",
            "n02110185",
            "n02119789"
        ]
    );
    let labels: Vec<u32> = source.splits()[0]
        .samples
        .iter()
        .map(|sample| sample.label)
        .collect();
    assert_eq!(labels, [4, 0, 2]);
}

#[test]
fn with_train_its_classes_count() {
    let raw = Scratch::new();
    for class in ["n02066245", "n02100735", "n02119789"] {
        raw.images(&format!("train/{class}"), &["1.JPEG"]);
    }
    raw.images("val", &IMAGES);
    raw.write("ILSVRC2012_devkit_t12/data/meta.mat", META);
    raw.write(
        "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt",
        GROUND_TRUTH,
    );
    let source = raw.open();
    assert_eq!(synsets(&*source), ["n02066245", "n02100735", "n02119789"]);
    assert_eq!(samples(&*source, 1), EXPECTED);
    assert_eq!(source.splits()[1].layout, Layout::FlatFolder);
    assert_all_read(&*source);

    std::fs::remove_dir_all(raw.path("train/n02066245")).unwrap();
    let message = raw.refusal();
    assert!(
        message.contains("class n02066245 occurs only in val"),
        "{message}"
    );
}

#[test]
fn labels_may_lie_with_the_images_beside_or_above() {
    for place in ["val/", "", "../"] {
        for (file, text) in [
            ("imagenet_2012_validation_synset_labels.txt", SYNSETS),
            ("LOC_val_solution.csv", KAGGLE),
        ] {
            let raw = Scratch::new();
            raw.images("root/val", &IMAGES);
            raw.write(&format!("root/{place}{file}"), text);
            let source = imshard_imagenet::open(&raw.path("root")).unwrap();
            assert_eq!(samples(&*source, 0), EXPECTED, "{place}{file}");
            assert_eq!(synsets(&*source), ["n02066245", "n02100735", "n02119789"]);
        }
    }
}

#[test]
fn ground_truth_beside_the_images_and_meta_in_the_devkit() {
    let raw = Scratch::new();
    raw.images("val", &IMAGES);
    raw.write("val/ILSVRC2012_validation_ground_truth.txt", GROUND_TRUTH);
    let message = raw.refusal();
    assert!(
        message.contains("meta.mat, which maps them to classes, was not found"),
        "{message}"
    );
    raw.write("ILSVRC2012_devkit_t12.tar.gz", devkit_tar_gz());
    let source = raw.open();
    assert_eq!(samples(&*source, 0), EXPECTED);
    assert_eq!(
        ignored(&*source),
        [(
            "ILSVRC2012_validation_ground_truth.txt".to_owned(),
            "not a .JPEG, .jpg or .png file"
        )]
    );
}

#[test]
fn labels_that_are_given_win() {
    let raw = Scratch::new();
    raw.images("data/val", &IMAGES);
    raw.write("data/LOC_val_solution.csv", "nonsense");
    raw.write("kit/data/meta.mat", META);
    raw.write(
        "kit/data/ILSVRC2012_validation_ground_truth.txt",
        GROUND_TRUTH,
    );
    raw.write("my list", SYNSETS);
    raw.write("packed.tgz", devkit_tar_gz());
    for given in [
        "kit",
        "kit/data",
        "kit/data/ILSVRC2012_validation_ground_truth.txt",
        "my list",
        "packed.tgz",
    ] {
        let source = OpenOptions::new()
            .labels(raw.path(given))
            .open(&raw.path("data"))
            .unwrap();
        assert_eq!(samples(&*source, 0), EXPECTED, "{given}");
    }
    let given = OpenOptions::new()
        .labels(raw.path("nowhere"))
        .open(&raw.path("data"));
    assert!(refusal(given).ends_with("nowhere: no such file or directory"));
    let given = OpenOptions::new()
        .labels(raw.path("data/val"))
        .open(&raw.path("data"));
    assert!(refusal(given).contains(&format!("looked in {} for", raw.path("data/val").display())));
}

#[test]
fn labels_for_class_folders_are_reported_as_unused() {
    let raw = Scratch::new();
    raw.images("val/a", &["1.jpg"]);
    raw.images("train/a", &["1.jpg"]);
    let list = raw.write("list", SYNSETS);
    let source = OpenOptions::new().labels(list).open(raw.root()).unwrap();
    assert_eq!(
        ignored(&*source),
        [(
            "list".to_owned(),
            "labels are for validation images in a flat folder or tar, and there are none here"
        )]
    );
}

#[test]
fn kaggles_own_folders() {
    let raw = Scratch::new();
    raw.images("ILSVRC/Data/CLS-LOC/train/n02066245", &["n02066245_1.JPEG"]);
    raw.images("ILSVRC/Data/CLS-LOC/train/n02100735", &["n02100735_1.JPEG"]);
    raw.images("ILSVRC/Data/CLS-LOC/train/n02119789", &["n02119789_1.JPEG"]);
    raw.images("ILSVRC/Data/CLS-LOC/val", &IMAGES);
    raw.write("LOC_val_solution.csv", KAGGLE);
    let source = raw.open();
    assert_eq!(source.splits()[0].samples.len(), 3);
    assert_eq!(samples(&*source, 1), EXPECTED);
}

#[test]
fn without_labels_the_refusal_says_where_it_looked_and_for_what() {
    let raw = Scratch::new();
    let path = raw.write("in/val.tar", val_tar());
    let message = refusal(imshard_imagenet::open(&path));
    let searched = format!("{}, {}", raw.path("in").display(), raw.root().display());
    assert!(
        message.contains(&format!(
            "looked in {searched} for imagenet_2012_validation"
        )),
        "{message}"
    );
    assert!(
        message.contains("ILSVRC2012_devkit_t12.tar.gz"),
        "{message}"
    );
}

#[test]
fn as_many_labels_as_images_or_both_numbers_are_said() {
    for (labels, count) in [
        (SYNSETS.replace("n02100735\n", ""), 2),
        (format!("{SYNSETS}n02119789\n"), 4),
    ] {
        let raw = Scratch::new();
        raw.images("val", &IMAGES);
        raw.write("imagenet_2012_validation_synset_labels.txt", labels);
        let message = raw.refusal();
        assert!(
            message.contains(&format!("{count} labels, but")),
            "{message}"
        );
        assert!(
            message.contains("has 3 images; the numbers must be equal"),
            "{message}"
        );
    }
    let raw = Scratch::new();
    raw.images("val", &IMAGES[..2]);
    raw.write("LOC_val_solution.csv", KAGGLE);
    let message = raw.refusal();
    assert!(
        message.contains("3 labels, but") && message.contains("has 2 images"),
        "{message}"
    );
}

#[test]
fn an_image_missing_in_the_middle_does_not_shift_the_labels() {
    let raw = Scratch::new();
    raw.images("val", &[IMAGES[0], IMAGES[2], "zzz.JPEG"]);
    raw.write("imagenet_2012_validation_synset_labels.txt", SYNSETS);
    let message = raw.refusal();
    assert!(
        message.contains("label 2 would go to ILSVRC2012_val_00000003.JPEG"),
        "{message}"
    );
}

#[test]
fn bad_labels_are_refused_by_line() {
    let with = |file: &str, text: &str| {
        let raw = Scratch::new();
        raw.images("val", &IMAGES);
        raw.write("meta.mat", META);
        raw.write(file, text);
        raw.refusal()
    };
    let list = "imagenet_2012_validation_synset_labels.txt";
    assert!(with(list, "n02119789\nfox\nn02100735\n").contains("line 2 is not a class: \"fox\""));
    assert!(with(list, "n02119789\n\nn02100735\n").contains("line 2 is not a class: \"\""));
    assert!(with(list, "\n\n").contains("has no labels"));
    let truth = "ILSVRC2012_validation_ground_truth.txt";
    assert!(with(truth, "1\nx\n2\n").contains("line 2 is not a class id: \"x\""));
    assert!(with(truth, "1\n2\n7\n").contains("line 3: the devkit's meta.mat has no id 7"));
    assert!(with(truth, "1\n2\n1001\n").contains("line 3: id 1001 is n00001740, an inner node"));
    assert!(with("LOC_val_solution.csv", "ImageId,P\nx\n").contains("line 2 is not `image,synset"));
    assert!(
        with("LOC_val_solution.csv", &KAGGLE.replace("03,", "04,"))
            .contains("has no label for image ILSVRC2012_val_00000003.JPEG")
    );
}

#[test]
fn a_broken_meta_or_devkit_is_named() {
    let raw = Scratch::new();
    raw.images("val", &IMAGES);
    raw.write("ILSVRC2012_validation_ground_truth.txt", GROUND_TRUTH);
    raw.write("meta.mat", &META[..300]);
    let message = raw.refusal();
    assert!(message.contains("meta.mat: cut off"), "{message}");

    let raw = Scratch::new();
    raw.images("val", &IMAGES);
    raw.write("ILSVRC2012_devkit_t12.tar.gz", &devkit_tar_gz()[..100]);
    let message = raw.refusal();
    assert!(
        message.contains("ILSVRC2012_devkit_t12.tar.gz: not a tar.gz, or damaged"),
        "{message}"
    );
}
