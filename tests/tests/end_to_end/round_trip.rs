//! Build, verify, inspect, export and bench without faults.

use std::fs;
use std::process::Stdio;

use crate::sandbox::Sandbox;

#[test]
fn export_returns_the_source_byte_for_byte() {
    let sandbox = Sandbox::with_images(10, 3);
    sandbox
        .shard("build --source raw --out set --shards 3")
        .says(&[
            "39 images",
            "6 shards",
            "not ImageNet",
            "next: shard verify set",
        ]);
    sandbox
        .shard("verify set --decode")
        .says(&[": OK: ", "39 records", "every image decoded"]);
    sandbox
        .shard("export set --out back")
        .says(&["39 files written"]);
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));
    sandbox
        .shard("export set --out back")
        .says(&["0 files written", "39 files there already"]);
}

#[test]
fn a_single_record_is_shown_and_exported() {
    let sandbox = Sandbox::with_images(4, 2);
    sandbox.shard("build --source raw --out set -q");
    let shown = sandbox.shard("inspect set --record 5 --json").json();
    let key = shown["key"].as_str().unwrap();
    let class = key.split('/').next().unwrap();
    assert_eq!(shown["class"], class);
    assert_eq!(shown["intact"], true);
    assert!(
        shown["image"].as_str().unwrap().starts_with("JPEG of "),
        "{shown}"
    );

    sandbox.shard("export set --record 5 --out one.jpg");
    let original = fs::read(sandbox.path("raw").join("train").join(key)).unwrap();
    assert_eq!(fs::read(sandbox.path("one.jpg")).unwrap(), original);
    let piped = sandbox
        .command("shard", "export set --record 5 --out -")
        .output()
        .unwrap();
    assert_eq!(piped.stdout, original);

    sandbox
        .run("shard", "inspect set --record 12")
        .ends_with(1)
        .says(&["no record 12", "12"]);
    sandbox
        .shard("inspect set --record 5 --split val")
        .says(&["key ", "label "]);
}

#[test]
fn inspect_counts_classes_splits_and_sizes() {
    let sandbox = Sandbox::with_images(8, 2);
    sandbox.shard("build --source raw --out set --shards 2 -q");
    let view = sandbox.shard("inspect set --json").json();
    assert_eq!(view["num_classes"], 3);
    assert_eq!(view["splits"]["train"]["records"], 24);
    assert_eq!(view["splits"]["val"]["shards"].as_array().unwrap().len(), 2);
    assert_eq!(view["classes"][0]["synset"], "blobs");
    assert_eq!(view["classes"][0]["records"]["train"], 8);
    let width = &view["splits"]["train"]["width"];
    assert!(
        width["min"].as_u64() >= Some(48) && width["max"].as_u64() <= Some(80),
        "{width}"
    );

    sandbox
        .shard("inspect set")
        .says(&["3 classes", "width: ", "bytes of an image"]);
    let shard = sandbox
        .shard("inspect set/train-00001-of-00002.shard --json")
        .json();
    assert_eq!(shard["records"], 12);
    assert_eq!(shard["note"]["odd"].as_array().unwrap().len(), 0);
    sandbox
        .shard("inspect set/train-00001-of-00002.shard")
        .says(&["12 records", "plan "]);
}

#[test]
fn bench_measures_each_number_of_threads_and_says_where() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set -q");
    let flags = "--threads 1,2 --seconds 0.2 --warmup 0 --batch 4 --size 32";
    sandbox
        .shard(&format!("bench set {flags} --json report.json"))
        .says(&["img/s", "decode", "3161.66"]);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(sandbox.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
    assert_eq!(report["target_img_per_s"], 3161.66);
    let best = &report["best"];
    for figure in ["img_per_s", "img_per_s_per_core", "bytes_per_image"] {
        assert!(best[figure].as_f64() > Some(0.0), "{figure}: {report}");
    }
    assert!(best["stages_us"]["decode"].as_f64() > Some(0.0), "{report}");
    assert!(report["machine"]["cores"].as_u64() > Some(0), "{report}");
    for text in ["command", "version", "date"] {
        assert!(report[text].is_string(), "{text}: {report}");
    }
    let floats = sandbox.shard(&format!(
        "bench set --split val --output f32 {flags} --json"
    ));
    assert!(floats.json()["best"]["stages_us"]["normalize"].as_f64() > Some(0.0));
}

