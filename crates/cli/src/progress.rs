//! The progress of a long pass over images: a bar on a terminal, a plain line every few seconds elsewhere.
//!
//! It goes to standard error, so that results can be piped. The two-line display of a training is in `status_bar`.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use crate::{can_draw, text};

/// How often a plain line is written.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// The progress of one pass over images. All threads share it.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    started: Instant,
    images: AtomicU64,
    bytes: Arc<AtomicU64>,
    show: Show,
}

#[derive(Debug)]
enum Show {
    Nothing,
    Bar(ProgressBar),
    /// When the last line was written.
    Plain(Mutex<Instant>),
}

impl Progress {
    /// Starts at 0 of `total` images. `what` is one word for the work. With `quiet` nothing is shown.
    #[must_use]
    pub fn new(what: &'static str, total: u64, quiet: bool) -> Self {
        let started = Instant::now();
        let bytes = Arc::new(AtomicU64::new(0));
        let show = match (quiet, can_draw()) {
            (true, _) => Show::Nothing,
            (false, true) => Show::Bar(bar(what, total, bytes.clone())),
            (false, false) => Show::Plain(Mutex::new(started)),
        };
        Self {
            what,
            total,
            started,
            images: AtomicU64::new(0),
            bytes,
            show,
        }
    }

    /// Counts images and bytes that are done.
    pub fn add(&self, images: u64, bytes: u64) {
        self.images.fetch_add(images, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => bar.inc(images),
            Show::Plain(last) => {
                // If another thread holds the lock, it is writing the line.
                if let Ok(mut last) = last.try_lock()
                    && last.elapsed() >= PLAIN_INTERVAL
                {
                    *last = Instant::now();
                    text::complain(&self.line());
                }
            }
        }
    }

    /// Writes a line above the bar. With `quiet` it writes nothing.
    pub fn say(&self, line: &str) {
        match &self.show {
            Show::Nothing => {}
            Show::Bar(bar) => bar.suspend(|| text::complain(line)),
            Show::Plain(_) => text::complain(line),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }

    fn line(&self) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let images = self.images.load(Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed);
        plain_line(self.what, images, self.total, bytes, elapsed)
    }
}

/// The progress of scanning a source, which takes a while for a tar of tars.
#[derive(Debug)]
pub struct Scanning {
    spinner: ProgressBar,
    last: Instant,
    plain: bool,
}

impl Scanning {
    /// Starts. With `quiet` nothing is shown.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let terminal = can_draw();
        let spinner = match terminal && !quiet {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        Self {
            spinner,
            last: Instant::now(),
            plain: !terminal && !quiet,
        }
    }

    /// Shows the images found so far, and the fraction of the source (0 to 1) that has been scanned.
    pub fn report(&mut self, split: &str, samples: u64, fraction: f64) {
        let line = || {
            let samples = HumanCount(samples);
            let percent = fraction * 100.0;
            format!("scanning {split}: {samples} images, {percent:.0}%")
        };
        if !self.plain {
            self.spinner.set_message(line());
            self.spinner.tick();
        } else if self.last.elapsed() >= PLAIN_INTERVAL {
            self.last = Instant::now();
            text::complain(&line());
        }
    }

    /// Removes the line.
    pub fn finish(self) {
        self.spinner.finish_and_clear();
    }
}

fn bar(what: &'static str, total: u64, bytes: Arc<AtomicU64>) -> ProgressBar {
    let template = "{prefix} [{bar:32}] {human_pos}/{human_len} {percent}%  {rate}  ETA {eta}";
    let rate = move |state: &ProgressState, out: &mut dyn Write| {
        let elapsed = state.elapsed().as_secs_f64();
        let _ = out.write_str(&rates(state.pos(), bytes.load(Ordering::Relaxed), elapsed));
    };
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
        .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_prefix(what)
}

fn plain_line(what: &str, images: u64, total: u64, bytes: u64, elapsed: f64) -> String {
    let percent = images as f64 / total.max(1) as f64 * 100.0;
    let rates = rates(images, bytes, elapsed);
    // There is no estimate before the first image.
    let eta = match images {
        0 => String::new(),
        _ => {
            let left = total.saturating_sub(images) as f64;
            format!(", ETA {}", text::seconds(left * elapsed / images as f64))
        }
    };
    let (images, total) = (HumanCount(images), HumanCount(total));
    format!("{what}: {images}/{total} images ({percent:.0}%), {rates}{eta}")
}

fn rates(images: u64, bytes: u64, elapsed: f64) -> String {
    let per_second = |number: u64| match elapsed > 0.0 {
        true => number as f64 / elapsed,
        false => 0.0,
    };
    let megabytes = per_second(bytes) / 1e6;
    format!("{:.0} img/s, {megabytes:.1} MB/s", per_second(images))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_has_rates_and_the_time_left() {
        let line = plain_line("build", 2_500, 10_000, 250_000_000, 5.0);
        assert_eq!(
            line,
            "build: 2,500/10,000 images (25%), 500 img/s, 50.0 MB/s, ETA 15 s"
        );
    }

    #[test]
    fn no_rate_is_made_up_before_anything_is_done() {
        assert_eq!(
            plain_line("check", 0, 10, 0, 5.0),
            "check: 0/10 images (0%), 0 img/s, 0.0 MB/s"
        );
        assert_eq!(
            plain_line("check", 5, 10, 100, 0.0),
            "check: 5/10 images (50%), 0 img/s, 0.0 MB/s, ETA 0.0 s"
        );
    }
}
