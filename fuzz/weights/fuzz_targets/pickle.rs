//! The pickle in a `.pth`: the program alone, put into a sound archive with two storages, so that no
//! input is lost to the archive's own checks.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|program: &[u8]| {
    fuzz_weights::check(&fuzz_weights::archive(program));
});