#[test]
fn bench_measures_at_least_one_batch() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set -q");
    // The batches that are ready when the clock starts last longer than a microsecond.
    let flags = "--threads 1 --seconds 0.000001 --warmup 0.2 --batch 4 --size 64 --json";
    let report = sandbox.shard(&format!("bench set {flags}")).json();
    for figure in ["img_per_s", "img_per_s_per_core", "cores_for_target"] {
        let measured = report["best"][figure].as_f64();
        assert!(measured.is_some_and(|it| it > 0.0), "{figure}: {report}");
    }
}

#[test]
fn bench_measures_with_the_options_of_a_recipe() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set -q");
    let recipe =
        "image_resize: 40\nbatch_size: 6\nauto_augment: randaug-m9-n2\nre_prob: 1\nlr: 0.1\n";
    fs::write(sandbox.path("recipe.yaml"), recipe).unwrap();
    let report = sandbox
        .shard("bench set --recipe recipe.yaml --threads 1 --seconds 0.2 --rounds 3 --json")
        .json();
    assert_eq!(report["pipeline"]["size"], 40);
    assert_eq!(report["pipeline"]["batch"], 6);
    assert_eq!(report["runs"].as_array().unwrap().len(), 3);
    assert!(
        report["best"]["stages_us"]["augment"].as_f64() > Some(1.0),
        "{report}"
    );
    fs::write(sandbox.path("recipe.yaml"), "auto_augment: randag\n").unwrap();
    sandbox
        .run("shard", "bench set --recipe recipe.yaml")
        .ends_with(1)
        .says(&["auto_augment", "randag"]);
}

#[test]
fn bench_compares_encodings_and_cleans_up() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set -q");
    fs::create_dir(sandbox.path("scratch")).unwrap();
    let flags = "--threads 1 --seconds 0.1 --size 32 --limit 7 --scratch scratch --json";
    let report = sandbox
        .shard(&format!(
            "bench set --compare source,jpeg --rounds 2 {flags}"
        ))
        .json();
    let results = report["results"].as_array().unwrap();
    let names: Vec<_> = results
        .iter()
        .map(|result| result["set"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["source", "jpeg"]);
    assert!(
        report["sets"]
            .as_array()
            .unwrap()
            .iter()
            .all(|set| set["records"] == 7)
    );
    assert_eq!(fs::read_dir(sandbox.path("scratch")).unwrap().count(), 0);
    sandbox
        .run("shard", "bench set --compare jpegs --scratch scratch")
        .ends_with(1)
        .says(&["jpegs", "failed"]);
}

#[test]
fn a_cold_bench_reads_each_record_once() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set -q");
    let report = sandbox
        .shard("bench set --cold --threads 2 --batch 4 --size 32 --shuffle-window 5 --pin --json")
        .json();
    assert_eq!(report["runs"][0]["images"], 12);
    assert_eq!(report["pipeline"]["cold"], true);
}

#[test]
fn export_never_overwrites_a_file_that_differs() {
    let sandbox = Sandbox::with_images(2, 1);
    sandbox.shard("build --source raw --out set -q");
    sandbox.shard("export set --out back --split train -q");
    let file = sandbox.path("back/train/checker/checker_00001.JPEG");
    fs::write(&file, "mine").unwrap();
    sandbox
        .run("shard", "export set --out back")
        .ends_with(1)
        .says(&["checker_00001.JPEG", "--force"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    sandbox.shard("export set --out back --force");
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::with_images(40, 1);
    sandbox.shard("build --source raw --out set --shards 40 -q");
    let mut child = sandbox
        .command("shard", "inspect set --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn wrong_options_exit_with_2_and_wrong_paths_are_named() {
    let sandbox = Sandbox::new();
    sandbox
        .run("shard", "build --source raw")
        .ends_with(2)
        .says(&["--out"]);
    sandbox.run("shard", "pack").ends_with(2);
    sandbox
        .run("shard", "build --source raw --out set --shards 0")
        .ends_with(2);
    sandbox
        .run("shard", "build --source nowhere --out set")
        .ends_with(1)
        .says(&["nowhere", "no such file"]);
    assert!(!sandbox.path("set").exists());
    for command in ["verify", "inspect", "bench"] {
        sandbox
            .run("shard", &format!("{command} nowhere"))
            .ends_with(1)
            .says(&["nowhere"]);
    }
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox
        .run("shard", "verify empty")
        .ends_with(1)
        .says(&["not a data set", "shard build"]);
    sandbox
        .run("shard", "--help")
        .ends_with(0)
        .says(&["build", "verify", "inspect", "export", "bench"]);
    sandbox
        .run("shard", "build --help")
        .ends_with(0)
        .says(&["Examples:", "--on-bad"]);
}
