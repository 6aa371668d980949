//! Weights in every format, and the ways to validate them.

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::training::{train_args, training_sandbox};

const CHECKPOINT: &str = "run/inception_v4-1_3";

/// A trained network, and 15 images to validate it on.
fn trained() -> Sandbox {
    let sandbox = training_sandbox(4, 5);
    sandbox
        .run("train", &train_args("run", "--epoch-size 1"))
        .ends_with(0);
    sandbox
}

fn validate(sandbox: &Sandbox, args: &str) -> Value {
    sandbox
        .run("validate", &format!("{args} --json"))
        .ends_with(0)
        .json()
}

fn same_figures(a: &Value, b: &Value) {
    for figure in ["images", "top1", "top5", "loss"] {
        assert_eq!(a[figure], b[figure], "{figure}");
    }
}

#[test]
fn weights_validate_the_same_in_every_format() {
    let sandbox = trained();
    let expected = validate(&sandbox, &format!("--ckpt-path {CHECKPOINT}"));
    let mut from = CHECKPOINT;
    for to in ["a.ckpt", "a.pth", "b.ckpt", "b.safetensors"] {
        sandbox
            .run("weights", &format!("convert {from} {to}"))
            .ends_with(0)
            .says(&["tensors"]);
        let found = validate(
            &sandbox,
            &format!("--ckpt-path {to} -c small.yaml --data-dir set"),
        );
        same_figures(&found, &expected);
        from = to;
    }
    // After the round trip the file is the same.
    let original = sandbox.path(CHECKPOINT).join("model.safetensors");
    assert!(fs::read(original).unwrap() == fs::read(sandbox.path("b.safetensors")).unwrap());

    sandbox
        .run("weights", "convert a.pth a.ckpt")
        .ends_with(1)
        .says(&["--force"]);
    sandbox
        .run("weights", "convert a.pth a.onnx")
        .ends_with(1)
        .says(&[".safetensors, .ckpt or .pth"]);
    sandbox
        .run("weights", "convert a.pth c.ckpt --ema")
        .ends_with(1)
        .says(&["no moving average"]);
    let whole = fs::read(sandbox.path("a.ckpt")).unwrap();
    fs::write(sandbox.path("cut.ckpt"), &whole[..whole.len() / 2]).unwrap();
    sandbox
        .run("weights", "convert cut.ckpt c.pth")
        .ends_with(1)
        .says(&["cut.ckpt", "past their end"]);
    assert!(!sandbox.path("c.pth").exists());
}

#[test]
fn a_checkpoint_is_converted_with_or_without_average_in_any_precision() {
    let sandbox = training_sandbox(4, 5);
    sandbox
        .run("train", &train_args("run", "--epoch-size 1 --ema"))
        .ends_with(0);
    let read = |file: &str| fs::read(sandbox.path(file)).unwrap();
    let stored = |file: &str| read(&format!("{CHECKPOINT}/{file}"));
    assert!(stored("ema.safetensors") != stored("model.safetensors"));
    for (flag, file) in [
        ("", "ema.safetensors"),
        ("--ema", "ema.safetensors"),
        ("--no-ema", "model.safetensors"),
    ] {
        let args = format!("convert {CHECKPOINT} a.safetensors --force {flag}");
        sandbox.run("weights", &args).ends_with(0);
        assert!(read("a.safetensors") == stored(file), "{flag}");
        let by_flag = format!("--ckpt-path {CHECKPOINT} {flag}");
        let from_file = "--ckpt-path a.safetensors -c small.yaml --data-dir set";
        same_figures(
            &validate(&sandbox, &by_flag),
            &validate(&sandbox, from_file),
        );
    }
    sandbox
        .run(
            "weights",
            &format!("convert {CHECKPOINT} b.pth --ema --no-ema"),
        )
        .ends_with(2);

    for dtype in ["float16", "bfloat16"] {
        let args =
            format!("convert {CHECKPOINT} half.safetensors --force --no-ema --dtype {dtype}");
        sandbox.run("weights", &args).ends_with(0);
        let (half, whole) = (read("half.safetensors"), stored("model.safetensors"));
        assert!(half.len() * 10 < whole.len() * 6, "{dtype}");
        let from_file = "--ckpt-path half.safetensors -c small.yaml --data-dir set";
        assert_eq!(validate(&sandbox, from_file)["images"], 15);
    }
    sandbox
        .run(
            "weights",
            &format!("convert {CHECKPOINT} b.pth --dtype int8"),
        )
        .ends_with(2)
        .says(&["float16"]);
}

