//! The page's tables: results, validations, machines and the recipe.

use std::fmt::Write;

use serde_json::Value;

use super::plot::short;
use super::{Metrics, Validated, escape};
use crate::log::metrics::{RunLine, TrainLine};

/// The results, in a few numbers.
pub(super) fn summary(run: &RunLine, metrics: &Metrics) -> String {
    let steps = &metrics.steps;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(last) = steps.last() {
        let epochs = run.recipe.epoch_size;
        let total = epochs.get().saturating_mul(run.steps_per_epoch);
        facts.push(("Steps", format!("{} of {total}", last.step)));
        facts.push(("Epoch", format!("{} of {epochs}", last.epoch)));
    }
    let better = |a: &&Validated, b: &&Validated| a.found.top1.total_cmp(&b.found.top1);
    // The first of equal ones, as in the log.
    if let Some(best) = metrics.validations.iter().rev().max_by(better) {
        let text = format!("{:.2} % (epoch {})", 100.0 * best.found.top1, best.epoch);
        facts.push(("Best top-1", text));
        facts.push((
            "Top-5 at best epoch",
            format!("{:.2} %", 100.0 * best.found.top5),
        ));
    }
    // Without the first steps of a run, because they fill caches and pools.
    let settled = steps.get(steps.len().min(10) / 2..).unwrap_or_default();
    let pace = |of: fn(&TrainLine) -> f64| median(settled.iter().map(of).collect());
    if let (Some(rate), Some(wait)) = (pace(|step| step.img_per_s), pace(|step| step.data_wait)) {
        facts.push(("Throughput, median", format!("{} img/s", short(rate))));
        facts.push(("Data wait, median", format!("{:.1} %", 100.0 * wait)));
    }
    // The loss or the gradient was not finite.
    let is_skipped = |step: &&TrainLine| !step.loss.is_finite() || step.gradient_norm.is_none();
    let skipped = steps.iter().filter(is_skipped).count();
    if skipped > 0 {
        facts.push(("Steps without an update", skipped.to_string()));
    }
    facts.push(("Parameters", grouped(run.trainable_parameters as u64)));
    facts.push(("Images", grouped(run.train_images)));
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
pub(super) fn validations(run: &RunLine, metrics: &Metrics) -> String {
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
        "<h2>Validations{}</h2><details><summary>All {}</summary>{table}</details>",
        if run.recipe.ema {
            " of the moving average"
        } else {
            ""
        },
        metrics.validations.len()
    )
}

/// Where and when the run was started and resumed.
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
    let again = match metrics.runs.len() {
        0 | 1 => "",
        _ => "<p>Dotted lines in the plots show where the run was resumed.</p>",
    };
    format!("<h2>Started</h2>{table}{again}")
}

/// Every key of the recipe.
pub(super) fn recipe(run: &RunLine) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(&run.recipe) else {
        return String::new();
    };
    let rows = fields
        .into_iter()
        .map(|(key, value)| vec![key, text(&value)]);
    format!(
        "<h2>Recipe</h2><div class=\"wide\">{}</div>",
        table(&["Key", "Value"], rows)
    )
}

/// A recipe's value as a person would write it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        // Without the digits beyond single precision.
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .map_or_else(String::new, |number| (number as f32).to_string()),
        other => other.to_string(),
    }
}

/// With a comma every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_write_them() {
        let value = serde_json::json!([f64::from(123.675_f32), 1.0, []]);
        assert_eq!(text(&value), "123.675, 1, none");
        assert_eq!(text(&serde_json::json!(4e-5)), "0.00004");
        assert_eq!(
            [7, 999, 1_000, 42_679_816].map(grouped),
            ["7", "999", "1,000", "42,679,816"]
        );
    }
}
