//! Long trainings: signals, crashes, full disks, resuming, and the report of a run.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::{HANG_UP_ENDS, Ran, Sandbox, binary, send};
use crate::training::{metrics, train_args, training_sandbox, weights};

/// Two epochs of ten steps, the kind of run that the tests below interrupt.
const TWENTY: &str = "--epoch-size 2 --val-while-train false --workers 2";

fn start(sandbox: &Sandbox, args: &str) -> Child {
    let mut command = sandbox.command_behind(HANG_UP_ENDS, "train", args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until `there` or the program ends. Returns whether it still runs.
fn wait_for(child: &mut Child, there: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !there() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(
            started.elapsed() < Duration::from_secs(180),
            "nothing within three minutes"
        );
        sleep(Duration::from_micros(200));
    }
    true
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn a_signal_saves_a_checkpoint_after_the_step_and_says_how_to_resume() {
    let sandbox = training_sandbox(14, 2);
    sandbox
        .run("train", &train_args("whole", TWENTY))
        .ends_with(0);
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut child = start(&sandbox, &train_args(signal, TWENTY));
        let log = sandbox.path(signal).join("metrics.jsonl");
        assert!(
            wait_for(&mut child, || lines(&log) > 3),
            "it ended before the signal"
        );
        send(signal, &child);
        if signal == "HUP" {
            send(signal, &child); // as a shell does whose own terminal is gone
        }
        Ran::from(child.wait_with_output().unwrap())
            .ends_with(code)
            .says(&["interrupted; continue with --resume", "Saving model to"]);
        let resumed = format!("{TWENTY} --resume");
        sandbox
            .run("train", &train_args(signal, &resumed))
            .ends_with(0);
        assert_eq!(metrics(&sandbox, signal), metrics(&sandbox, "whole"));
        let last = "inception_v4-2_10";
        assert!(weights(&sandbox, signal, last) == weights(&sandbox, "whole", last));
    }
}

#[test]
fn a_resumed_run_makes_up_no_rate_for_a_few_last_steps() {
    let sandbox = training_sandbox(14, 2);
    let more = "--epoch-size 1 --val-while-train false --ckpt-save-steps 9";
    sandbox
        .run("train", &train_args("run", more))
        .ends_with(0)
        .says(&["img/s, data wait: ", " can supply "]);
    fs::remove_dir_all(sandbox.path("run/inception_v4-1_10")).unwrap();
    let ran = sandbox
        .run("train", &train_args("run", &format!("{more} --resume")))
        .ends_with(0)
        .says(&["resuming from", "inception_v4-1_9", "too few images to say"]);
    assert!(!ran.stdout.contains("prepare"), "{ran}");
}

#[test]
fn under_nohup_a_run_survives_its_terminal() {
    let sandbox = training_sandbox(14, 2);
    let mut command = sandbox.command_behind("nohup", "train", &train_args("run", TWENTY));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let log = sandbox.path("run/metrics.jsonl");
    assert!(
        wait_for(&mut child, || lines(&log) > 3),
        "it ended before the signal"
    );
    send("HUP", &child);
    Ran::from(child.wait_with_output().unwrap())
        .ends_with(0)
        .says(&["Finish training!"]);
    assert!(sandbox.path("run/inception_v4-2_10").is_dir());
}

#[test]
fn a_kill_while_a_checkpoint_is_written_leaves_the_previous_one() {
    let sandbox = training_sandbox(14, 2);
    let every_step = format!("{TWENTY} --ckpt-save-steps 1 --keep-checkpoint-max 3");
    sandbox
        .run("train", &train_args("whole", &every_step))
        .ends_with(0);
    let unfinished = || {
        let names = fs::read_dir(sandbox.path("killed")).into_iter().flatten();
        names
            .flatten()
            .any(|entry| entry.path().extension().is_some_and(|end| end == "tmp"))
    };
    let whole_ones = || {
        let names = fs::read_dir(sandbox.path("killed")).into_iter().flatten();
        let names = names
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap());
        let whole = names.filter(|name| name.contains('-') && !name.ends_with(".tmp"));
        whole.collect::<std::collections::BTreeSet<String>>()
    };
    let resumed = format!("{every_step} --resume");
    let mut kills = 0;
    for _ in 0..4 {
        let before = whole_ones();
        let mut child = start(&sandbox, &train_args("killed", &resumed));
        // Wait for a checkpoint of this run, and then for the beginning of the next one.
        if wait_for(&mut child, || whole_ones() != before) && wait_for(&mut child, unfinished) {
            child.kill().unwrap(); // SIGKILL
            kills += 1;
        }
        child.wait().unwrap();
        assert!(!whole_ones().is_empty());
    }
    assert!(kills > 0, "no run was killed while it wrote");
    sandbox
        .run("train", &train_args("killed", &resumed))
        .ends_with(0);
    assert!(!unfinished());
    assert_eq!(metrics(&sandbox, "killed"), metrics(&sandbox, "whole"));
    let last = "inception_v4-2_10";
    assert!(weights(&sandbox, "killed", last) == weights(&sandbox, "whole", last));
}