#[test]
fn other_weights_are_refused_with_a_report_unless_partial() {
    let sandbox = trained();
    sandbox
        .run("weights", &format!("convert {CHECKPOINT} a.safetensors"))
        .ends_with(0);
    let other = "--ckpt-path a.safetensors -c small.yaml --data-dir set \
                 --model inception_resnet_v1";
    sandbox.run("validate", other).ends_with(1).says(&[
        "missing",
        "unused",
        "stem.conv_1a.conv.weight",
    ]);
    sandbox
        .run("validate", &format!("{other} --partial"))
        .ends_with(0)
        .says(&["missing", "15 images"]);
}

#[test]
fn several_crops_and_networks_are_averaged() {
    let sandbox = trained();
    let one = validate(&sandbox, &format!("--ckpt-path {CHECKPOINT}"));
    for (crops, images) in [("10", 15), ("12", 15)] {
        let found = validate(
            &sandbox,
            &format!("--ckpt-path {CHECKPOINT} --crops {crops}"),
        );
        assert_eq!(found["images"], images);
        assert_eq!(found["crops"].to_string(), crops);
        assert!(found["loss"].as_f64().unwrap().is_finite());
    }
    // Two copies of a network give the same result, except for rounding.
    let twice = validate(
        &sandbox,
        &format!("--ckpt-path {CHECKPOINT} --ensemble {CHECKPOINT}"),
    );
    assert_eq!(twice["top1"], one["top1"]);
    let loss = |found: &Value| found["loss"].as_f64().unwrap();
    assert!((loss(&twice) - loss(&one)).abs() < 1e-4 * loss(&one));

    sandbox
        .run("validate", &format!("--ckpt-path {CHECKPOINT} --crops 11"))
        .ends_with(2);
}

#[test]
fn tables_name_each_class_and_each_confusion() {
    let sandbox = trained();
    let found = validate(
        &sandbox,
        &format!("--ckpt-path {CHECKPOINT} --per-class classes.csv --confusion confusion.csv"),
    );
    let rows = |file: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(sandbox.path(file)).unwrap();
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        text.lines().skip(1).map(cells).collect()
    };
    let classes = rows("classes.csv");
    assert_eq!(classes.len(), 3);
    let right: f64 = classes
        .iter()
        .map(|row| row[3].parse::<f64>().unwrap() * row[4].parse::<f64>().unwrap())
        .sum();
    assert!((right / 15.0 - found["top1"].as_f64().unwrap()).abs() < 1e-5);
    let confusion = rows("confusion.csv");
    let all: u64 = confusion
        .iter()
        .map(|row| row[4].parse::<u64>().unwrap())
        .sum();
    assert_eq!(all, 15);
    let on_diagonal = confusion.iter().filter(|row| row[0] == row[2]);
    let right_again: u64 = on_diagonal.map(|row| row[4].parse::<u64>().unwrap()).sum();
    assert_eq!(right_again as f64, right.round());
}

#[test]
fn every_network_can_be_trained_validated_and_converted() {
    let sandbox = training_sandbox(2, 1);
    for model in [
        "inception_resnet_v2",
        "inception_resnet_v2_paper",
        "inception_resnet_v1",
    ] {
        sandbox
            .run(
                "train",
                &train_args(model, &format!("--epoch-size 1 --model {model}")),
            )
            .ends_with(0);
        let checkpoint = format!("{model}/{model}-1_1");
        let expected = validate(&sandbox, &format!("--ckpt-path {checkpoint}"));
        sandbox
            .run("weights", &format!("convert {checkpoint} {model}.ckpt"))
            .ends_with(0);
        let found = validate(
            &sandbox,
            &format!("--ckpt-path {model}.ckpt --model {model} -c small.yaml --data-dir set"),
        );
        same_figures(&found, &expected);
    }
}

#[test]
fn a_summary_counts_the_published_network() {
    let sandbox = Sandbox::new();
    sandbox
        .run("weights", "summary --image-resize 299")
        .ends_with(0)
        .says(&[
            "features.0",
            "32 x 149 x 149",
            "42679816 parameters, 12.28 G multiply-adds",
        ]);
}
