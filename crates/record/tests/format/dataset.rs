//! A data set's directory: complete, unfinished, mixed up, or none at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imshard_record::{
    Class, Dataset, Io, MANIFEST_FILE, Manifest, OddAction, OddFile, RecordError, ShardName,
    ShardWriter, SplitInfo, Version,
};

use crate::{three_samples, write_shard};

/// Two shards of three records in `train`, one of one in `val`.
fn build(dir: &Path) -> Manifest {
    let shard = |split: &str, index, count, records: usize| {
        let name = ShardName::new(split, index, count).unwrap().to_string();
        write_shard(
            &dir.join(name),
            &three_samples()[..records],
            split.as_bytes(),
        )
    };
    let train = SplitInfo::new(
        "folders",
        vec![shard("train", 0, 2, 3), shard("train", 1, 2, 3)],
    );
    let val = SplitInfo::new("flat", vec![shard("val", 0, 1, 1)]);
    let manifest = Manifest {
        format: Version::CURRENT,
        tool: "shard 0.1.0".to_owned(),
        encoding: "source".to_owned(),
        tables: None,
        options: BTreeMap::from([("shards".to_owned(), 2.into())]),
        classes: vec![Class {
            synset: "n01440764".to_owned(),
            names: vec!["tench".to_owned()],
        }],
        splits: BTreeMap::from([("train".to_owned(), train), ("val".to_owned(), val)]),
        odd: vec![OddFile {
            split: "train".to_owned(),
            key: "n01440764/x.JPEG".to_owned(),
            action: OddAction::Skipped,
            reason: "zero bytes".to_owned(),
        }],
    };
    manifest.write(dir).unwrap();
    manifest
}

fn edit(dir: &Path, from: &str, to: &str) {
    let path = dir.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_is_built_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = build(dir.path());
    let dataset = Dataset::open(dir.path()).unwrap();
    assert_eq!(dataset.manifest(), &manifest);
    assert_eq!(dataset.dir(), dir.path());
    for io in [Io::Map, Io::Pread] {
        let train = dataset.split("train", io).unwrap();
        assert_eq!(
            (train.len(), train.shards().len(), train.name()),
            (6, 2, "train")
        );
        let mut scratch = Vec::new();
        for record in 0..6 {
            train
                .check(record, train.bytes(record, &mut scratch).unwrap())
                .unwrap();
        }
        assert_eq!(dataset.split("val", io).unwrap().len(), 1);
    }
    assert!(!dir.path().join("dataset.json.tmp").exists());
}

#[test]
fn the_manifest_reads_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = build(dir.path());
    let text = fs::read_to_string(dir.path().join(MANIFEST_FILE)).unwrap();
    let keys: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "format", "tool", "encoding", "options", "classes", "splits", "odd"
        ]
    );
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["format"], "1.0");
    assert_eq!(json["odd"][0]["action"], "skipped");
    let shard = &json["splits"]["train"]["shards"][1];
    assert_eq!(shard["file"], "train-00001-of-00002.shard");
    assert_eq!(
        shard["hash"],
        format!("{:016x}", manifest.splits["train"].shards[1].hash)
    );
}

#[test]
fn an_unfinished_build_is_told_from_no_dataset() {
    let dir = tempfile::tempdir().unwrap();
    let error = Dataset::open(dir.path()).unwrap_err();
    assert!(matches!(error, RecordError::NotADataset { .. }), "{error}");

    let file = dir.path().join("thesis.tex");
    std::fs::write(&file, "").unwrap();
    let error = Dataset::open(&file).unwrap_err();
    assert!(
        matches!(error, RecordError::NotADirectory { .. }),
        "{error}"
    );

    let writer = ShardWriter::create(dir.path().join("train-00001-of-00002.shard")).unwrap();
    write_shard(
        &dir.path().join("train-00000-of-00002.shard"),
        &three_samples(),
        b"",
    );
    let error = Dataset::open(dir.path()).unwrap_err();
    assert!(
        matches!(error, RecordError::BuildUnfinished { shards: 2, .. }),
        "{error}"
    );
    drop(writer);

    let error = Dataset::open(dir.path().join("nowhere")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("nowhere: cannot open: No such file"),
        "{error}"
    );
}

