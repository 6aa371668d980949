//! Two lines at the foot of a terminal while a training or a validation runs: how far it is, and how well it does.
//!
//! Without a terminal there are no such lines: the log has the same facts. What the lines say is up to the tool.

use std::io;
use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

use crate::can_draw;

/// The bar is 28 cells wide, so that both lines fit into 80 columns.
const LINES: &str = "{prefix} [{bar:28}] {pos}/{len}  {msg}";

/// The two lines, on standard error. Clones show the same lines.
#[derive(Clone, Debug)]
pub struct StatusBar(ProgressBar);

impl StatusBar {
    /// Shown if standard error is a terminal that can move its cursor.
    #[must_use]
    pub fn on_terminal() -> Self {
        if !can_draw() {
            return StatusBar::hidden();
        }
        let style = ProgressStyle::with_template(LINES);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        StatusBar(ProgressBar::no_length().with_style(style.progress_chars("=> ")))
    }

    /// Never shown.
    #[must_use]
    pub fn hidden() -> Self {
        StatusBar(ProgressBar::hidden())
    }

    /// Shows `prefix`, the bar at `position` of `length`, and `words`, which may hold the second line after a newline.
    pub fn show(&self, prefix: String, (position, length): (u64, u64), words: String) {
        self.0.set_prefix(prefix);
        self.0.set_message(words);
        self.0.set_length(length);
        self.0.set_position(position);
    }

    /// Removes the lines.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// A stream whose lines appear above the bar. A failure to write, to a full disk or a lost terminal, is ignored: it is
/// no reason to stop a run, whose results are in its metrics.
#[derive(Debug)]
pub struct Above<W> {
    bar: ProgressBar,
    stream: W,
}

impl<W> Above<W> {
    /// Writes to `stream`.
    #[must_use]
    pub fn new(bar: &StatusBar, stream: W) -> Self {
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
