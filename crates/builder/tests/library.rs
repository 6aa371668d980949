//! Drives the library end to end, as a program without the `shard` tool would, on images made here.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use codec::{Sampling, encode_jpeg};
use imshard_builder::{
    BuildError, Builder, Contradiction, ConvertOptions, DatasetView, EncodingChoice, Event,
    ExportError, ExportOptions, OnBad, Originals, Pass, ShardSize, Status, SurveyError,
    VerifyOptions, convert, export, silent, source_file, verify,
};
use record::Dataset;
use tempfile::TempDir;

const CLASSES: [&str; 2] = ["cats", "dogs"];
const PER_CLASS: u32 = 6;
const ALL: u64 = 12;

/// Noise, different for each seed.
fn jpeg(seed: u32) -> Vec<u8> {
    let (width, height) = (40 + seed, 32);
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|i| ((i + seed * 77).wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    encode_jpeg(&pixels, width, height, 90, Sampling::S420).unwrap()
}

/// A folder with a folder for each class.
fn photos() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (number, class) in (0..).zip(CLASSES) {
        let folder = dir.path().join("raw").join(class);
        fs::create_dir_all(&folder).unwrap();
        for image in 0..PER_CLASS {
            let file = folder.join(format!("{image}.jpg"));
            fs::write(file, jpeg(number * PER_CLASS + image)).unwrap();
        }
    }
    dir
}

/// The files below a directory, by path.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let name = path.strip_prefix(dir).unwrap().to_owned();
                    found.insert(name, fs::read(path).unwrap());
                }
            }
        }
    }
    found
}

#[test]
fn a_folder_is_packed_verified_converted_and_comes_back() {
    let dir = photos();
    let at = |name: &str| dir.path().join(name);
    let built = Builder::from_path(at("raw"))
        .unwrap()
        .shard_size(ShardSize::Count(3))
        .write(at("set"))
        .unwrap();
    assert_eq!(
        (built.status, built.records, built.shards),
        (Status::Built, ALL, 3)
    );
    assert!(built.manifest.unwrap().is_file());

    let decode = VerifyOptions {
        decode: true,
        threads: None,
    };
    let recoded = ConvertOptions {
        to: EncodingChoice::Recoded,
        ..ConvertOptions::default()
    };
    let converted = convert(at("set"), at("recoded"), &recoded, &silent).unwrap();
    assert_eq!(converted.records, ALL);
    for set in ["set", "recoded"] {
        let verified = verify(at(set), &decode, &silent).unwrap();
        assert!(verified.faults.is_empty(), "{:?}", verified.faults);
        assert_eq!(verified.records, ALL);
        let back = at(&format!("back-{set}"));
        let exported = export(at(set), &back, &ExportOptions::default(), &silent).unwrap();
        assert_eq!((exported.written, exported.present), (ALL, 0));
        assert_eq!(files(&at("raw")), files(&back.join("train")));
    }

    let view = DatasetView::new(at("recoded")).unwrap();
    assert_eq!(view.encoding, "recoded");
    let classes = view.classes.iter().map(|class| class.synset.as_str());
    assert!(classes.eq(CLASSES));
    let dataset = Dataset::open(at("set")).unwrap();
    let first = source_file(&dataset, "train", 0).unwrap();
    assert!(files(&at("raw")).values().any(|file| *file == first));
    assert!(source_file(&dataset, "train", ALL).is_err());
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let dir = photos();
    let build = |threads: usize| {
        let out = dir.path().join(format!("set-{threads}"));
        Builder::from_path(dir.path().join("raw"))
            .unwrap()
            .threads(NonZeroUsize::new(threads).unwrap())
            .encoding(EncodingChoice::Recoded)
            .write(&out)
            .unwrap();
        files(&out)
    };
    assert_eq!(build(1), build(5));
}

