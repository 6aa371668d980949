//! Files that PyTorch 2.15 and MindSpore 2.10 wrote, files that try to harm, and every format into
//! every other.
//!
//! The fixtures hold a few small tensors under timm's names: `plain.pth` a state dict, `trainer.pth` a
//! trainer's checkpoint (weights behind `state_dict`, wrapped as by DistributedDataParallel, and their
//! average, one higher, behind `state_dict_ema`), `small.ckpt` both as MindCV keeps them, with a
//! checksum. bn.weight is bfloat16, bn.bias float16, running_mean float64; of `classif`, weight is a
//! transposed view and bias a part of a longer storage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use weight_files::{Encoder, Error, Format, Precision, Reader, Selection, check, convert};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Shape and values of every tensor of a file.
fn tensors_of(path: &Path, selection: Selection) -> Tensors {
    read_all(&fs::read(path).unwrap(), selection).unwrap()
}

fn read_all(bytes: &[u8], selection: Selection) -> Result<Tensors, Error> {
    let mut file = Reader::new(Cursor::new(bytes), "file", selection)?;
    let owned = |(name, shape): (&str, &[usize])| (name.to_owned(), shape.to_vec());
    let shapes: Vec<(String, Vec<usize>)> = file.tensors().map(owned).collect();
    let read = |(name, shape): (String, Vec<usize>)| {
        let values = file.read(&name)?;
        Ok((name, (shape, values)))
    };
    shapes.into_iter().map(read).collect()
}

fn expected(offset: f32) -> Tensors {
    let ramp = (0..54).map(|i| i as f32 / 8.0 + offset).collect();
    [
        ("conv2d_1a.conv.weight", vec![2, 3, 3, 3], ramp),
        ("conv2d_1a.bn.weight", vec![2], vec![1.5, -2.0]),
        ("conv2d_1a.bn.bias", vec![2], vec![0.25, 3.0]),
        ("conv2d_1a.bn.running_mean", vec![2], vec![1.0, 2.0]),
    ]
    .into_iter()
    .map(|(name, shape, values)| (name.to_owned(), (shape, values)))
    .collect()
}

#[test]
fn pytorchs_files_are_read() {
    let mut all = expected(0.0);
    let transposed = vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0];
    all.insert("classif.weight".to_owned(), (vec![2, 3], transposed));
    all.insert("classif.bias".to_owned(), (vec![2], vec![4.0, 5.0]));
    assert_eq!(tensors_of(&fixture("plain.pth"), Selection::Weights), all);
    assert_eq!(tensors_of(&fixture("trainer.pth"), Selection::Weights), all);
    let average = tensors_of(&fixture("trainer.pth"), Selection::Average);
    let name = "conv2d_1a.conv.weight";
    assert_eq!(average[name], expected(1.0)[name]);
}

#[test]
fn mindspores_files_are_read() {
    for (selection, offset) in [(Selection::Weights, 0.0), (Selection::Average, 1.0)] {
        let mut all = expected(offset);
        let variance = (vec![2], vec![1.0, 2.0]);
        all.insert("conv2d_1a.bn.running_var".to_owned(), variance);
        if selection == Selection::Weights {
            all.insert("scale".to_owned(), (vec![], vec![2.5]));
        }
        assert_eq!(tensors_of(&fixture("small.ckpt"), selection), all);
    }
}

#[test]
fn a_file_without_an_average_says_so() {
    let error = convert(
        fixture("plain.pth"),
        Selection::Average,
        "/nowhere.safetensors",
        Precision::F32,
    );
    assert!(matches!(error, Err(Error::NoAverage { .. })));
}

#[test]
fn every_format_becomes_every_other_in_every_precision() {
    let source = tensors_of(&fixture("plain.pth"), Selection::Weights);
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for precision in [Precision::F32, Precision::F16, Precision::BF16] {
        for (via, to) in [
            ("a.ckpt", "b.pth"),
            ("a.pth", "b.safetensors"),
            ("a.safetensors", "b.ckpt"),
        ] {
            let count = convert(fixture("plain.pth"), Selection::Weights, at(via), precision);
            assert_eq!(count.unwrap(), source.len());
            convert(at(via), Selection::Weights, at(to), precision).unwrap();
            // The fixture's values are short enough for all.
            assert_eq!(
                tensors_of(&at(to), Selection::Weights),
                source,
                "{via} to {to}"
            );
            assert_eq!(check(at(to)).unwrap(), source.len());
        }
    }
    let halves = fs::metadata(at("b.ckpt")).unwrap().len();
    convert(
        fixture("plain.pth"),
        Selection::Weights,
        at("b.ckpt"),
        Precision::F32,
    )
    .unwrap();
    assert!(fs::metadata(at("b.ckpt")).unwrap().len() > halves);
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 6, "a temporary file was left");

    let error = convert(
        at("a.ckpt"),
        Selection::Weights,
        at("b.npz"),
        Precision::F32,
    );
    assert!(matches!(error, Err(Error::UnknownFormat { .. })));
}

