//! The bar at the foot of a terminal while a run goes on. Where there is no terminal there is none, and nothing
//! is said twice: the log's lines are for there.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use trainer::human_time;
use trainer::log::live_progress::{TrainingStatus, ValidationStatus, Watcher};

/// Two lines, which fit into 80 columns: how far, and how well.
const LINES: &str = "{prefix} [{bar:28}] {pos}/{len}  {msg}";

/// The bar, on standard error. Clones are the same bar.
#[derive(Clone, Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// Shown if standard error is a terminal that can move its cursor.
    #[must_use]
    pub fn on_terminal() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if dumb || !io::stderr().is_terminal() {
            return Bar::hidden();
        }
        let style = ProgressStyle::with_template(LINES);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar(ProgressBar::no_length().with_style(style.progress_chars("=> ")))
    }

    /// Never shown.
    #[must_use]
    pub fn hidden() -> Self {
        Bar(ProgressBar::hidden())
    }

    fn show(&self, prefix: String, words: String, (position, length): (u64, u64)) {
        self.0.set_prefix(prefix);
        self.0.set_message(words);
        self.0.set_length(length);
        self.0.set_position(position);
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Watcher for Bar {
    fn step(&mut self, status: &TrainingStatus) {
        self.show(
            format!("epoch {}/{}", status.epoch, status.epochs),
            training(status),
            (status.batch, status.batches),
        );
    }

    fn validating(&mut self, status: &ValidationStatus) {
        self.show(
            "validation".to_owned(),
            validating(status),
            (status.done, status.images),
        );
    }
}

fn training(status: &TrainingStatus) -> String {
    format!(
        "ETA {}\nloss {:.4}  top-1 {:.1} %  lr {:.6}  {:.1} img/s  data wait {:.1} %",
        human_time(status.left.as_secs_f64()),
        status.loss,
        100.0 * status.top1,
        status.lr,
        status.images_per_second,
        100.0 * status.data_wait,
    )
}

fn validating(status: &ValidationStatus) -> String {
    format!(
        "ETA {}\ntop-1 {:.2} %  {:.1} img/s",
        human_time(status.left.as_secs_f64()),
        100.0 * status.top1,
        status.images_per_second,
    )
}

/// Writes to a stream while the bar is out of the way. A log that cannot be written, on a full disk or to a
/// terminal that is gone, is no reason to stop: what a run measures is in its metrics.
#[derive(Debug)]
pub struct Above<W> {
    bar: ProgressBar,
    stream: W,
}

impl<W> Above<W> {
    /// Writes to `stream`.
    #[must_use]
    pub fn new(bar: &Bar, stream: W) -> Self {
        let bar = bar.0.clone();
        Above { bar, stream }
    }
}

impl<W: Write> Write for Above<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Above { bar, stream } = self;
        bar.suspend(|| stream.write_all(text).and_then(|()| stream.flush()))
            .ok();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_lines_fit_into_eighty_columns() {
        let status = TrainingStatus {
            epoch: 199,
            epochs: 200,
            batch: 40_035,
            batches: 40_036,
            loss: 16.9078,
            top1: 1.0,
            lr: 0.045,
            images_per_second: 3161.66,
            data_wait: 1.0,
            left: Duration::from_secs(30 * 3600),
        };
        let words = training(&status);
        let (left, how_well) = words.split_once('\n').unwrap_or_default();
        assert_eq!(
            how_well,
            "loss 16.9078  top-1 100.0 %  lr 0.045000  3161.7 img/s  data wait 100.0 %"
        );
        let how_far = format!("epoch 199/200 [{:28}] 40035/40036  {left}", "");
        assert!(how_far.len() < 80 && how_well.len() < 80, "{how_far}");
    }

    #[test]
    fn a_validation_fits_into_eighty_columns() {
        let status = ValidationStatus {
            done: 49_999,
            images: 50_000,
            top1: 0.8098,
            images_per_second: 3161.66,
            left: Duration::from_secs(86_399),
        };
        let words = validating(&status);
        let (left, how_well) = words.split_once('\n').unwrap_or_default();
        assert_eq!(how_well, "top-1 80.98 %  3161.7 img/s");
        let how_far = format!("validation [{:28}] 49999/50000  {left}", "");
        assert_eq!(left, "ETA 23h 59m");
        assert!(how_far.len() < 80, "{how_far}");
    }
}
