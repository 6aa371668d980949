//! Trainings on a full disk, in three ways: a limit on the size of files, a file system of a few megabytes, and a
//! device that accepts no data.

use std::fs;
use std::process::Command;

use crate::sandbox::{Ran, Sandbox, binary};
use crate::training::{metrics, train_args, training_sandbox, weights};

/// Twenty epochs of three steps. Only the last epoch is saved; until then the run only writes logs.
const TWENTY: &str = "--epoch-size 20 --ckpt-save-interval 20 --val-while-train false";

/// Runs a script in the test's folder; `$train` is the program.
fn bash(sandbox: &Sandbox, script: &str) -> Ran {
    let mut command = Command::new("bash");
    command.args(["-c", script]).env("train", binary("train"));
    Ran::from(command.current_dir(sandbox.path(".")).output().unwrap())
}

/// A run of one epoch in `run`, which `TWENTY` then extends, and a run of all epochs in `whole`.
fn start_runs(sandbox: &Sandbox, run: &str) {
    let first = TWENTY.replace("20", "1");
    sandbox.run("train", &train_args(run, &first)).ends_with(0);
    sandbox
        .run("train", &train_args("whole", TWENTY))
        .ends_with(0);
}

/// Resumes `run`, and asserts that the result equals the uninterrupted run in `whole`.
fn resumes_as_if_uninterrupted(sandbox: &Sandbox, run: &str) {
    sandbox
        .run("train", &train_args(run, &format!("{TWENTY} --resume")))
        .ends_with(0)
        .says(&["resuming from", "inception_v4-1_3"]);
    assert_eq!(metrics(sandbox, run), metrics(sandbox, "whole"));
    let last = "inception_v4-20_3";
    assert!(weights(sandbox, run, last) == weights(sandbox, "whole", last));
}

#[test]
fn logs_that_cannot_grow_end_the_run_with_the_last_checkpoint_intact() {
    let sandbox = training_sandbox(4, 2);
    start_runs(&sandbox, "run");
    let resumed = train_args("run", &format!("{TWENTY} --resume"));
    // In KiB: too little for the steps of twenty epochs, and too little for those already logged.
    for (limit, words) in [(8, "the run ends at step"), (1, "Make room")] {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec $train {resumed}");
        bash(&sandbox, &script).ends_with(1).says(&[
            "run/metrics.jsonl: cannot write: File too large",
            "Make room",
            words,
        ]);
        assert!(!sandbox.path("run/metrics.jsonl.tmp").exists());
    }
    resumes_as_if_uninterrupted(&sandbox, "run");
}

#[test]
fn a_disk_that_fills_up_ends_the_run_which_resumes_once_there_is_space() {
    let sandbox = training_sandbox(4, 2);
    fs::create_dir(sandbox.path("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=16m none disk";
    let may = bash(
        &sandbox,
        &format!("unshare --map-root-user --mount {mount}"),
    );
    if may.code != Some(0) {
        test_report::skip("mounting a file system is not allowed here");
        return;
    }
    start_runs(&sandbox, "run");
    let resumed = train_args("disk/run", &format!("{TWENTY} --resume"));
    // The script fills the disk once some steps are logged. At the end it copies the files to `filled`.
    let script = format!(
        "{mount}; cp -r run disk; $train {resumed} & \
         while [ $(wc -l < disk/run/metrics.jsonl) -lt 10 ] && kill -0 $!; do sleep 0.005; done; \
         cat /dev/zero > disk/ballast 2> /dev/null; wait $!; code=$?; \
         rm disk/ballast; cp -r disk/run filled; exit $code"
    );
    fs::write(sandbox.path("script"), script).unwrap();
    let ran = bash(&sandbox, "unshare --map-root-user --mount bash script");
    ran.ends_with(1).says(&[
        "the run ends at step",
        "cannot write: No space left on device",
        "The last good checkpoint is disk/run/inception_v4-1_3",
        "Make room, then go on with --resume",
    ]);
    resumes_as_if_uninterrupted(&sandbox, "filled");
}

#[test]
fn a_log_that_cannot_be_written_to_the_terminal_ends_no_run() {
    if !std::path::Path::new("/dev/full").exists() {
        test_report::skip("there is no /dev/full");
        return;
    }
    let sandbox = training_sandbox(4, 2);
    let to_full = |args: &str| bash(&sandbox, &format!("exec $train {args} > /dev/full 2>&1"));
    to_full(&train_args("run", "")).ends_with(0);
    assert_eq!(metrics(&sandbox, "run").len(), 8);
    // The message is lost, but the exit code tells of the failure.
    to_full(&train_args("run", "")).ends_with(1);
}
