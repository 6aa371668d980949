//! Hugging Face's weights files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.get(8) == Some(&b'{') {
        fuzz_weights::check(data);
    }
});
