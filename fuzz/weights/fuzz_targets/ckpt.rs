//! MindSpore's checkpoints, as they are and, since a changed byte is found by the checksum, with one
//! that is right.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"\x0a") {
        fuzz_weights::check(data);
        fuzz_weights::check(&fuzz_weights::with_checksum(data));
    }
});
