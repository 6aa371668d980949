//! The page that `train report` writes about a run: `metrics.jsonl` as plots and tables, in a single HTML file that
//! opens from disk and needs no other files. It reads the metrics and measures nothing itself.

mod plot;
mod svg;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::log::metrics::{Line, METRICS_FILE, RunLine, TrainLine};

use plot::{Plot, Series};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("hover.js");

/// Why no page can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HtmlReportError {
    /// The directory holds no metrics, or they cannot be read.
    #[error("{}: no run to report on ({cause}); pass the --ckpt-save-dir of a run", path.display())]
    NoMetrics {
        /// The metrics' file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

/// A run's metrics, sorted by kind.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    runs: Vec<RunLine>,
    steps: Vec<TrainLine>,
    validations: Vec<Validated>,
    /// Invalid lines: half a line, as a running or killed process leaves it.
    unread: usize,
}

/// A validation, and its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validated {
    step: u64,
    epoch: u64,
    found: crate::step::accuracy::Evaluation,
}

/// The page about the run in `run_dir`, as HTML.
///
/// # Errors
/// There are no metrics of a run.
pub fn html(run_dir: &Path) -> Result<String, HtmlReportError> {
    let path = run_dir.join(METRICS_FILE);
    let nothing = |cause: String| HtmlReportError::NoMetrics {
        path: path.clone(),
        cause,
    };
    let file = File::open(&path).map_err(|cause| nothing(cause.to_string()))?;
    let metrics =
        Metrics::read(BufReader::new(file)).map_err(|cause| nothing(cause.to_string()))?;
    let run = metrics
        .runs
        .last()
        .ok_or_else(|| nothing("it contains no recipe".to_owned()))?;
    Ok(page(run, &metrics))
}

impl Metrics {
    fn read(text: impl BufRead) -> io::Result<Self> {
        let mut metrics = Metrics::default();
        for line in text.split(b'\n') {
            match serde_json::from_slice(&line?) {
                Ok(Line::Run(run)) => metrics.runs.push(*run),
                Ok(Line::Train(step)) => metrics.steps.push(step),
                Ok(Line::Validation {
                    step,
                    epoch,
                    evaluation,
                }) => metrics.validations.push(Validated {
                    step,
                    epoch,
                    found: evaluation,
                }),
                Err(_) => metrics.unread += 1,
            }
        }
        Ok(metrics)
    }
}

fn page(run: &RunLine, metrics: &Metrics) -> String {
    let title = format!(
        "{}: {}",
        run.recipe.model.as_str(),
        run.recipe.data_dir.display()
    );
    let mut html = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>\
         <style>{STYLE}</style></head>\n<body><h1>{0}</h1>\n{1}\n<main>\n",
        escape(&title),
        tables::summary(run, metrics),
    );
    for plot in plots(run, metrics) {
        html.push_str(&svg::draw(&plot));
    }
    let _ = write!(
        html,
        "</main>\n{}\n{}\n{}\n<script>{SCRIPT}</script></body></html>\n",
        tables::validations(run, metrics),
        tables::starts(metrics),
        tables::recipe(run),
    );
    html
}

/// All plots, over epochs.
fn plots(run: &RunLine, metrics: &Metrics) -> Vec<Plot> {
    let per_epoch = run.steps_per_epoch.max(1) as f64;
    let of_steps = |name: &str, value: fn(&TrainLine) -> f64| {
        let points = metrics.steps.iter();
        let points = points.map(|step| (step.step as f64 / per_epoch, value(step)));
        Series::averaged(name, points.collect())
    };
    let of_validations = |name: &str, value: fn(&Validated) -> f64| {
        let points = metrics.validations.iter();
        let points = points.map(|found| (found.step as f64 / per_epoch, value(found)));
        Series::marked(name, points.collect())
    };
    let resumed = metrics.runs.iter().skip(1);
    let resumed: Vec<f64> = resumed.map(|run| run.step as f64 / per_epoch).collect();
    let plots = vec![
        Plot::new("Loss", "")
            .with(of_steps("training", |step| f64::from(step.loss)))
            .with(of_validations("validation", |found| found.found.loss))
            .cut(),
        Plot::new("Accuracy", "%")
            .with(of_steps("top-1, training", |step| 100.0 * step.top1))
            .with(of_validations("top-1, validation", |found| {
                100.0 * found.found.top1
            }))
            .with(of_validations("top-5, validation", |found| {
                100.0 * found.found.top5
            })),
        Plot::new("Learning rate", "").with(of_steps("lr", |step| step.lr)),
        Plot::new("Gradient norm", "")
            .with(of_steps("norm, before clipping", |step| {
                step.gradient_norm.unwrap_or(f64::NAN)
            }))
            .cut(),
        Plot::new("Throughput", "img/s")
            .with(of_steps("training", |step| step.img_per_s))
            .with(of_validations("validation", |found| {
                found.found.images_per_second()
            })),
        Plot::new("Data wait", "%").with(of_steps("share of a step's time", |step| {
            100.0 * step.data_wait
        })),
    ];
    plots
        .into_iter()
        .map(|plot| plot.resumed(&resumed))
        .collect()
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
