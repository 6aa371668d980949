//! The bytes of a data set depend only on the images and the options.

use std::fs;

use crate::sandbox::Sandbox;

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let sandbox = Sandbox::with_images(30, 5);
    for threads in [1, 2, 7] {
        let out = format!("set{threads}");
        sandbox.shard(&format!(
            "build --source raw --out {out} --shards 4 --threads {threads} -q"
        ));
    }
    assert_eq!(sandbox.files("set1").len(), 9);
    assert_eq!(sandbox.files("set1"), sandbox.files("set2"));
    assert_eq!(sandbox.files("set1"), sandbox.files("set7"));
}

#[test]
fn train_is_shuffled_by_the_seed_and_val_is_in_order() {
    let sandbox = Sandbox::with_images(12, 4);
    sandbox.shard("build --source raw --out one --seed 1 -q");
    sandbox.shard("build --source raw --out two --seed 2 -q");
    sandbox.shard("build --source raw --out plain --order source -q");
    let keys = |set: &str, split: &str, records: usize| -> Vec<String> {
        let key = |record| {
            let args = format!("inspect {set} --split {split} --record {record} --json");
            sandbox.shard(&args).json()["key"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        (0..records).map(key).collect()
    };
    assert!(keys("plain", "train", 36).is_sorted());
    assert!(!keys("one", "train", 6).is_sorted());
    assert_ne!(keys("one", "train", 6), keys("two", "train", 6));
    assert!(keys("one", "val", 12).is_sorted());
}

#[test]
fn a_bare_folder_of_classes_is_a_training_split() {
    let sandbox = Sandbox::with_images(3, 1);
    sandbox
        .shard("build --source raw/train --out set")
        .says(&["9 images", "no val split"]);
    sandbox.shard("export set --out back -q");
    let (raw, back) = (sandbox.files("raw/train"), sandbox.files("back/train"));
    assert_eq!(raw, back);
}

#[test]
fn the_manifest_describes_the_build_and_json_prints_the_summary() {
    let sandbox = Sandbox::with_images(3, 1);
    let summary = sandbox
        .shard("build --source raw --out set --shards 1 --json")
        .json();
    assert_eq!(summary["status"], "built");
    assert_eq!(summary["records"], 12);
    assert_eq!(summary["shards"], 2);
    let manifest = sandbox.manifest("set");
    assert_eq!(manifest["encoding"], "jpeg");
    assert_eq!(manifest["options"]["seed"], 42);
    assert_eq!(manifest["options"]["order"]["train"], "shuffled");
    assert_eq!(manifest["splits"]["train"]["layout"], "class-folders");
    assert_eq!(manifest["classes"][2]["synset"], "rings");
}

#[test]
fn a_folder_with_other_files_is_not_touched() {
    let sandbox = Sandbox::with_images(2, 1);
    fs::create_dir(sandbox.path("home")).unwrap();
    fs::write(sandbox.path("home/thesis.tex"), "years").unwrap();
    sandbox
        .run("shard", "build --source raw --out home")
        .ends_with(1)
        .says(&["home", "thesis.tex", "empty output directory"]);
    assert_eq!(sandbox.files("home").len(), 1);
}

#[test]
fn a_split_that_the_source_lacks_is_named() {
    let sandbox = Sandbox::with_images(2, 1);
    sandbox
        .run("shard", "build --source raw --out set --split test")
        .ends_with(1)
        .says(&["no split test", "train, val"]);
}

#[test]
fn both_encodings_give_the_files_back() {
    let sandbox = Sandbox::with_images(5, 2);
    for encoding in ["jpeg", "source"] {
        sandbox.shard(&format!(
            "build --source raw --out {encoding} --encoding {encoding} -q"
        ));
        sandbox
            .shard(&format!("verify {encoding} --decode"))
            .says(&[": OK: "]);
        sandbox.shard(&format!("export {encoding} --out back-{encoding} -q"));
        assert_eq!(sandbox.manifest(encoding)["encoding"], encoding);
        assert_eq!(
            sandbox.files("raw"),
            sandbox.files(&format!("back-{encoding}"))
        );
    }
    let shown = sandbox.shard("inspect jpeg --record 0 --json").json();
    assert_eq!(shown["encoding"], "jpeg");
    assert!(
        shown["image"].as_str().unwrap().starts_with("JPEG of "),
        "{shown}"
    );
}

#[test]
fn images_are_scaled_on_request_and_marked_as_lossy() {
    let sandbox = Sandbox::with_images(30, 4);
    sandbox
        .shard("build --source raw --out set --short-side 32 --quality 90")
        .says(&[" per image", "random crops of 299 px", "measured on"]);
    let manifest = sandbox.manifest("set");
    assert_eq!(manifest["options"]["lossy"]["short_side"], 32);
    assert_eq!(manifest["options"]["lossy"]["subsampled"], true);
    let shown = sandbox.shard("inspect set --record 0 --json").json();
    let side = |name: &str| shown[name].as_u64().unwrap_or_default();
    assert_eq!(side("width").min(side("height")), 32);
    sandbox.shard("verify set --decode").says(&[": OK: "]);
    sandbox
        .shard("inspect set")
        .says(&["lossy: images", "above 32 px"]);
    sandbox
        .shard("export set --out back")
        .says(&["lossy: images", "their sources are not here"]);
    sandbox
        .run("shard", "build --source raw --out other --quality 80")
        .ends_with(2)
        .says(&["--short-side"]);
}
