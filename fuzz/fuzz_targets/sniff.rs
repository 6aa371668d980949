//! Files of any kind, to the sniffer.
#![no_main]

use codec::{Decoder, Encoding};
use libfuzzer_sys::fuzz_target;

const MOST_PIXELS: u64 = 1 << 18;

fuzz_target!(|file: &[u8]| {
    let Ok(info) = codec::sniff(file) else {
        return;
    };
    if u64::from(info.width) * u64::from(info.height) > MOST_PIXELS {
        return;
    }
    if let Ok(mut decoder) = Decoder::new()
        && let Ok(decoded) = decoder.decode(Encoding::Source, file, None)
    {
        assert_eq!(decoded.image, (info.width, info.height));
    }
});
