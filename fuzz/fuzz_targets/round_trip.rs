//! Files into every encoding and back.
#![no_main]

use codec::{Decoder, Encoding, Health, Originals, PixelCompression, PixelOptions, PixelPacker};
use libfuzzer_sys::fuzz_target;

const MOST_PIXELS: u64 = 1 << 18;

fuzz_target!(|file: &[u8]| {
    let small = codec::sniff(file)
        .is_ok_and(|info| u64::from(info.width) * u64::from(info.height) <= MOST_PIXELS);
    let mut stored = Vec::new();
    for tag in 0..8 {
        if let Ok(wanted) = Encoding::from_tag(tag)
            && (small || wanted != Encoding::Pixels)
        {
            let (encoding, payload) = codec::pack(file, wanted);
            stored.push((encoding, payload.into_owned(), true));
        }
    }
    if small {
        for compression in [PixelCompression::Stored, PixelCompression::Zstd(-5)] {
            let originals = Originals::Drop;
            let packer = PixelPacker::new(PixelOptions {
                compression,
                originals,
            });
            let payload = packer.and_then(|mut packer| packer.pack(file));
            stored.extend(payload.map(|payload| (Encoding::Pixels, payload, false)));
        }
        for originals in [Originals::Keep, Originals::Drop] {
            let payload = codec::transcode(file, originals);
            let kept = originals == Originals::Keep;
            stored.extend(payload.map(|payload| (Encoding::Transcoded, payload, kept)));
        }
    }
    let Ok(mut decoder) = Decoder::new() else {
        return;
    };
    let whole = match small && decoder.health(Encoding::Source, file) == Health::Clean {
        true => decoder.decode(Encoding::Source, file, None).ok(),
        false => None,
    };
    let whole = whole.map(|decoded| (decoded.image, decoded.pixels.to_vec()));
    for (encoding, payload, kept) in stored {
        let back = codec::unpack(encoding, &payload).expect("what was packed unpacks");
        if kept {
            assert!(*back == *file, "{encoding} does not give the file back");
        }
        let gives = codec::gives_source(encoding, &payload);
        assert_eq!(gives.ok(), Some(kept));
        if let Some((image, pixels)) = &whole {
            let decoded = decoder
                .decode(encoding, &payload, None)
                .expect("it is sound");
            assert_eq!(decoded.image, *image);
            assert!(decoded.pixels == pixels, "{encoding} has other pixels");
        }
    }
});
