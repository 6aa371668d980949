//! PyTorch's zip archives with pickles. Seeds: `crates/inception/tests/fixtures/*.pth`.
#![no_main]

use std::io::Cursor;
use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"PK\x03\x04") {
        inception::weights::check(Cursor::new(data), Path::new("fuzzed")).ok();
    }
});
