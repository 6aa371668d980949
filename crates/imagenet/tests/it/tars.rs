//! The tar of class tars.

use std::thread;

use imshard_imagenet::Layout;

use crate::common::{
    Scratch, assert_all_read, ignored, image, refusal, samples, synsets, tar_of, tar_of_images,
};

const TENCH: [&str; 2] = ["n01440764_9.JPEG", "n01440764_10026.JPEG"];
const GOLDFISH: [&str; 1] = ["n01443537_2.JPEG"];

/// Goldfish first: the order in the tar must not matter.
fn train_tar() -> Vec<u8> {
    tar_of([
        ("n01443537.tar", tar_of_images(&GOLDFISH)),
        ("n01440764.tar", tar_of_images(&TENCH)),
    ])
}

#[test]
fn a_tar_of_tars_gives_what_the_folders_give() {
    let raw = Scratch::new();
    raw.images("folders/train/n01440764", &TENCH);
    raw.images("folders/train/n01443537", &GOLDFISH);
    let path = raw.write("any name.tar", train_tar());
    let folders = imshard_imagenet::open(&raw.path("folders")).unwrap();
    let tar = imshard_imagenet::open(&path).unwrap();
    assert_eq!(synsets(&*tar), synsets(&*folders));
    assert_eq!(samples(&*tar, 0), samples(&*folders, 0));
    assert_eq!(tar.splits()[0].layout, Layout::TarOfTars);
    assert_eq!(tar.splits()[0].name, "train");
    assert_eq!(
        tar.splits()[0].samples[0].size,
        image(TENCH[1]).len() as u64
    );
    assert!(tar.random_access());
    assert_all_read(&*tar);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_all_read(&*tar));
        }
    });
}

#[test]
fn it_is_found_in_a_folder_beside_class_folders_of_val() {
    let raw = Scratch::new();
    raw.write("ILSVRC2012_img_train.tar", train_tar());
    raw.images("val/n01440764", &["ILSVRC2012_val_00000293.JPEG"]);
    let source = raw.open();
    assert_eq!(source.splits()[0].samples.len(), 3);
    assert_eq!(
        samples(&*source, 1),
        [("n01440764/ILSVRC2012_val_00000293.JPEG", "n01440764")]
    );
    assert_all_read(&*source);
}

#[test]
fn long_names_folders_and_foreign_entries() {
    let raw = Scratch::new();
    let long = format!("{}.JPEG", "long_name_".repeat(20));
    let inner = tar_of([
        ("./", Vec::new()),
        (long.as_str(), image(&long)),
        ("deep/down/n01440764_1.JPEG", image("n01440764_1.JPEG")),
        ("._n01440764_1.JPEG", b"AppleDouble".to_vec()),
        ("notes.txt", b"x".to_vec()),
    ]);
    let path = raw.write(
        "t.tar",
        tar_of([("README", b"hello".to_vec()), ("a/b/n01440764.tar", inner)]),
    );
    let source = imshard_imagenet::open(&path).unwrap();
    let key = format!("n01440764/{long}");
    assert_eq!(
        samples(&*source, 0),
        [
            (key.as_str(), "n01440764"),
            ("n01440764/n01440764_1.JPEG", "n01440764")
        ]
    );
    assert_all_read(&*source);
    let left_out: Vec<String> = source
        .ignored()
        .iter()
        .map(|i| format!("{}: {}", i.path.display(), i.reason))
        .collect();
    let tar = path.display();
    assert_eq!(
        left_out,
        [
            format!("{tar}: README: not the .tar of a class"),
            format!("{tar}: ._n01440764_1.JPEG: a hidden file"),
            format!("{tar}: notes.txt: not a .JPEG, .jpg or .png file"),
        ]
    );
}

#[test]
fn pax_headers_are_understood() {
    let raw = Scratch::new();
    let name = format!("{}/n01440764_1.JPEG", "folder/".repeat(30));
    let bytes = image("n01440764_1.JPEG");
    let mut inner = tar::Builder::new(Vec::new());
    inner
        .append_pax_extensions([("path", name.as_bytes())])
        .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("cut").unwrap();
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    inner.append(&header, bytes.as_slice()).unwrap();
    let path = raw.write(
        "t.tar",
        tar_of([("n01440764.tar", inner.into_inner().unwrap())]),
    );
    let source = imshard_imagenet::open(&path).unwrap();
    assert_eq!(
        samples(&*source, 0),
        [("n01440764/n01440764_1.JPEG", "n01440764")]
    );
    assert_all_read(&*source);
}

#[test]
fn a_link_inside_is_reported() {
    let raw = Scratch::new();
    let mut inner = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    inner.append_link(&mut header, "2.JPEG", "1.JPEG").unwrap();
    let path = raw.write("t.tar", tar_of([("c.tar", inner.into_inner().unwrap())]));
    let source = imshard_imagenet::open(&path).unwrap();
    assert_eq!(source.coverage().empty_classes, ["c"]);
    assert_eq!(ignored(&*source)[0].1, "a link inside a tar");
}

#[test]
fn a_truncated_tar_is_refused_wherever_it_is_cut() {
    let raw = Scratch::new();
    let whole = train_tar();
    // Two zero blocks end the tar; the first is the marker.
    for cut in (0..whole.len() - 1023).step_by(128) {
        let path = raw.write("t.tar", &whole[..cut]);
        let message = refusal(imshard_imagenet::open(&path));
        assert!(message.contains("t.tar"), "cut at {cut}: {message}");
    }
    let in_tench = whole.len() - 2048;
    let message = refusal(imshard_imagenet::open(
        &raw.write("t.tar", &whole[..in_tench]),
    ));
    assert!(
        message.contains("cut off: entry n01440764.tar reaches to byte"),
        "{message}"
    );
    let at_the_marker = whole.len() - 1024;
    let message = refusal(imshard_imagenet::open(
        &raw.write("t.tar", &whole[..at_the_marker]),
    ));
    assert!(
        message.contains("no end-of-archive marker; download the file again"),
        "{message}"
    );
}

