//! The page's tables: what came out, what was validated, where it ran, and the recipe.

use std::fmt::Write;

use serde_json::Value;

use super::plot::short;
use super::{Metrics, Validated, escape};
use crate::metrics::{RunLine, TrainLine};

/// What came out, in a few numbers.
pub(super) fn summary(run: &RunLine, metrics: &Metrics) -> String {
    let steps = &metrics.steps;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(last) = steps.last() {
        let epochs = run.recipe.epoch_size;
        let total = epochs.get() * run.steps_per_epoch;
        facts.push(("Steps", format!("{} of {total}", last.step)));
        facts.push(("Epoch", format!("{} of {epochs}", last.epoch)));
    }
    let better = |a: &&Validated, b: &&Validated| a.found.top1.total_cmp(&b.found.top1);
    if let Some(best) = metrics.validations.iter().max_by(better) {
        let text = format!("{:.2} % (epoch {})", 100.0 * best.found.top1, best.epoch);
        facts.push(("Best top-1", text));
        facts.push(("Its top-5", format!("{:.2} %", 100.0 * best.found.top5)));
    }
    // The first steps of a run warm caches and pools.
    let settled = steps.get(steps.len().min(10) / 2..).unwrap_or_default();
    let pace = |of: fn(&TrainLine) -> f64| median(settled.iter().map(of).collect());
    if let (Some(rate), Some(wait)) = (pace(|step| step.img_per_s), pace(|step| step.data_wait)) {
        facts.push(("Throughput, median", format!("{} img/s", short(rate))));
        facts.push(("Data wait, median", format!("{:.1} %", 100.0 * wait)));
    }
    let skipped = steps.iter().filter(|step| !step.loss.is_finite()).count();
    if skipped > 0 {
        facts.push(("Steps without a finite loss", skipped.to_string()));
    }
    facts.push(("Parameters", run.trainable_parameters.to_string()));
    facts.push(("Images", run.train_images.to_string()));
    if metrics.unread > 0 {
        facts.push(("Lines not read", metrics.unread.to_string()));
    }
    let facts = facts.iter().map(|(name, value)| {
        let (name, value) = (escape(name), escape(value));
        format!("<div><dt>{name}</dt><dd>{value}</dd></div>")
    });
    format!("<dl>{}</dl>", facts.collect::<String>())
}

/// Every validation.
pub(super) fn validations(metrics: &Metrics) -> String {
    if metrics.validations.is_empty() {
        return String::new();
    }
    let head = [
        "Epoch", "Top-1", "Top-5", "Loss", "Images", "Skipped", "Seconds",
    ];
    let rows = metrics
        .validations
        .iter()
        .map(|Validated { epoch, found, .. }| {
            vec![
                epoch.to_string(),
                format!("{:.4} %", 100.0 * found.top1),
                format!("{:.4} %", 100.0 * found.top5),
                format!("{:.6}", found.loss),
                found.images.to_string(),
                found.skipped.to_string(),
                format!("{:.2}", found.seconds),
            ]
        });
    let table = table(&head, rows);
    format!(
        "<h2>Validations</h2><details><summary>All {}</summary>{table}</details>",
        metrics.validations.len()
    )
}

/// Where and when the run was started and continued.
pub(super) fn starts(metrics: &Metrics) -> String {
    let rows = metrics.runs.iter().map(|run| {
        vec![
            run.step.to_string(),
            run.machine.clone(),
            run.recipe.device.clone(),
            run.version.clone(),
        ]
    });
    let table = table(&["From step", "Machine", "Device", "Version"], rows);
    format!("<h2>Started</h2>{table}")
}

/// Every key of the recipe.
pub(super) fn recipe(run: &RunLine) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(&run.recipe) else {
        return String::new();
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let rows = fields
        .into_iter()
        .map(|(key, value)| vec![key, text(value)]);
    format!(
        "<h2>Recipe</h2><div class=\"wide\">{}</div>",
        table(&["Key", "Value"], rows)
    )
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut html = "<table><tr>".to_owned();
    // Writing to a string cannot fail.
    for name in head {
        let _ = write!(html, "<th>{}</th>", escape(name));
    }
    html.push_str("</tr>");
    for row in rows {
        let cells: String = row
            .iter()
            .map(|cell| format!("<td>{}</td>", escape(cell)))
            .collect();
        let _ = write!(html, "<tr>{cells}</tr>");
    }
    html + "</table>"
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