#[test]
fn what_half_precision_cannot_hold_is_refused_by_name_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let tensors = vec![("a.bn.running_var".to_owned(), vec![2])];
    let mut file = Encoder::new(Vec::new(), "a.pth", Format::Pth, Precision::F32, tensors).unwrap();
    file.tensor(&[1.0, 1e5]).unwrap();
    fs::write(at("a.pth"), file.finish().unwrap()).unwrap();
    let converted = |precision| convert(at("a.pth"), Selection::Weights, at("b.ckpt"), precision);
    let error = converted(Precision::F16).unwrap_err().to_string();
    assert!(
        error.contains("a.bn.moving_variance holds 100000"),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    converted(Precision::BF16).unwrap();
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let bias = |name: &str| (name.to_owned(), vec![1]);
    for (format, names) in [
        (Format::Pth, ["a.bias", "a.bias"]),
        // Only the names after translation are the same.
        (Format::Pth, ["module.a.bias", "module.module.a.bias"]),
    ] {
        let tensors = names.map(bias).to_vec();
        let mut file = Encoder::new(Vec::new(), "a", format, Precision::F32, tensors).unwrap();
        file.tensor(&[1.0]).unwrap();
        file.tensor(&[2.0]).unwrap();
        let error = checked(&file.finish().unwrap()).unwrap_err();
        assert!(
            error.contains("two of its tensors are called a.bias"),
            "{error}"
        );
    }
    let twice = archive_of(&[("a/data.pkl", b"}."), ("a/data/0", b""), ("a/data/0", b"")]);
    let error = checked(&twice).unwrap_err();
    assert!(
        error.contains("two members of the zip archive are called a/data/0"),
        "{error}"
    );
}

#[test]
fn members_of_an_archive_are_found_in_any_order() {
    let names: Vec<(String, Vec<usize>)> = (0..300)
        .map(|i| (format!("layer{i}.bias"), vec![1]))
        .collect();
    let mut file = Encoder::new(
        Vec::new(),
        "a.pth",
        Format::Pth,
        Precision::F32,
        names.clone(),
    )
    .unwrap();
    for i in 0..300_u16 {
        file.tensor(&[f32::from(i)]).unwrap();
    }
    let tensors = read_all(&file.finish().unwrap(), Selection::Weights).unwrap();
    for (i, (name, _)) in names.iter().enumerate() {
        assert_eq!(tensors[name].1, [i as f32]);
    }
}

#[test]
fn slices_of_one_tag_are_one_tensor() {
    let half = |from: f32| -> Vec<u8> {
        let numbers: Vec<u8> = [from, from + 1.0].map(f32::to_le_bytes).concat();
        let mut tensor = vec![0x08, 2, 0x08, 2, 0x12, 7];
        tensor.extend(b"Float32");
        tensor.extend([0x1a, numbers.len() as u8]);
        tensor.extend(numbers);
        let mut value = vec![0x0a, 1, b'a', 0x12, tensor.len() as u8];
        value.extend(tensor);
        let mut whole = vec![0x0a, value.len() as u8];
        whole.extend(value);
        whole
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.ckpt");
    fs::write(&path, [half(1.0), half(3.0)].concat()).unwrap();
    let tensors = tensors_of(&path, Selection::Weights);
    assert_eq!(tensors["a"], (vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]));

    fs::write(&path, half(1.0)).unwrap();
    let error = checked(&fs::read(&path).unwrap()).unwrap_err();
    assert!(error.contains("a has 8 bytes"), "{error}");
}

/// How many tensors are read from a file.
fn checked(bytes: &[u8]) -> Result<usize, String> {
    let tensors = read_all(bytes, Selection::Weights).map_err(|error| error.to_string())?;
    Ok(tensors.len())
}

