//! A page about a made-up run.

use serde_json::json;

use super::plot::short;
use std::fs;

use super::*;
use crate::recipe::Recipe;

fn lines() -> String {
    let recipe = Recipe {
        data_dir: "/data/<set>".into(),
        ..Recipe::default()
    };
    let run = json!({
        "kind": "run", "step": 0, "version": "1", "steps_per_epoch": 100, "train_images": 3200,
        "validation_images": 64, "classes": 10, "trainable_parameters": 12345, "recipe": recipe,
        "machine": "a machine & more",
    });
    let steps = (1..=1000).map(|step| {
        json!({
            "kind": "train", "step": step, "epoch": (step + 99) / 100, "batch": (step + 99) % 100 + 1,
            "loss": if step == 500 { None } else { Some(3.0 / f64::from(step)) }, "top1": 0.5, "lr": 0.1,
            "img_per_s": 100.0, "data_wait": 0.01, "gradient_norm": 2.0,
        })
    });
    let validations = (1..=10).map(|epoch| {
        json!({
            "kind": "validation", "step": epoch * 100, "epoch": epoch, "images": 64, "skipped": 0,
            "top1": 0.09 * f64::from(epoch), "top5": 0.95, "loss": 0.4, "seconds": 2.0,
        })
    });
    let all = [run].into_iter().chain(steps).chain(validations);
    all.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_page_says_what_the_run_did_and_needs_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(METRICS_FILE), lines() + "{\"kind\":\"tra").unwrap();
    let html = html(dir.path()).unwrap();
    for part in [
        "1000 of 9000",
        "90.00 % (epoch 10)",
        "95.00 %",
        "a machine &amp; more",
        "/data/&lt;set&gt;",
        "Steps without an update</dt><dd>1<",
        "Lines not read</dt><dd>1<",
        "weight_decay_filter",
        "Learning rate",
        "Gradient norm",
        "Data wait",
        "polyline",
    ] {
        assert!(html.contains(part), "no '{part}'");
    }
    assert_eq!(html.matches("<svg").count(), 6);
    for outside in ["http:", "https:", "src=", "href=", "<set>", "NaN"] {
        assert!(!html.contains(outside), "'{outside}' in it");
    }
    // However long the run, the page stays small.
    assert!(html.len() < 300_000, "{}", html.len());
}

#[test]
fn without_a_run_there_is_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let said = || html(dir.path()).unwrap_err().to_string();
    assert!(said().contains("--ckpt-save-dir"), "{}", said());
    fs::write(dir.path().join(METRICS_FILE), "nothing\n").unwrap();
    assert!(said().contains("contains no recipe"), "{}", said());
}

#[test]
fn many_steps_become_few_points_with_their_range() {
    let points = (0..10_000).map(|x| (f64::from(x), f64::from(x % 2)));
    let points: Vec<_> = points.chain([(1e4, f64::NAN)]).collect();
    let series = Series::averaged("x", points);
    assert_eq!(series.points.len(), 400);
    assert_eq!(series.points[0], (12.0, 0.48));
    assert!(series.range.iter().all(|range| *range == (0.0, 1.0)));
}

#[test]
fn axes_have_round_ticks_that_hold_everything() {
    for (most, expected) in [
        (0.93, 0.2),
        (7.0, 2.0),
        (100.0, 20.0),
        (0.045, 0.01),
        (12.0, 2.5),
    ] {
        let plot = Plot::new("", "").with(Series::marked("", vec![(1.0, most)]));
        let axis = plot.values();
        assert!((axis.step - expected).abs() < 1e-12, "{most}: {axis:?}");
        let last = axis.ticks().last().unwrap();
        assert!(last >= most && last < most + axis.step, "{axis:?}");
        assert_eq!(axis.ticks().next(), Some(0.0));
    }
}

#[test]
fn numbers_are_short() {
    let written = [0.0, 1.0, 0.045, 123.456, 1e-7, 2.5e7, 0.30000000000000004].map(short);
    assert_eq!(
        written,
        ["0", "1", "0.045", "123.5", "1.00e-7", "2.50e7", "0.3"]
    );
}

#[test]
fn a_value_far_out_is_cut_off_and_named() {
    let mut points: Vec<(f64, f64)> = (0..50).map(|x| (f64::from(x), 1.0)).collect();
    points.push((50.0, 55.25));
    let plot = || Plot::new("Loss", "").with(Series::marked("", points.clone()));
    assert_eq!((plot().values().to, plot().beyond()), (60.0, None));
    let cut = plot().cut();
    assert_eq!((cut.values().to, cut.beyond()), (2.0, Some(55.25)));
    assert!(svg::draw(&cut).contains("up to 55.25, cut at 2<"));
    // The values of the majority are never cut off.
    let even = Plot::new("", "").with(Series::marked("", vec![(0.0, 6.9), (1.0, 2.0)]));
    assert_eq!(even.cut().beyond(), None);
}
