//! MindSpore's checkpoints. Seeds: `crates/inception/tests/fixtures/*.ckpt`.
#![no_main]

use std::io::Cursor;
use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"\x0a") {
        inception::weights::check(Cursor::new(data), Path::new("fuzzed")).ok();
    }
});
