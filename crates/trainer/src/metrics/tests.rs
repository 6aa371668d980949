//! Lines and rows: what a resumed run keeps, how they are written, and a disk that is full.

use super::*;

fn train(step: u64) -> Line {
    Line::Train(TrainLine {
        step,
        epoch: step.div_ceil(10),
        batch: (step - 1) % 10 + 1,
        loss: 1.5,
        top1: 0.25,
        lr: 0.1,
        img_per_s: 12.0,
        data_wait: 0.0,
        gradient_norm: Some(2.0),
    })
}

fn validation(step: u64) -> Line {
    let evaluation = Evaluation {
        images: 7,
        skipped: 0,
        top1: 0.5,
        top5: 1.0,
        loss: 0.7,
        seconds: 1.0,
    };
    Line::Validation {
        step,
        epoch: step / 10,
        evaluation,
    }
}

fn state(steps: u64, epoch_open: bool) -> State {
    let recipe = Recipe {
        tensorboard: false,
        ..Recipe::default()
    };
    let mut state = State::new(&recipe, &[], 0);
    state.steps_per_epoch = 10;
    state.steps = steps;
    state.epoch = steps.div_ceil(10);
    state.batch = (steps - 1) % 10 + 1;
    state.progress.epoch_open = epoch_open;
    state
}

/// Two epochs of ten steps, and half a line.
fn two_epochs(dir: &Path) {
    let mut metrics = Metrics::create(dir, false).unwrap();
    for step in 1..=20 {
        metrics.line(&train(step)).unwrap();
        if step % 10 == 0 {
            metrics.line(&validation(step)).unwrap();
            metrics.epoch(step / 10, 1.25, 3.0, None).unwrap();
        }
    }
    metrics.lines.append("{\"kind\":\"tra").unwrap();
    metrics.table.append("\u{0}\u{0}").unwrap();
}

fn steps_and_rows(dir: &Path) -> (Vec<Line>, usize) {
    let lines = fs::read_to_string(dir.join(METRICS_FILE)).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rows = fs::read_to_string(dir.join(RESULT_FILE))
        .unwrap()
        .lines()
        .count()
        - 1;
    (lines, rows)
}

#[test]
fn resuming_leaves_neither_gap_nor_duplicate() {
    for (steps, open, validations, rows) in [
        (13, false, 1, 1),
        (10, false, 1, 1),
        (10, true, 0, 0),
        (20, true, 1, 1),
        (20, false, 2, 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        two_epochs(dir.path());
        drop(Metrics::resume(dir.path(), &state(steps, open)).unwrap());
        let (lines, found_rows) = steps_and_rows(dir.path());
        let trained: Vec<Line> = lines
            .iter()
            .filter(|line| matches!(line, Line::Train(_)))
            .cloned()
            .collect();
        assert_eq!(trained, (1..=steps).map(train).collect::<Vec<_>>());
        assert_eq!(lines.len() - trained.len(), validations, "{steps} {open}");
        assert_eq!(found_rows, rows, "{steps} {open}");
    }
}

#[test]
fn the_table_has_mindcvs_columns() {
    let dir = tempfile::tempdir().unwrap();
    let mut metrics = Metrics::create(dir.path(), true).unwrap();
    let Line::Validation { evaluation, .. } = validation(10) else {
        return;
    };
    metrics.epoch(1, 2.5, 60.0, Some(&evaluation)).unwrap();
    let table = fs::read_to_string(dir.path().join(RESULT_FILE)).unwrap();
    let cells: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(cells[0], COLUMNS);
    assert_eq!(
        cells[1],
        [
            "1",
            "2.500000",
            "50.0000%",
            "100.0000%",
            "60.00",
            "1.00",
            "61.00"
        ]
    );
}

#[test]
fn a_loss_that_is_no_number_is_still_a_line() {
    let Line::Train(mut line) = train(1) else {
        return;
    };
    line.loss = f32::NAN;
    let json = serde_json::to_string(&Line::Train(line)).unwrap();
    assert!(json.contains("\"loss\":null"), "{json}");
    // And is no gap when a run is resumed.
    assert!(is_before(json.as_bytes(), &state(13, false)));
}

/// A log on a disk that takes nothing more is an error that names it, whichever of the three it is.
#[test]
fn a_full_disk_is_an_error_that_names_the_log() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        println!("skipped: no /dev/full here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let logs = || Metrics::create(dir.path(), true).unwrap();
    let refused = |result: Result<(), LogError>| {
        let error = result.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("/dev/full: cannot write"), "{said}");
        assert!(said.contains("os error 28"), "{said}");
        assert_eq!(error.mend(), "Make room");
    };
    let lines = Appended::onto(full).unwrap();
    refused(Metrics { lines, ..logs() }.line(&train(1)));
    let table = Appended::onto(full).unwrap();
    refused(Metrics { table, ..logs() }.epoch(1, 1.0, 1.0, None));
    let events = Some(Events::onto(full).unwrap());
    refused(Metrics { events, ..logs() }.line(&train(1)));
}

#[test]
fn a_folder_that_is_none_is_an_error_with_another_mend() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, action) in [(file.clone(), "create"), (file.join("run"), "create")] {
        let error = Metrics::create(&path, true).unwrap_err();
        assert_eq!((&error.path, error.action), (&path, action), "{error}");
        assert_eq!(error.mend(), "Pass another --ckpt-save-dir", "{error}");
    }
}

/// Bytes that are no text, in a line of their own, are dropped; the lines around them stay.
#[test]
fn a_damaged_line_does_not_stop_a_run_from_going_on() {
    let dir = tempfile::tempdir().unwrap();
    two_epochs(dir.path());
    let path = dir.path().join(METRICS_FILE);
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes.splice(second..second, *b"\xff\xfe\n");
    fs::write(&path, bytes).unwrap();
    drop(Metrics::resume(dir.path(), &state(20, false)).unwrap());
    assert_eq!(steps_and_rows(dir.path()).0.len(), 22);
}
