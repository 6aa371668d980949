//! Where log lines go. `RUST_LOG` sets which lines are written.

use std::fmt;
use std::io;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use cli::status_bar::{Above, StatusBar};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Logs to stdout, above the bar: for `train`, whose log is its result.
pub fn above(bar: &StatusBar) {
    let bar = bar.clone();
    init(
        move || Above::new(&bar, io::stdout()),
        io::stdout().is_terminal(),
    );
}

/// Logs to stderr, above the bar: for programs that print a result after a while.
pub fn to_stderr_above(bar: &StatusBar) {
    let bar = bar.clone();
    init(
        move || Above::new(&bar, io::stderr()),
        io::stderr().is_terminal(),
    );
}

/// Logs to stderr: for programs that print a result.
pub fn to_stderr() {
    to_stderr_above(&StatusBar::hidden());
}

fn init<W, F>(writer: F, colours: bool)
where
    F: Fn() -> Above<W> + Send + Sync + 'static,
    W: Write + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        .with_timer(SinceStart(Instant::now()))
        .with_target(false)
        .init();
}

/// Seconds since the program began, in tenths.
struct SinceStart(Instant);

impl FormatTime for SinceStart {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:8.1}s", self.0.elapsed().as_secs_f64())
    }
}