#[test]
fn a_resumed_run_reports_changes_and_refuses_those_that_make_it_another_run() {
    let sandbox = training_sandbox(4, 2);
    sandbox
        .run("train", &train_args("run", "--epoch-size 1"))
        .ends_with(0);
    sandbox
        .run(
            "train",
            &train_args(
                "run",
                "--epoch-size 1 --resume --batch-size 3 --aug-repeats 3",
            ),
        )
        .ends_with(1)
        .says(&[
            "batch_size was 4, now it is 3",
            "aug_repeats was 1, now it is 3",
        ]);
    sandbox
        .run(
            "train",
            &train_args("run", "--epoch-size 2 --resume --lr 0.01 --hflip 0"),
        )
        .ends_with(0)
        .says(&[
            "lr: 0.01, which was 0.02",
            "hflip: 0.0, which was 0.5",
            "epoch_size: 2, which was 1",
        ]);

    // The same number of images, but other classes.
    fs::rename(
        sandbox.path("raw/train/rings"),
        sandbox.path("raw/train/wheels"),
    )
    .unwrap();
    fs::rename(
        sandbox.path("raw/val/rings"),
        sandbox.path("raw/val/wheels"),
    )
    .unwrap();
    sandbox.shard("build --source raw --out set --shards 2 --force -q");
    sandbox
        .run("train", &train_args("run", "--epoch-size 3 --resume"))
        .ends_with(1)
        .says(&["the data set has other classes"]);
}

#[test]
fn augmix_in_three_views_and_repeated_augmentation_train_and_resume() {
    let sandbox = training_sandbox(8, 2);
    for (name, more) in [
        ("views", "--aug-splits 3 --auto-augment augmix --loss JSD"),
        ("repeats", "--aug-repeats 3 --auto-augment randaug-m9-n2"),
        (
            "depth",
            "--model inception_resnet_v1 --drop-path-rate 0.3 --num-samples 13",
        ),
    ] {
        let whole = format!("--ckpt-save-steps 1 --keep-checkpoint-max 20 {more}");
        sandbox.run("train", &train_args(name, &whole)).ends_with(0);
        let checkpoints = fs::read_dir(sandbox.path(name)).unwrap();
        let mut names: Vec<String> = checkpoints
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|file| file.contains("-1_") || file.contains("-2_"))
            .collect();
        names.sort();
        let last = names.last().unwrap().clone();
        // As after a kill in the second step.
        let expected = (metrics(&sandbox, name), weights(&sandbox, name, &last));
        for file in names.iter().filter(|file| !file.ends_with("-1_2")) {
            fs::remove_dir_all(sandbox.path(name).join(file)).unwrap();
        }
        sandbox
            .run(
                "train",
                &train_args(name, &format!("{whole} --resume --workers 3")),
            )
            .ends_with(0)
            .says(&["-1_2"]);
        assert!(
            (metrics(&sandbox, name), weights(&sandbox, name, &last)) == expected,
            "{name}"
        );
    }
}

#[test]
fn two_trainings_cannot_write_to_the_same_folder() {
    let sandbox = training_sandbox(14, 2);
    let mut first = start(&sandbox, &train_args("run", "--epoch-size 50"));
    let log = sandbox.path("run/metrics.jsonl");
    assert!(
        wait_for(&mut first, || lines(&log) > 3),
        "it ended before the second"
    );
    for more in ["", "--resume"] {
        sandbox
            .run("train", &train_args("run", more))
            .ends_with(1)
            .says(&["run: another training is writing there"]);
    }
    assert!(first.try_wait().unwrap().is_none(), "it ended too early");
    first.kill().unwrap();
    first.wait().unwrap();
    // A killed process holds no lock.
    sandbox
        .run("train", &train_args("run", "--resume --epoch-size 1"))
        .ends_with(0);
}

#[test]
fn a_full_disk_ends_the_run_with_the_last_checkpoint_intact() {
    let sandbox = training_sandbox(4, 2);
    sandbox
        .run("train", &train_args("run", "--epoch-size 1"))
        .ends_with(0);
    // No file may grow beyond 100 KiB: the logs fit, the weights of a network do not.
    let train = binary("train");
    let limited = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} {}",
        train.display(),
        train_args("run", "--resume")
    );
    let output = Command::new("bash")
        .args(["-c", &limited])
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in ["no checkpoint of step 6", "inception_v4-1_3", "--resume"] {
        assert!(said.contains(words), "no '{words}' in: {said}");
    }
    assert!(!sandbox.path("run/inception_v4-2_3").exists());
    assert!(!sandbox.path("run/inception_v4-2_3.tmp").exists());

    // Once there is space, it continues.
    sandbox
        .run("train", &train_args("run", "--resume"))
        .ends_with(0)
        .says(&["resuming from", "inception_v4-1_3"]);
    assert!(sandbox.path("run/inception_v4-2_3").is_dir());
    let best = fs::read_link(sandbox.path("run/inception_v4_best")).unwrap();
    assert!(sandbox.path("run").join(best).is_dir());
}

#[test]
fn a_run_is_reported_on_one_page_and_a_measurement_leaves_no_files() {
    let sandbox = training_sandbox(4, 2);
    sandbox
        .run("train", &train_args("none", "--bench-steps 2"))
        .ends_with(0)
        .says(&["cached batch", "loader alone", "2 steps of 4 images"]);
    assert!(!sandbox.path("none").exists());
    sandbox
        .run("train", "report none")
        .ends_with(1)
        .says(&["--ckpt-save-dir"]);

    sandbox
        .run("train", &train_args("run", "--opt adamw --ema --mixup 0.2"))
        .ends_with(0)
        .says(&["ETA: 0s", "top-1:"]);
    let events = fs::read_dir(sandbox.path("run")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("events.out.tfevents.")
    });
    assert_eq!(events.count(), 1);
    sandbox.run("train", "report run").ends_with(0);
    let page = fs::read_to_string(sandbox.path("run/report.html")).unwrap();
    assert!(page.contains("6 of 6") && page.contains("adamw"), "{page}");
    assert_eq!(page.matches("<svg").count(), 6);
    sandbox
        .run("train", "report run --out other.html")
        .ends_with(0);
    assert_eq!(
        fs::read_to_string(sandbox.path("other.html")).unwrap(),
        page
    );
}
