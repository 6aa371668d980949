//! Data sets in the encoding `recoded`: built, converted to and from, and without their tables.

use std::fs;

use crate::sandbox::Sandbox;

#[test]
fn a_recoded_set_gives_its_files_back_and_trains_like_any_other() {
    let sandbox = Sandbox::with_images(10, 3);
    sandbox.shard("build --source raw --out set --encoding recoded --shards 2 -q");
    assert!(sandbox.path("set/dataset.tables").is_file());
    sandbox
        .shard("verify set --decode")
        .says(&[": OK: ", "39 records", "every image decoded"]);
    sandbox.shard("export set --out back -q");
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));
    sandbox
        .shard("build --source raw --out set --encoding recoded --shards 2")
        .says(&["39 images"]);
    let flags = "--threads 1 --seconds 0.2 --warmup 0 --batch 4 --size 32";
    sandbox
        .shard(&format!("bench set {flags}"))
        .says(&["img/s", "decode"]);
    let shown = sandbox.shard("inspect set --record 5 --json").json();
    assert!(
        shown["image"].as_str().unwrap().starts_with("JPEG of "),
        "{shown}"
    );
}

#[test]
fn converting_and_back_loses_nothing() {
    let sandbox = Sandbox::with_images(10, 3);
    sandbox.shard("build --source raw --out jpeg --shards 2 -q");
    sandbox.shard("convert jpeg --from jpeg --to recoded --out recoded -q");
    sandbox.shard("verify recoded --decode").says(&[": OK: "]);
    let encodings = |set: &str| {
        let records = 0..30;
        let shown = records.map(|record| {
            sandbox
                .shard(&format!("inspect {set} --record {record} --json"))
                .json()
        });
        shown.filter(|shown| shown["encoding"] == "recoded").count()
    };
    assert!(encodings("recoded") > 0, "nothing was re-coded");
    sandbox.shard("export recoded --out back -q");
    assert_eq!(sandbox.files("raw"), sandbox.files("back"));

    // As after an interruption: a shard and the manifest are missing. The rest is kept, and the result is the same.
    let finished = sandbox.files("recoded");
    for file in ["dataset.json", "train-00001-of-00002.shard"] {
        fs::remove_file(sandbox.path("recoded").join(file)).unwrap();
    }
    sandbox.shard("convert jpeg --to recoded --out recoded -q");
    assert_eq!(sandbox.files("recoded"), finished);

    sandbox.shard("convert recoded --to jpeg --out again -q");
    assert_eq!(encodings("again"), 0);
    sandbox.shard("export again --out twice -q");
    assert_eq!(sandbox.files("raw"), sandbox.files("twice"));
    sandbox
        .run(
            "shard",
            "convert again --from recoded --to jpeg --out third",
        )
        .ends_with(1)
        .says(&["its encoding is jpeg"]);
}

#[test]
fn damaged_or_lost_tables_are_named() {
    let sandbox = Sandbox::with_images(4, 1);
    sandbox.shard("build --source raw --out set --encoding recoded -q");
    let tables = sandbox.path("set/dataset.tables");
    let mut bytes = fs::read(&tables).unwrap();
    bytes[100] ^= 1;
    fs::write(&tables, &bytes).unwrap();
    for command in ["verify set", "export set --out back"] {
        sandbox
            .run("shard", command)
            .ends_with(1)
            .says(&["dataset.tables", "hash"]);
    }
    fs::remove_file(&tables).unwrap();
    sandbox
        .run("shard", "bench set --seconds 0.1")
        .ends_with(1)
        .says(&["dataset.tables"]);
}
