//! Ctrl-C and SIGTERM: the first asks the program to stop at the next good place, the second ends it
//! at once.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What signals have come.
#[derive(Debug)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system refuses to deliver signals.
    pub fn listen() -> io::Result<Self> {
        let stop = Stop {
            asked: Arc::default(),
            signal: Arc::default(),
        };
        for signal in [SIGINT, SIGTERM] {
            // Handlers run in this order: on the first signal the shutdown is not yet armed.
            flag::register_conditional_shutdown(signal, 128 + signal, stop.asked.clone())?;
            flag::register_usize(signal, stop.signal.clone(), signal.unsigned_abs() as usize)?;
            flag::register(signal, stop.asked.clone())?;
        }
        Ok(stop)
    }

    /// Set once a signal has come.
    #[must_use]
    pub fn asked(&self) -> &AtomicBool {
        &self.asked
    }

    /// The exit code of a program that a signal has ended: 130 for SIGINT, 143 for SIGTERM.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let signal = u8::try_from(self.signal.load(Ordering::SeqCst)).unwrap_or_default();
        ExitCode::from(128 + signal)
    }
}
