//! Files written by PyTorch 2.15 and MindSpore 2.10, and conversions from every format to every other.

use std::fs;

use imshard_weight_files::{Encoder, Error, Format, Precision, Selection, check, convert};

use crate::{Tensors, archive_of, checked, fixture, read_all, tensors_of};

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
            // The fixture's values are short enough for every format.
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
