//! Lines and rows: how they are written, what a resumed run keeps, and the effects of a full disk.

use super::*;

fn train_line(step: u64) -> TrainLine {
    TrainLine {
        step,
        epoch: step.div_ceil(10),
        batch: (step - 1) % 10 + 1,
        loss: 1.5,
        top1: 0.25,
        lr: 0.1,
        img_per_s: 12.0,
        data_wait: 0.0,
        gradient_norm: Some(2.0),
    }
}

fn train(step: u64) -> Line {
    Line::Train(train_line(step))
}

fn evaluation() -> Evaluation {
    Evaluation {
        images: 7,
        skipped: 0,
        top1: 0.5,
        top5: 1.0,
        loss: 0.7,
        seconds: 1.0,
    }
}

fn validation(step: u64) -> Line {
    Line::Validation {
        step,
        epoch: step / 10,
        evaluation: evaluation(),
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
    metrics.epoch(1, 2.5, 60.0, Some(&evaluation())).unwrap();
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
fn a_loss_that_is_nan_is_still_a_line() {
    let line = TrainLine {
        loss: f32::NAN,
        ..train_line(1)
    };
    let json = serde_json::to_string(&Line::Train(line)).unwrap();
    assert!(json.contains("\"loss\":null"), "{json}");
    // And leaves no gap after the run is resumed.
    assert!(is_before(json.as_bytes(), &state(13, false)));
}

/// A full disk gives an error that names the log, whichever of the three it is. `/dev/full` is part of Linux.
#[test]
fn a_full_disk_is_an_error_that_names_the_log() {
    let full = Path::new("/dev/full");
    let dir = tempfile::tempdir().unwrap();
    let logs = || Metrics::create(dir.path(), true).unwrap();
    let refused = |result: Result<(), LogError>| {
        let error = result.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("/dev/full: cannot write"), "{said}");
        assert!(said.contains("os error 28"), "{said}");
        assert_eq!(error.how_to_fix(), "Make room");
    };
    let lines = Appended::onto(full).unwrap();
    refused(Metrics { lines, ..logs() }.line(&train(1)));
    let table = Appended::onto(full).unwrap();
    refused(Metrics { table, ..logs() }.epoch(1, 1.0, 1.0, None));
    let events = Some(EventFile::onto(full).unwrap());
    refused(Metrics { events, ..logs() }.line(&train(1)));
}

#[test]
fn a_file_in_place_of_a_folder_is_an_error_with_another_fix() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, action) in [(file.clone(), "create"), (file.join("run"), "create")] {
        let error = Metrics::create(&path, true).unwrap_err();
        assert_eq!((&error.path, error.action), (&path, action), "{error}");
        assert_eq!(
            error.how_to_fix(),
            "Pass another --ckpt-save-dir",
            "{error}"
        );
    }
}

/// A line of bytes that are not text is dropped. The lines around it stay.
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
