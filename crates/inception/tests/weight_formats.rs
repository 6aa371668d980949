//! Files that PyTorch 2.15 and MindSpore 2.10 wrote, files that try to harm, and every format into
//! every other.
//!
//! The fixtures hold a few small tensors under timm's names: `plain.pth` a state dict, `trainer.pth` a
//! trainer's checkpoint (weights behind `state_dict`, wrapped as by DistributedDataParallel, and their
//! average, one higher, behind `state_dict_ema`), `small.ckpt` both as MindCV keeps them, with a
//! checksum. bn.weight is bfloat16, bn.bias float16, running_mean float64; of `classif`, weight is a
//! transposed view and bias a part of a longer storage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use inception::weights::{self, Completeness, Selection, WeightsError, check, convert};
use proptest::prelude::*;
use safetensors::SafeTensors;
use support::{small, small_networks, values};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Shape and values of every tensor of a file, by way of a conversion.
fn tensors_of(path: &Path, selection: Selection) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("converted.safetensors");
    convert(path, selection, &to).unwrap();
    let bytes = fs::read(&to).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let owned = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let values = view.data().chunks_exact(4);
        let values = values.map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        (name, (view.shape().to_vec(), values.collect()))
    };
    file.tensors().into_iter().map(owned).collect()
}

fn expected(offset: f32) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
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
    );
    assert!(matches!(error, Err(WeightsError::NoAverage { .. })));
}

#[test]
fn every_format_becomes_every_other_and_keeps_every_bit() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for network in small_networks() {
        let model = network.init(1, &Device::flex()).unwrap();
        for from in ["a.safetensors", "a.pth", "a.ckpt"] {
            weights::save(&model, at(from)).unwrap();
            for to in ["b.safetensors", "b.pth", "b.ckpt"] {
                let count = convert(at(from), Selection::Weights, at(to)).unwrap();
                assert_eq!(count, model.tensors().len());
                let fresh = network.init(2, &Device::flex()).unwrap();
                let exact = Completeness::Exact;
                let (loaded, _) = weights::load(fresh, at(to), Selection::Weights, exact).unwrap();
                assert!(
                    values(&loaded) == values(&model),
                    "{}: {from} to {to}",
                    network.architecture
                );
            }
        }
    }
    let error = convert(at("a.ckpt"), Selection::Weights, at("b.npz")).unwrap_err();
    assert!(matches!(error, WeightsError::UnknownFormat { .. }));
}

#[test]
fn a_classifier_of_other_classes_starts_anew_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ten.ckpt");
    weights::save(&small().init(1, &Device::flex()).unwrap(), &path).unwrap();
    let seven = || {
        let config = inception::NetworkConfig {
            num_classes: 7,
            ..small()
        };
        config.init(2, &Device::flex()).unwrap()
    };
    let load = |completeness| weights::load(seven(), &path, Selection::Weights, completeness);
    assert!(matches!(
        load(Completeness::Exact),
        Err(WeightsError::Mismatch { .. })
    ));
    let (loaded, report) = load(Completeness::AnyClassifier).unwrap();
    assert_eq!(report.misshaped.len(), 2);
    assert_eq!(values(&loaded).last(), values(&seven()).last());
    assert_ne!(values(&loaded)[0], values(&seven())[0]);
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

/// What reading all of a file says.
fn checked(bytes: &[u8]) -> Result<usize, String> {
    check(Cursor::new(bytes), Path::new("file")).map_err(|error| error.to_string())
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
    let (mut file, mut table) = (Vec::new(), Vec::new());
    let members: [(&str, &[u8]); 2] = [("a/data.pkl", program), ("a/data/0", &[0; 8])];
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
        file.extend(bytes);
    }
    let start = file.len() as u32;
    file.extend(&table);
    file.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
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
