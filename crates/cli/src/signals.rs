//! Signals that ask a program to stop: SIGINT (Ctrl-C), SIGTERM, and SIGHUP, which comes when the terminal is lost.
//!
//! A signal only sets a flag. The program reads it wherever it can stop cleanly.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals received so far.
///
/// A second SIGINT or SIGTERM ends the process at once. A second SIGHUP does not: a shell that loses its terminal passes
/// its own SIGHUP on, so that one hang-up arrives more than once.
#[derive(Debug)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Begins to listen. If SIGHUP is ignored, as under `nohup`, it stays ignored.
    ///
    /// # Errors
    /// The system refuses to deliver signals.
    pub fn listen() -> io::Result<Self> {
        let stop = Stop {
            asked: Arc::default(),
            signal: Arc::default(),
        };
        let armed: Arc<AtomicBool> = Arc::default();
        for signal in [SIGINT, SIGTERM] {
            // Handlers run in this order: on the first signal the shutdown is not yet armed.
            flag::register_conditional_shutdown(signal, 128 + signal, armed.clone())?;
            flag::register(signal, armed.clone())?;
            stop.asked_by(signal)?;
        }
        if hang_up_ends() {
            stop.asked_by(SIGHUP)?;
        }
        Ok(stop)
    }

    fn asked_by(&self, signal: i32) -> io::Result<()> {
        let number = signal.unsigned_abs() as usize;
        flag::register_usize(signal, self.signal.clone(), number)?;
        flag::register(signal, self.asked.clone())?;
        Ok(())
    }

    /// True once a signal has arrived.
    #[must_use]
    pub fn asked(&self) -> &AtomicBool {
        &self.asked
    }

    /// The exit code after a signal: 129 for SIGHUP, 130 for SIGINT, 143 for SIGTERM.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        128 + u8::try_from(self.signal.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// Whether SIGHUP is known not to be ignored. If the system does not tell, SIGHUP is left alone: a run that dies silently
/// on a hang-up is better than a run that `nohup` cannot protect.
fn hang_up_ends() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_some_and(|signals| signals & 1 << (SIGHUP - 1) == 0)
}

/// The signals that a process ignores, from `/proc/PID/status`. Bit 0 is signal 1.
fn ignored(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_parsed() {
        let status = "Name:\ttrain\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t00000001\n";
        assert_eq!(ignored(status), Some(0x1001));
        assert_eq!(ignored("Name:\ttrain\n"), None);
        assert_eq!(ignored("SigIgn:\tnone\n"), None);
    }
}