#[test]
fn an_unknown_split_is_answered_with_those_there_are() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    let error = Dataset::open(dir.path())
        .unwrap()
        .split("test", Io::Map)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("no split \"test\"; there are \"train\", \"val\""),
        "{error}"
    );
}

#[test]
fn a_shard_that_is_missing_or_another_is_named() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    let path = dir.path().join("train-00001-of-00002.shard");
    let open = || {
        Dataset::open(dir.path())
            .unwrap()
            .split("train", Io::Map)
            .unwrap_err()
    };

    write_shard(&path, &three_samples()[..2], b"train");
    assert!(matches!(
        open(),
        RecordError::NotInManifest {
            what: "record count",
            ..
        }
    ));
    write_shard(&path, &three_samples(), b"train, longer");
    assert!(matches!(
        open(),
        RecordError::NotInManifest { what: "length", .. }
    ));
    write_shard(&path, &three_samples(), b"niart");
    let error = open();
    assert!(matches!(
        error,
        RecordError::NotInManifest { what: "hash", .. }
    ));
    assert!(
        error
            .to_string()
            .contains("train-00001-of-00002.shard: not the shard"),
        "{error}"
    );

    fs::remove_file(&path).unwrap();
    assert!(matches!(open(), RecordError::MissingShard { .. }));
}

#[test]
fn a_manifest_that_cannot_be_right_is_refused() {
    let refuse = |from: &str, to: &str| {
        let dir = tempfile::tempdir().unwrap();
        build(dir.path());
        edit(dir.path(), from, to);
        Dataset::open(dir.path()).unwrap_err()
    };
    let newer = refuse(
        "\"format\": \"1.0\",\n  \"tool\"",
        "\"format\": \"2.1\",\n  \"instrument\"",
    );
    assert!(
        newer
            .to_string()
            .contains("format version 2.1 is newer than the 1.0"),
        "{newer}"
    );
    assert!(matches!(
        refuse("\"1.0\"", "1.0"),
        RecordError::ManifestSyntax { .. }
    ));
    assert!(matches!(
        refuse("\"hash\": \"", "\"hash\": \"0x"),
        RecordError::ManifestSyntax { .. }
    ));
    assert!(matches!(
        refuse("\"tool\"", "\"instrument\""),
        RecordError::ManifestSyntax { .. }
    ));
    for (from, to) in [
        (
            "train-00000-of-00002.shard",
            "../train-00000-of-00002.shard",
        ),
        ("train-00000-of-00002.shard", "train-00001-of-00002.shard"),
        ("\"records\": 6", "\"records\": 7"),
        ("\"records\": 3", "\"records\": 18446744073709551615"),
        ("\"train\": {", "\"tr/ain\": {"),
    ] {
        let error = refuse(from, to);
        assert!(
            matches!(error, RecordError::ManifestInvalid { .. }),
            "{to}: {error}"
        );
    }
}

#[test]
fn a_newer_minor_version_and_its_fields_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    edit(
        dir.path(),
        "\"format\": \"1.0\",",
        "\"format\": \"1.7\", \"novelty\": [1, 2],",
    );
    assert_eq!(
        Dataset::open(dir.path()).unwrap().manifest().format,
        Version { major: 1, minor: 7 }
    );
}

#[test]
fn a_contradictory_manifest_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = build(dir.path());
    fs::remove_file(dir.path().join(MANIFEST_FILE)).unwrap();
    manifest.splits.get_mut("train").unwrap().bytes += 1;
    assert!(matches!(
        manifest.write(dir.path()),
        Err(RecordError::ManifestInvalid { .. })
    ));
    assert!(!dir.path().join(MANIFEST_FILE).exists());
}
