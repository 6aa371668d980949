//! A description of the computer that a run is on, for its metrics.

use std::fs;
use std::num::NonZeroUsize;
use std::thread;

/// The processor, its threads and the memory of this machine, as far as Linux reports them.
pub(crate) fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let memory = field("/proc/meminfo", "MemTotal");
    let kib = memory.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let memory = kib.map_or(String::new(), |kib| {
        format!(", {:.0} GiB", kib / 1024.0 / 1024.0)
    });
    format!("{processor}, {threads} threads{memory}")
}
