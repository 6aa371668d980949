//! Parquet files as Hugging Face writes them, made here through the parquet crate's writer.

use std::sync::Arc;
use std::thread;

use imshard_imagenet::{Extent, Layout, Progress};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::common::{Scratch, assert_all_read, bytes, ignored, image, refusal, samples, synsets};

const SCHEMA: &str = "message schema {
    OPTIONAL GROUP image { OPTIONAL BINARY bytes; OPTIONAL BINARY path (UTF8); }
    OPTIONAL INT64 label;
}";

/// Label, path, image.
type Row<'a> = (Option<i64>, Option<&'a str>, Option<Vec<u8>>);

/// A row whose image is what `assert_all_read` expects of the key that the path gives.
fn row(label: i64, path: &str) -> Row<'_> {
    let (stem, _) = path.rsplit_once('_').unwrap();
    (
        Some(label),
        Some(path),
        Some(image(&format!("{stem}.JPEG"))),
    )
}

fn parquet(groups: &[Vec<Row<'_>>], metadata: Option<&str>) -> Vec<u8> {
    let metadata =
        metadata.map(|text| vec![KeyValue::new("huggingface".to_owned(), text.to_owned())]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Small pages, so that a row group has several.
        .set_data_page_size_limit(600)
        .set_write_batch_size(1)
        .set_key_value_metadata(metadata)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        let texts = |column: Vec<Option<ByteArray>>| {
            let levels: Vec<i16> = column
                .iter()
                .map(|value| if value.is_some() { 2 } else { 1 })
                .collect();
            (column.into_iter().flatten().collect::<Vec<_>>(), levels)
        };
        let (values, levels) = texts(
            rows.iter()
                .map(|(_, _, bytes)| bytes.clone().map(ByteArray::from))
                .collect(),
        );
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
        let (values, levels) = texts(
            rows.iter()
                .map(|(_, path, _)| path.map(ByteArray::from))
                .collect(),
        );
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
        let labels: Vec<i64> = rows.iter().filter_map(|(label, _, _)| *label).collect();
        let levels: Vec<i16> = rows
            .iter()
            .map(|(label, _, _)| i16::from(label.is_some()))
            .collect();
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int64Type>()
            .write_batch(&labels, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn splits_by_prefix_in_row_order_with_folder_keys() {
    let raw = Scratch::new();
    raw.write(
        "data/train-00001-of-00002.parquet",
        parquet(&[vec![row(999, "n15075141_7_n15075141.JPEG")]], None),
    );
    raw.write(
        "data/train-00000-of-00002.parquet",
        parquet(
            &[
                vec![
                    row(1, "n01443537_2_n01443537.JPEG"),
                    row(0, "n01440764_10026_n01440764.JPEG"),
                ],
                vec![row(0, "n01440764_9_n01440764.JPEG")],
            ],
            None,
        ),
    );
    raw.write(
        "data/validation-00000-of-00001.parquet",
        parquet(
            &[vec![row(1, "ILSVRC2012_val_00000262_n01443537.JPEG")]],
            None,
        ),
    );
    raw.write("data/test-00000-of-00001.parquet", "not opened");
    let source = raw.open();
    assert_eq!(source.classes().len(), 1000);
    assert_eq!(source.classes()[0].names[0], "tench");
    assert_eq!(source.splits()[0].layout, Layout::Parquet);
    assert_eq!(
        samples(&*source, 0),
        [
            ("n01443537/n01443537_2.JPEG", "n01443537"),
            ("n01440764/n01440764_10026.JPEG", "n01440764"),
            ("n01440764/n01440764_9.JPEG", "n01440764"),
            ("n15075141/n15075141_7.JPEG", "n15075141"),
        ]
    );
    assert_eq!(source.splits()[1].name, "val");
    assert_eq!(
        samples(&*source, 1),
        [("n01443537/ILSVRC2012_val_00000262.JPEG", "n01443537")]
    );
    assert!(!source.random_access());
    assert_eq!(source.coverage().extent, Extent::Part);
    assert_eq!(
        ignored(&*source),
        [(
            "test-00000-of-00001.parquet".to_owned(),
            "the test split has no labels"
        )]
    );
    assert_all_read(&*source);
    assert!(source.read(0, 4, &mut Vec::new()).is_err());
}

#[test]
fn many_threads_in_any_order_over_more_groups_than_are_kept() {
    let raw = Scratch::new();
    let paths: Vec<String> = (0..400)
        .map(|i| format!("n01440764_{i}_n01440764.JPEG"))
        .collect();
    let groups: Vec<Vec<Row<'_>>> = paths
        .chunks(4)
        .map(|paths| paths.iter().map(|path| row(0, path)).collect())
        .collect();
    let path = raw.write("train-00000-of-00001.parquet", parquet(&groups, None));
    let mut seen = Vec::new();
    let mut hook = |progress: Progress| seen.push(progress);
    let source = imshard_imagenet::OpenOptions::new()
        .progress(&mut hook)
        .open(&path)
        .unwrap();
    assert_eq!(
        seen,
        [Progress {
            split: "train",
            samples: 400,
            fraction: 1.0
        }]
    );
    thread::scope(|scope| {
        for thread in 0..8 {
            let source = &source;
            scope.spawn(move || {
                for step in 0..400 {
                    let index = (step * 7 + thread * 50) % 400;
                    let key = &source.splits()[0].samples[index].key;
                    assert_eq!(bytes(&**source, 0, index), image(key));
                }
            });
        }
    });
}

#[test]
fn class_names_in_the_metadata_serve_where_paths_do_not() {
    let rows = || {
        vec![
            (Some(1), Some("b.jpg"), Some(vec![1])),
            (Some(0), None, Some(vec![2])),
            (Some(1), Some("b.jpg"), Some(vec![3])),
        ]
    };
    let metadata = r#"{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;
    let raw = Scratch::new();
    raw.write("train-0.parquet", parquet(&[rows()], Some(metadata)));
    let source = raw.open();
    assert_eq!(synsets(&*source), ["cat", "dog"]);
    assert_eq!(
        samples(&*source, 0),
        [
            ("dog/b.jpg", "dog"),
            ("cat/row-0000001.JPEG", "cat"),
            ("dog/b-2.jpg", "dog")
        ]
    );
    assert_eq!(bytes(&*source, 0, 2), [3]);

    let raw = Scratch::new();
    raw.write("train-0.parquet", parquet(&[rows()], None));
    assert!(
        raw.refusal()
            .contains("neither the image paths nor the metadata say which classes")
    );
}

#[test]
fn a_thousand_lemmas_in_order_are_imagenet() {
    let names: Vec<String> = imshard_imagenet::ilsvrc2012_synsets()
        .map(|synset| imshard_imagenet::class_names(synset).unwrap().join(", "))
        .collect();
    let metadata = |names: &[String]| {
        format!(
            r#"{{"info": {{"features": {{"label": {{"names": {}}}}}}}}}"#,
            serde_json::to_string(names).unwrap()
        )
    };
    let rows = vec![(Some(999), None, Some(vec![1]))];
    let raw = Scratch::new();
    raw.write(
        "train-0.parquet",
        parquet(std::slice::from_ref(&rows), Some(&metadata(&names))),
    );
    assert_eq!(
        samples(&*raw.open(), 0),
        [("n15075141/row-0000000.JPEG", "n15075141")]
    );
    let mut other = names;
    other.swap(0, 1);
    raw.write("train-0.parquet", parquet(&[rows], Some(&metadata(&other))));
    assert_eq!(raw.open().coverage().extent, Extent::Other);
}

#[test]
fn labels_must_fit_the_synsets_in_the_paths() {
    let refused = |rows: Vec<Row<'_>>| {
        let raw = Scratch::new();
        raw.write(
            "train-0.parquet",
            parquet(&[vec![row(0, "n01440764_1_n01440764.JPEG")], rows], None),
        );
        raw.refusal()
    };
    let message = refused(vec![row(2, "n01443537_2_n01443537.JPEG")]);
    assert!(
        message.contains(
            "train-0.parquet: row 1: label 2 belongs to an image of n01443537, which is not class 2"
        ),
        "{message}"
    );
    let message = refused(vec![(Some(1000), None, None)]);
    assert!(
        message.contains("row 1: label 1000 is beyond the 1000 classes"),
        "{message}"
    );
    assert!(refused(vec![(Some(-1), None, None)]).contains("row 1 has label -1"));
    assert!(refused(vec![(None, None, None)]).contains("row 1 has no label"));
}

#[test]
fn a_row_without_an_image_fails_alone() {
    let raw = Scratch::new();
    let rows = vec![
        (Some(0), Some("n01440764_1.JPEG"), None),
        row(0, "n01440764_2_n01440764.JPEG"),
    ];
    raw.write("train-0.parquet", parquet(&[rows], None));
    let source = raw.open();
    let message = source.read(0, 0, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        message.contains("train-0.parquet: sample n01440764/n01440764_1.JPEG: row 0 has no image"),
        "{message}"
    );
    assert_eq!(bytes(&*source, 0, 1), image("n01440764_2.JPEG"));
}

#[test]
fn other_files_and_schemas_are_refused() {
    let raw = Scratch::new();
    let path = raw.write("train-0.parquet", "not parquet at all");
    assert!(
        refusal(imshard_imagenet::open(&path))
            .contains("train-0.parquet: not a parquet file, or damaged")
    );

    let schema = Arc::new(
        parse_message_type("message m { REQUIRED INT64 label; REQUIRED BINARY jpg; }").unwrap(),
    );
    let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let path = raw.write("train-0.parquet", writer.into_inner().unwrap());
    let message = refusal(imshard_imagenet::open(&path));
    assert!(
        message.contains("has no column image.bytes") && message.contains("found label, jpg"),
        "{message}"
    );

    let raw = Scratch::new();
    raw.write("part-0.parquet", "x");
    assert!(
        raw.refusal()
            .contains("none whose name starts with train- or validation-")
    );
}