#[test]
fn an_inner_entry_that_is_no_tar_is_named() {
    let raw = Scratch::new();
    let not_tar = |bytes: Vec<u8>| {
        let tar = tar_of([
            ("n01440764.tar", tar_of_images(&TENCH)),
            ("n01443537.tar", bytes),
        ]);
        refusal(imshard_imagenet::open(&raw.write("t.tar", tar)))
    };
    let message = not_tar(b"<html>404</html>".repeat(100));
    assert!(
        message.contains("t.tar: entry n01443537.tar: not a tar, or damaged, at byte 0"),
        "{message}"
    );
    let message = not_tar(Vec::new());
    assert!(
        message.contains("t.tar: entry n01443537.tar: empty: not a tar"),
        "{message}"
    );
    let inner = tar_of_images(&TENCH);
    let message = not_tar(inner[..700].to_vec());
    assert!(
        message.contains("entry n01443537.tar: cut off: entry n01440764_9.JPEG reaches"),
        "{message}"
    );
}

#[test]
fn tars_put_end_to_end_are_refused() {
    let raw = Scratch::new();
    let twice = [train_tar(), train_tar()].concat();
    let message = refusal(imshard_imagenet::open(&raw.write("t.tar", twice)));
    assert!(
        message.contains("data after the end-of-archive marker"),
        "{message}"
    );
}

#[test]
fn one_name_twice_in_a_class_is_refused() {
    let raw = Scratch::new();
    let inner = tar_of_images(&["x/1.JPEG", "y/1.JPEG"]);
    let message = refusal(imshard_imagenet::open(
        &raw.write("t.tar", tar_of([("c.tar", inner)])),
    ));
    assert!(
        message.contains("split train has two samples named c/1.JPEG"),
        "{message}"
    );
}

#[test]
fn other_tars_and_other_files_are_refused() {
    let raw = Scratch::new();
    let message = refusal(imshard_imagenet::open(
        &raw.write("t.tar", tar_of([("a.txt", b"x".to_vec())])),
    ));
    assert!(
        message.contains("a tar with neither class tars nor images"),
        "{message}"
    );
    let message = refusal(imshard_imagenet::open(&raw.write("data.bin", [7_u8; 5000])));
    assert!(
        message.contains("data.bin: the tar itself: not a tar, or damaged, at byte 0"),
        "{message}"
    );
    raw.write("ILSVRC2012_img_train.tar", tar_of_images(&TENCH));
    let message = raw.refusal();
    assert!(
        message.contains("a tar of images; expected a tar of class tars"),
        "{message}"
    );
}

/// Flips each byte of the headers and then some: an answer or an error, never a panic or an endless loop.
#[test]
fn damaged_tars_do_no_harm() {
    let raw = Scratch::new();
    let whole = train_tar();
    for at in (0..whole.len()).filter(|at| at % 512 < 345 && at % 3 == 0) {
        let mut mutant = whole.clone();
        mutant[at] ^= 0x81;
        if let Ok(source) = imshard_imagenet::open(&raw.write("t.tar", mutant)) {
            let mut into = Vec::new();
            for index in 0..source.splits()[0].samples.len() {
                source.read(0, index, &mut into).unwrap();
            }
        }
    }
}

/// A tar with one file more whose name has `é` in Latin-1.
fn with_latin(names: Vec<(&str, Vec<u8>)>, latin: &str) -> Vec<u8> {
    let placeholder = latin.replace('é', "?");
    let one_more = (placeholder.as_str(), b"x".to_vec());
    let mut tar = tar_of(names.into_iter().chain([one_more]));
    let place = tar
        .windows(placeholder.len())
        .position(|at| at == placeholder.as_bytes());
    let header = place.unwrap();
    tar[header + placeholder.find('?').unwrap()] = 0xE9;
    // The sum of the header's bytes, with blanks in place of the sum.
    tar[header + 148..header + 156].fill(b' ');
    let sum: u32 = tar[header..header + 512]
        .iter()
        .map(|&byte| u32::from(byte))
        .sum();
    tar[header + 148..header + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar
}

#[test]
fn an_image_whose_name_is_no_utf_8_is_listed_and_a_class_refused() {
    let images = vec![(TENCH[0], image(TENCH[0]))];
    let raw = Scratch::new();
    let inner = with_latin(images.clone(), "café.JPEG");
    raw.write(
        "ILSVRC2012_img_train.tar",
        tar_of([("n01440764.tar", inner)]),
    );
    let source = raw.open();
    let found = &source.splits()[0].samples;
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].key.as_str(), found[0].misnamed),
        ("n01440764/caf\\xE9.JPEG", true)
    );

    let outer = with_latin(vec![("n01440764.tar", tar_of(images.clone()))], "café.tar");
    let path = raw.write("classes.tar", outer);
    let refused = refusal(imshard_imagenet::open(&path));
    assert!(
        refused.ends_with("classes.tar: caf\\xE9.tar: the name is not UTF-8; rename it"),
        "{refused}"
    );
    let path = raw.write("flat.tar", with_latin(images, "café.JPEG"));
    assert!(
        refusal(imshard_imagenet::open(&path)).contains("caf\\xE9.JPEG: the name is not UTF-8")
    );
}
