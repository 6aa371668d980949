//! Files that would run code, take all memory or read without end, and files that are cut short or changed. All are
//! refused with a message, and none causes a panic.

use std::fs;

use imshard_weight_files::{Encoder, Error, Format, Precision, Selection};
use proptest::prelude::*;

use crate::{archive_of, checked, fixture, read_all};

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
            "not one that a state dict needs",
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
    // Headers and tensors that claim to be enormous are refused because of the file's length.
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
            // A .ckpt cut off before its checksum may still hold whole tensors.
            let found = checked(&whole[..length]);
            assert!(
                found.is_err() || found.unwrap() < tensors,
                "{name}: {length}"
            );
        }
    }
}

proptest! {
    /// No change of a good file causes a panic, or takes more memory than its length explains.
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
