//! The bar at the foot of a terminal while a run goes on. Where there is no terminal there is none, and nothing
//! is said twice: the log's lines are for there.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;
use trainer::human_time;
use trainer::watch::{Status, Watcher};

/// Two lines, which fit into 80 columns: how far, and how well.
const TRAINING: &str = "{prefix} [{bar:28}] {pos}/{len}  {msg}";
const VALIDATING: &str = "{prefix} [{bar:28}] {pos}/{len} images";

/// The bar, on standard error. Clones are the same bar.
#[derive(Clone, Debug)]
pub struct Bar {
    bar: ProgressBar,
    validating: bool,
}

impl Bar {
    /// Shown if standard error is a terminal that can move its cursor.
    #[must_use]
    pub fn on_terminal() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let bar = match io::stderr().is_terminal() && !dumb {
            true => ProgressBar::no_length(),
            false => ProgressBar::hidden(),
        };
        bar.set_style(style(TRAINING));
        Bar {
            bar,
            validating: false,
        }
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Bar {
    fn step(&mut self, status: &Status) {
        if std::mem::take(&mut self.validating) {
            self.bar.set_style(style(TRAINING));
        }
        let epoch = format!("epoch {}/{}", status.epoch, status.epochs);
        self.bar.set_prefix(epoch);
        self.bar.set_message(words(status));
        self.bar.set_length(status.batches);
        self.bar.set_position(status.batch);
    }

    fn validating(&mut self, done: u64, images: u64) {
        if !std::mem::replace(&mut self.validating, true) {
            self.bar.set_style(style(VALIDATING));
            self.bar.set_prefix("validation");
        }
        self.bar.set_length(images);
        self.bar.set_position(done);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn words(status: &Status) -> String {
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

/// Standard output for a log beside the bar: each of its lines stands above it.
impl<'a> MakeWriter<'a> for Bar {
    type Writer = Above;

    fn make_writer(&'a self) -> Above {
        Above(self.bar.clone())
    }
}

/// Writes to standard output while the bar is out of the way.
#[derive(Debug)]
pub struct Above(ProgressBar);

impl Write for Above {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| {
            let mut out = io::stdout().lock();
            let written = out.write(text)?;
            out.flush()?;
            Ok(written)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_lines_fit_into_eighty_columns() {
        let status = Status {
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
        let words = words(&status);
        let (left, how_well) = words.split_once('\n').unwrap_or_default();
        assert_eq!(
            how_well,
            "loss 16.9078  top-1 100.0 %  lr 0.045000  3161.7 img/s  data wait 100.0 %"
        );
        let how_far = format!("epoch 199/200 [{:28}] 40035/40036  {left}", "");
        assert!(how_far.len() < 80 && how_well.len() < 80, "{how_far}");
    }
}
