//! What a training that is left alone meets, and what it leaves to be looked at.

use std::fs;
use std::process::Command;

use crate::bench::binary;
use crate::training::{train_args, training_bench};

#[test]
fn a_full_disk_ends_the_run_with_its_last_checkpoint_whole() {
    let bench = training_bench(4, 2);
    bench
        .run("train", &train_args("run", "--epoch-size 1"))
        .ends_with(0);
    // No file may grow past 100 KiB: the logs fit, a network's weights do not.
    let train = binary("train");
    let limited = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} {}",
        train.display(),
        train_args("run", "--resume")
    );
    let output = Command::new("bash")
        .args(["-c", &limited])
        .current_dir(bench.path("."))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in ["no checkpoint of step 6", "inception_v4-1_3", "--resume"] {
        assert!(said.contains(words), "no '{words}' in: {said}");
    }
    assert!(!bench.path("run/inception_v4-2_3").exists());
    assert!(!bench.path("run/inception_v4-2_3.tmp").exists());

    // Once there is room, it goes on.
    bench
        .run("train", &train_args("run", "--resume"))
        .ends_with(0)
        .says(&["resuming from", "inception_v4-1_3"]);
    assert!(bench.path("run/inception_v4-2_3").is_dir());
    let best = fs::read_link(bench.path("run/inception_v4_best")).unwrap();
    assert!(bench.path("run").join(best).is_dir());
}

#[test]
fn a_run_is_reported_on_one_page_and_measured_without_a_trace() {
    let bench = training_bench(4, 2);
    bench
        .run("train", &train_args("none", "--bench-steps 2"))
        .ends_with(0)
        .says(&["cached batch", "loader alone", "2 steps of 4 images"]);
    assert!(!bench.path("none").exists());
    bench
        .run("train", "report none")
        .ends_with(1)
        .says(&["--ckpt-save-dir"]);

    bench
        .run("train", &train_args("run", "--opt adamw --ema --mixup 0.2"))
        .ends_with(0)
        .says(&["ETA: 0s", "top-1:"]);
    let events = fs::read_dir(bench.path("run")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("events.out.tfevents.")
    });
    assert_eq!(events.count(), 1);
    bench.run("train", "report run").ends_with(0);
    let page = fs::read_to_string(bench.path("run/report.html")).unwrap();
    assert!(page.contains("6 of 6") && page.contains("adamw"), "{page}");
    assert_eq!(page.matches("<svg").count(), 6);
    bench
        .run("train", "report run --out other.html")
        .ends_with(0);
    assert_eq!(fs::read_to_string(bench.path("other.html")).unwrap(), page);
}