#[test]
fn bad_files_fail_the_build_or_are_left_out_or_kept() {
    let dir = photos();
    let whole = jpeg(50);
    fs::write(dir.path().join("raw/cats/none.jpg"), "").unwrap();
    fs::write(
        dir.path().join("raw/dogs/half.jpg"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    let build = |on_bad| {
        let out = dir.path().join(format!("{on_bad:?}"));
        let builder = Builder::from_path(dir.path().join("raw")).unwrap();
        builder.on_bad(on_bad).write(out).unwrap()
    };
    let failed = build(OnBad::Fail);
    assert_eq!((failed.status, failed.manifest), (Status::Failed, None));
    let mut bad: Vec<_> = failed
        .bad
        .iter()
        .map(|bad| (bad.key.as_str(), bad.repairable))
        .collect();
    bad.sort_unstable();
    assert_eq!(bad, [("cats/none.jpg", false), ("dogs/half.jpg", true)]);
    let skipped = build(OnBad::Skip);
    assert_eq!((skipped.records, skipped.skipped.files), (ALL, 2));
    let repaired = build(OnBad::Repair);
    assert_eq!((repaired.records, repaired.repaired.files), (ALL + 1, 1));
}

#[test]
fn a_stopped_build_continues_and_a_finished_one_has_nothing_to_do() {
    let dir = photos();
    let out = dir.path().join("set");
    let build = |stop: &AtomicBool| {
        let builder = Builder::from_path(dir.path().join("raw")).unwrap();
        let builder = builder.shard_size(ShardSize::Count(4)).stop(stop);
        builder.write(&out).unwrap().status
    };
    assert_eq!(build(&AtomicBool::new(true)), Status::Interrupted);
    assert!(Dataset::open(&out).is_err());
    let free = AtomicBool::new(false);
    assert_eq!(build(&free), Status::Built);
    assert_eq!(build(&free), Status::Complete);
}

#[test]
fn other_people_s_files_and_other_builds_are_left_alone() {
    let dir = photos();
    let raw = dir.path().join("raw");
    let build = |seed, rebuild, out: &str| {
        let builder = Builder::from_path(&raw).unwrap();
        let builder = builder.shuffle_seed(seed).rebuild(rebuild);
        builder.write(dir.path().join(out))
    };
    let error = build(1, false, "raw").unwrap_err();
    assert!(matches!(
        error,
        BuildError::Output(SurveyError::NotADataset { .. })
    ));
    build(1, false, "set").unwrap();
    let error = build(2, false, "set").unwrap_err();
    assert!(matches!(
        error,
        BuildError::Output(SurveyError::OtherBuild { finished: true, .. })
    ));
    assert_eq!(build(2, true, "set").unwrap().status, Status::Built);

    let back = dir.path().join("back");
    fs::create_dir_all(back.join("train/cats")).unwrap();
    fs::write(back.join("train/cats/0.jpg"), "mine").unwrap();
    let options = ExportOptions::default();
    let error = export(dir.path().join("set"), &back, &options, &silent).unwrap_err();
    assert!(matches!(error, ExportError::OtherFile { .. }), "{error}");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let dir = photos();
    let builder = Builder::from_path(dir.path().join("raw")).unwrap();
    let error = builder
        .originals(Originals::Drop)
        .write(dir.path().join("set"))
        .unwrap_err();
    assert!(matches!(
        error,
        BuildError::Options(Contradiction::DropWithoutCopy)
    ));
    assert!(!dir.path().join("set").exists());
}

#[test]
fn every_image_is_announced_once_between_begin_and_end() {
    let dir = photos();
    let (passes, images) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let watch = |event: Event<'_>| match event {
        Event::Begin { pass, images } => passes.lock().unwrap().push((pass, images)),
        Event::Done { images: more, .. } => {
            images.fetch_add(more, Ordering::Relaxed);
        }
        _ => {}
    };
    Builder::from_path(dir.path().join("raw"))
        .unwrap()
        .encoding(EncodingChoice::Recoded)
        .progress(&watch)
        .write(dir.path().join("set"))
        .unwrap();
    assert_eq!(
        passes.into_inner().unwrap(),
        [
            (Pass::TrainTables, ALL),
            (Pass::Check, 0),
            (Pass::Build, ALL)
        ]
    );
    assert_eq!(images.into_inner(), 2 * ALL);
}