#[test]
fn pickles_that_would_run_code_are_refused_by_name() {
    for (file, part) in [("code.pth", "posix.system"), ("legacy.pth", "before 1.6")] {
        let error = checked(&fs::read(fixture(file)).unwrap()).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

/// A `.pth` whose pickle is this program and whose storage `0` has eight bytes.
fn pth_of(program: &[u8]) -> Vec<u8> {
    archive_of(&[("a/data.pkl", program), ("a/data/0", &[0; 8])])
}

/// A zip archive of these members.
fn archive_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut table) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((bytes.len() as u32).to_le_bytes().repeat(2));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        table.extend(b"PK\x01\x02\x14\0");
        table.extend(&common);
        table.extend([0; 10]);
        table.extend((file.len() as u32).to_le_bytes());
        table.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(*bytes);
    }
    let start = file.len() as u32;
    file.extend(&table);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((members.len() as u16).to_le_bytes().repeat(2));
    file.extend((table.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

#[test]
fn hostile_pickles_are_refused() {
    // A tensor of storage `0` with this offset, shape and strides, each a pickle of a tuple.
    let tensor = |offset: &str, shape: &str, strides: &str| {
        let call = "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n";
        let program =
            format!("}}(X\x01\0\0\0a{call}X\x01\0\0\00NK\x02tQ{offset}({shape}t({strides}ttRu.");
        pth_of(program.as_bytes())
    };
    assert_eq!(checked(&tensor("K\0", "K\x02", "K\x01")), Ok(1));
    let huge = "J\u{7f}\u{7f}\u{7f}\u{7f}";
    for (what, file, part) in [
        (
            "past its storage",
            tensor("K\x01", "K\x02", "K\x01"),
            "past the end",
        ),
        (
            "huge",
            tensor("K\0", &huge.repeat(3), &"K\x01".repeat(3)),
            "past the end",
        ),
        ("repeated", tensor("K\0", huge, "K\0"), "past the end"),
        (
            "huge and empty",
            tensor("K\0", &format!("{huge}{huge}K\0"), &huge.repeat(3)),
            "",
        ),
        (
            "of many dimensions",
            tensor("K\0", &"K\x01".repeat(9), &"K\x01".repeat(9)),
            "other than",
        ),
        (
            "cyclic",
            pth_of(b"}q\0X\x01\0\0\0ah\0s."),
            "hold one another",
        ),
        (
            "of a million dictionaries",
            pth_of(&b"}".repeat(1 << 20)),
            "more values than any",
        ),
        (
            "remembered a million times",
            pth_of(&[&b"}"[..], &b"\x94".repeat(1 << 20)].concat()),
            "more values than any",
        ),
        (
            "of a million marks",
            pth_of(&b"(".repeat(1 << 20)),
            "more values than any",
        ),
        ("itself a tuple", pth_of(b"(t(tR."), "other than"),
        ("without an end", pth_of(b"}"), "no end"),
        ("empty", pth_of(b""), "no end"),
        ("taking too much", pth_of(b"R."), "more than it has"),
        ("below its mark", pth_of(b"}(s."), "more than it has"),
        ("long text", pth_of(b"X\xff\xff\xff\x7fa."), "cut short"),
        ("recalling nothing", pth_of(b"h\x07."), "never kept"),
        ("building", pth_of(b"ctorch\nSize\n}b."), "builds an object"),
        (
            "an instance",
            pth_of(b"(i os\nsystem\n."),
            "none that a state dict needs",
        ),
        (
            "importing",
            pth_of(b"cos\nsystem\nX\x02\0\0\0id\x85R."),
            "os.system",
        ),
        (
            "importing by name",
            pth_of(b"\x80\x04\x8c\x02os\x8c\x06system\x93)R."),
            "os.system",
        ),
    ] {
        match checked(&file) {
            Err(error) => assert!(error.contains(part), "{what}: {error}"),
            Ok(count) => assert!(part.is_empty(), "{what}: {count} tensors"),
        }
    }
    assert_eq!(checked(&pth_of(b"}.")), Ok(0));
}

/// A small file must not make its reader read without end.
#[test]
fn tensors_that_lie_in_the_same_bytes_over_and_over_are_refused() {
    let of = |count: usize| {
        let mut program = b"}(".to_vec();
        for i in 0..count {
            program.extend(b"X\x02\0\0\0");
            program.extend(format!("{i:02}").as_bytes());
            program.extend(
                b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n",
            );
            program.extend(b"X\x01\0\0\x000NM\0\x10tQK\0(M\0\x10t(K\x01ttR");
        }
        program.extend(b"u.");
        archive_of(&[("a/data.pkl", &program), ("a/data/0", &[0; 4 << 12])])
    };
    assert_eq!(checked(&of(2)), Ok(2));
    let error = checked(&of(99)).unwrap_err();
    assert!(error.contains("over and over"), "{error}");
}

#[test]
fn hostile_ckpts_are_refused() {
    for (what, file, part) in [
        (
            "a long value",
            &b"\x0a\xff\xff\xff\xff\x7f"[..],
            "past their end",
        ),
        (
            "an endless number",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "ten bytes",
        ),
        ("no tag", b"\x0a\x02\x12\x00", "without a"),
        ("another field", b"\x12\x00", "not a valid"),
        ("a wrong wire type", b"\x0a\x02\x0b\x00", "wire type"),
        (
            "a huge shape",
            b"\x0a\x19\x0a\x01a\x12\x14\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x12\x07Float32\x1a\x00",
            "0 bytes",
        ),
    ] {
        let error = checked(file).unwrap_err();
        assert!(error.contains(part), "{what}: {error}");
    }
    // Any changed byte before the checksum, or in it, is found.
    let whole = fs::read(fixture("small.ckpt")).unwrap();
    assert!(checked(&whole).is_ok());
    for at in (0..whole.len() - 17).step_by(7).chain([whole.len() - 1]) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(checked(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn hostile_safetensors_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let tensors = vec![("features.0.bn.weight".to_owned(), vec![8])];
    let mut file = Encoder::new(
        Vec::new(),
        &path,
        Format::Safetensors,
        Precision::F32,
        tensors,
    )
    .unwrap();
    file.tensor(&[1.0; 8]).unwrap();
    fs::write(&path, file.finish().unwrap()).unwrap();
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| read_all(bytes, Selection::Weights).unwrap_err();
    let header = |json: &str, data: usize| {
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.as_bytes());
        file.resize(file.len() + data, 0);
        file
    };

    for length in [0, 7, 8, 40, whole.len() / 2, whole.len() - 1] {
        let error = refused(&whole[..length]);
        assert!(
            matches!(error, Error::Malformed { .. } | Error::Length { .. }),
            "{length} bytes gave {error}"
        );
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(refused(&longer), Error::Length { .. }));

    let name = "features.0.bn.weight";
    for json in [
        String::new(),
        "[]".to_owned(),
        "\u{0}".to_owned(),
        format!(r#"{{"{name}":{{"dtype":"F32","shape":[8],"data_offsets":[4,36]}}}}"#),
        format!(r#"{{"{name}":{{"dtype":"F32","shape":[8],"data_offsets":[0,16]}}}}"#),
        format!(r#"{{"{name}":{{"dtype":"F32","shape":[8],"data_offsets":[32,0]}}}}"#),
        format!(r#"{{"{name}":{{"dtype":"F32","shape":[-8],"data_offsets":[0,32]}}}}"#),
        format!(r#"{{"{name}":{{"dtype":"F33","shape":[8],"data_offsets":[0,32]}}}}"#),
        format!(
            r#"{{"{name}":{{"dtype":"F32","shape":[4294967296,4294967296,8],"data_offsets":[0,32]}}}}"#
        ),
    ] {
        let error = refused(&header(&json, 32));
        assert!(
            matches!(error, Error::Malformed { .. }),
            "{json} gave {error}"
        );
    }
    // Headers and tensors that claim to be enormous are refused by the file's length.
    assert!(matches!(
        refused(&u64::MAX.to_le_bytes()),
        Error::Malformed { .. }
    ));
    let terabyte = 1_u64 << 40;
    let json = format!(
        r#"{{"{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{terabyte}]}}}}"#,
        terabyte / 4
    );
    assert!(matches!(refused(&header(&json, 32)), Error::Length { .. }));

    let json = format!(r#"{{"{name}":{{"dtype":"I32","shape":[8],"data_offsets":[0,32]}}}}"#);
    assert!(matches!(refused(&header(&json, 32)), Error::Dtype { .. }));
}

#[test]
fn truncated_files_are_refused() {
    for name in ["plain.pth", "trainer.pth", "small.ckpt"] {
        let whole = fs::read(fixture(name)).unwrap();
        let tensors = checked(&whole).unwrap();
        for length in (0..whole.len()).step_by(5) {
            // What is left of a .ckpt without its checksum may be whole tensors.
            let found = checked(&whole[..length]);
            assert!(
                found.is_err() || found.unwrap() < tensors,
                "{name}: {length}"
            );
        }
    }
}

proptest! {
    /// No change of a good file makes a panic, or takes memory that its length does not explain.
    #[test]
    fn damaged_files_never_panic(
        which in 0..3_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let name = ["plain.pth", "trainer.pth", "small.ckpt"][which];
        let mut bytes = fs::read(fixture(name)).unwrap();
        if name.ends_with("ckpt") {
            bytes.truncate(bytes.len() - 17); // else the checksum refuses everything
        }
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let keep = length.index(4 * bytes.len());
        bytes.truncate(keep.max(8));
        checked(&bytes).ok();
    }
}
