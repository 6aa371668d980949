//! Lines that a passing test prints for people: what it skipped and why, and what it tested.
//!
//! `cargo test` hides what passing tests print with `println!`. So these lines go directly to standard error, and to
//! the file named by the environment variable `IMSHARD_TEST_REPORT`. `tools/test` sets it, and reports its contents at
//! the end.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io::{Write, stderr};
use std::{env, thread};

/// Says that the running test, or a part of it, is skipped: `SKIPPED: test: reason`. The caller returns afterwards.
pub fn skip(reason: &str) {
    line(&format!("SKIPPED: {}: {reason}", test()));
}

/// Says what the running test covers where that depends on the machine: `TESTED: what`.
pub fn tested(what: &str) {
    line(&format!("TESTED: {what}"));
}

/// The name of the running test. The test harness gives it to the thread.
fn test() -> String {
    thread::current().name().unwrap_or("a test").to_owned()
}

fn line(text: &str) {
    let text = format!("{}\n", text.replace('\n', " "));
    stderr().lock().write_all(text.as_bytes()).ok();
    let Some(path) = env::var_os("IMSHARD_TEST_REPORT") else {
        return;
    };
    // Lines of tests that run at the same time stay whole: each is one write to the end of the file.
    let file = OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        file.write_all(text.as_bytes()).ok();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_knows_its_name() {
        assert!(
            super::test() == "main" || super::test().ends_with("a_test_knows_its_name"),
            "{}",
            super::test()
        );
    }
}
