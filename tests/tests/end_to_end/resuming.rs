//! Builds that are killed, stopped, or run again with other options.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::{HANG_UP_ENDS, Ran, Sandbox, send};

const BUILD: &str = "build --source raw --out set --shards 24 --threads 1";

/// Starts the build, and sends it a signal when it has finished some shards, but not all.
fn build_until(sandbox: &Sandbox, signal: &str) -> Ran {
    for _ in 0..20 {
        let mut command = sandbox.command_behind(HANG_UP_ENDS, "shard", BUILD);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let first = sandbox.path("set/train-00000-of-00024.shard");
        let started = Instant::now();
        while !first.exists() && child.try_wait().unwrap().is_none() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "no shard within a minute"
            );
            sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_none() {
            send(signal, &child);
        }
        let ran = Ran::from(child.wait_with_output().unwrap());
        if !sandbox.path("set/dataset.json").exists() {
            return ran;
        }
        // The build finished before this process saw it. Try again.
        fs::remove_dir_all(sandbox.path("set")).unwrap();
    }
    panic!("the build is always finished before the signal comes");
}

fn finished(sandbox: &Sandbox) -> usize {
    let names = fs::read_dir(sandbox.path("set")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".shard")).count()
}

#[test]
fn a_build_that_is_killed_continues_to_the_same_bytes() {
    let sandbox = Sandbox::with_images(200, 4);
    sandbox.shard(&BUILD.replace("set", "undisturbed"));
    build_until(&sandbox, "KILL");
    let kept = finished(&sandbox);
    sandbox
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["did not finish", "shard build"]);

    // A kill may leave such a file.
    fs::write(sandbox.path("set/val-00003-of-00012.shard.tmp"), "half").unwrap();
    let again = sandbox.shard("build --source raw --out set --shards 24");
    again.says(&[
        &format!("{kept} shard"),
        "of an earlier run verified and kept",
    ]);
    assert_eq!(sandbox.files("set"), sandbox.files("undisturbed"));
}

#[test]
fn a_build_that_is_interrupted_says_so_and_continues() {
    let sandbox = Sandbox::with_images(200, 4);
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        build_until(&sandbox, signal)
            .ends_with(code)
            .says(&["interrupted", "run the same command again"]);
        assert!(
            sandbox
                .files("set")
                .keys()
                .all(|name| name.extension() == Some("shard".as_ref()))
        );
        sandbox.shard(BUILD);
        sandbox.shard("verify set").says(&[": OK: "]);
        fs::remove_dir_all(sandbox.path("set")).unwrap();
    }
}

#[test]
fn under_nohup_a_build_survives_its_terminal() {
    let sandbox = Sandbox::with_images(200, 4);
    let mut command = sandbox.command_behind("nohup", "shard", BUILD);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The build creates its folder after it has begun to listen for signals.
    while !sandbox.path("set").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    send("HUP", &child);
    Ran::from(child.wait_with_output().unwrap()).ends_with(0);
    sandbox.shard("verify set").says(&[": OK: "]);
}

#[test]
fn a_finished_data_set_is_left_alone() {
    let sandbox = Sandbox::with_images(6, 2);
    sandbox.shard("build --source raw --out set -q");
    let before = sandbox.files("set");
    sandbox
        .shard("build --source raw --out set")
        .says(&["is complete", "nothing to do"]);
    assert_eq!(sandbox.files("set"), before);

    sandbox
        .run("shard", "build --source raw --out set --seed 5")
        .ends_with(1)
        .says(&["finished data set of another build", "--force"]);
    assert_eq!(sandbox.files("set"), before);

    sandbox
        .shard("build --source raw --out set --seed 5 --force")
        .says(&["packed again"]);
    sandbox.shard("build --source raw --out fresh --seed 5 -q");
    assert_eq!(sandbox.files("set"), sandbox.files("fresh"));
}

#[test]
fn stale_shards_of_an_unfinished_build_are_rebuilt() {
    let sandbox = Sandbox::with_images(12, 2);
    sandbox.shard("build --source raw --out set --shards 3 -q");
    fs::remove_file(sandbox.path("set/dataset.json")).unwrap();
    fs::remove_file(sandbox.path("raw/train/checker/checker_00003.JPEG")).unwrap();
    // One train shard held the file. Others change too if images move between shards. val does not change.
    sandbox
        .shard("build --source raw --out set --shards 3")
        .says(&[
            "the source's files or the options have changed",
            "verified and kept",
        ]);
    sandbox.shard("build --source raw --out fresh --shards 3 -q");
    assert_eq!(sandbox.files("set"), sandbox.files("fresh"));

    fs::remove_file(sandbox.path("set/dataset.json")).unwrap();
    sandbox
        .shard("build --source raw --out set --shards 2")
        .says(&["another number of shards"]);
    sandbox.shard("build --source raw --out fresher --shards 2 -q");
    assert_eq!(sandbox.files("set"), sandbox.files("fresher"));
}

#[test]
fn a_damaged_shard_of_an_unfinished_build_is_rebuilt() {
    let sandbox = Sandbox::with_images(12, 2);
    sandbox.shard("build --source raw --out set --shards 3 -q");
    let whole = sandbox.files("set");
    fs::remove_file(sandbox.path("set/dataset.json")).unwrap();
    sandbox.flip("set/train-00001-of-00003.shard", 300);
    sandbox
        .shard("build --source raw --out set --shards 3")
        .says(&["train-00001-of-00003.shard", "damaged", "packed again"]);
    assert_eq!(sandbox.files("set"), whole);

    // In a finished data set, deleting the shard is enough.
    fs::remove_file(sandbox.path("set/train-00001-of-00003.shard")).unwrap();
    sandbox
        .run("shard", "verify set")
        .ends_with(1)
        .says(&["missing"]);
    sandbox.shard("build --source raw --out set --shards 3 -q");
    assert_eq!(sandbox.files("set"), whole);
}

#[test]
fn a_split_can_be_added_and_leaving_one_out_loses_none() {
    let sandbox = Sandbox::with_images(6, 2);
    sandbox.shard("build --source raw --out set --split train -q");
    sandbox
        .run("shard", "build --source raw --out set --split val")
        .ends_with(1)
        .says(&["this build has no such split", "--force"]);
    sandbox
        .shard("build --source raw --out set")
        .says(&["1 shard of an earlier run verified"]);
    sandbox.shard("build --source raw --out fresh -q");
    assert_eq!(sandbox.files("set"), sandbox.files("fresh"));
}
