//! The machine that a figure was measured on.

use std::{fs, thread};

use serde::Serialize;

/// What makes the figures of two machines differ.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's model name.
    pub cpu: String,
    /// Hardware threads that this process may use.
    pub cores: usize,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// The operating system, as Rust names it.
    pub os: &'static str,
    /// The processor architecture, as Rust names it.
    pub arch: &'static str,
    /// The release of the kernel.
    pub kernel: Option<String>,
}

impl Machine {
    /// This machine. What the system does not report stays unknown.
    #[must_use]
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        Self {
            cpu: cpu_model(&read("/proc/cpuinfo")).unwrap_or_else(|| "unknown".to_owned()),
            cores: thread::available_parallelism().map_or(1, Into::into),
            memory_bytes: memory(&read("/proc/meminfo")),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            kernel: (!kernel.is_empty()).then_some(kernel),
        }
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpuinfo_and_meminfo_are_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU @ 2.1GHz\nflags\t: fpu\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("A CPU @ 2.1GHz"));
        assert_eq!(
            memory("MemTotal:       16 kB\nMemFree: 1 kB\n"),
            Some(16_384)
        );
        assert_eq!((cpu_model(""), memory("")), (None, None));
    }
}
