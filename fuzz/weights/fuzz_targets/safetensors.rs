//! Hugging Face's weights files. Seeds: `crates/inception/tests/fixtures/*.safetensors`.
#![no_main]

use std::io::Cursor;
use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.get(8) == Some(&b'{') {
        inception::weights::check(Cursor::new(data), Path::new("fuzzed")).ok();
    }
});
