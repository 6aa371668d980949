//! PyTorch's zip archives with pickles.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"PK\x03\x04") {
        fuzz_weights::check(data);
    }
});
