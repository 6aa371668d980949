//! Where log lines go. `RUST_LOG` sets how many there are.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{format::Writer, time::FormatTime};

use crate::bar::{Above, Bar};

/// Logs to stdout, above a bar: for `train`, whose log is its result.
pub fn above(bar: &Bar) {
    let bar = bar.clone();
    init(
        move || Above::new(&bar, io::stdout()),
        io::stdout().is_terminal(),
    );
}

/// Logs to stderr, above a bar: for programs that print a result and take their time.
pub fn to_stderr_above(bar: &Bar) {
    let bar = bar.clone();
    init(
        move || Above::new(&bar, io::stderr()),
        io::stderr().is_terminal(),
    );
}

/// Logs to stderr: for programs that print a result.
pub fn to_stderr() {
    to_stderr_above(&Bar::hidden());
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
