//! Damaged files decode with a warning or fail with an error, and leave nothing behind.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{cut, decode, jpeg};
use imshard_codec::{
    CodecError, Decoder, EncodeOptions, Encoding, Health, Kind, MAX_PIXELS, Region, Sampling, sniff,
};
use proptest::prelude::*;

fn baseline() -> Vec<u8> {
    jpeg(&EncodeOptions::new(90, Sampling::S420), 120, 90, 3)
}

fn progressive() -> Vec<u8> {
    jpeg(
        &EncodeOptions {
            progressive: true,
            ..EncodeOptions::new(90, Sampling::S420)
        },
        120,
        90,
        3,
    )
}

fn health(file: &[u8]) -> Health {
    Decoder::new().unwrap().health(Encoding::Source, file)
}

fn position(file: &[u8], marker: u8) -> usize {
    file.windows(2)
        .position(|pair| pair == [0xFF, marker])
        .unwrap()
}

#[test]
fn whole_files_are_clean() {
    assert_eq!(health(&baseline()), Health::Clean);
    assert_eq!(health(&progressive()), Health::Clean);
}

#[test]
fn a_truncated_file_decodes_with_a_warning_and_keeps_what_it_has() {
    let file = baseline();
    let (image, full, _) = decode(&file);
    let (_, cut_off, warning) = decode(&file[..file.len() / 2]);
    assert!(warning.unwrap().contains("Premature end"));
    // The first MCU rows are there; the last ones have a single colour.
    let row = image.0 as usize * 3;
    assert_eq!(cut_off[..16 * row], full[..16 * row]);
    let last = &cut_off[cut_off.len() - row..];
    assert!(last.chunks(3).all(|pixel| pixel == &last[..3]));
    assert!(matches!(
        health(&file[..file.len() / 2]),
        Health::Damaged(_)
    ));
}

#[test]
fn a_region_above_the_damage_is_exact() {
    let file = baseline();
    let (image, full, _) = decode(&file);
    let window = Region {
        x: 30,
        y: 0,
        width: 50,
        height: 12,
    };
    let mut decoder = Decoder::new().unwrap();
    let part = decoder
        .decode(Encoding::Source, &file[..file.len() / 2], Some(window))
        .unwrap();
    let expected = cut(
        &full,
        image.0 as usize * 3,
        Region::whole(image.0, image.1),
        window,
    );
    assert_eq!(cut(part.pixels, part.stride, part.region, window), expected);
}

#[test]
fn a_missing_end_of_image_marker_is_a_warning_and_no_more() {
    let file = baseline();
    let (_, full, _) = decode(&file);
    let (_, pixels, warning) = decode(&file[..file.len() - 2]);
    assert!(warning.is_some());
    assert_eq!(pixels, full);
}

#[test]
fn garbage_between_markers_is_a_warning() {
    let mut file = baseline();
    let at = position(&file, 0xDB);
    file.splice(at..at, *b"junk");
    assert_eq!(sniff(&file).unwrap().width, 120);
    let Health::Damaged(warning) = health(&file) else {
        panic!("{:?}", health(&file))
    };
    assert!(warning.contains("extraneous"), "{warning}");
    assert_eq!(decode(&file).1, decode(&baseline()).1);
}

/// TurboJPEG reports the second of these as a warning, because one came before it.
#[test]
fn an_error_is_not_softened_by_a_warning_before_it() {
    let mut file = progressive();
    let second_scan = {
        let first = position(&file, 0xDA);
        first + 2 + position(&file[first + 2..], 0xDA)
    };
    file[second_scan + 2..second_scan + 4].fill(0xEE); // the scan header's length
    assert!(matches!(
        health(&file),
        Health::Undecodable(CodecError::Decode {
            kind: Kind::Jpeg,
            ..
        })
    ));
    let at = position(&file, 0xDB);
    file.splice(at..at, *b"junk");
    let Health::Undecodable(CodecError::Decode { reason, .. }) = health(&file) else {
        panic!("{:?}", health(&file))
    };
    assert!(reason.contains("length"), "{reason}");
}

/// Rows that happen to equal the mark put there before decoding.
#[test]
fn a_warning_is_not_taken_for_an_error_whatever_the_last_row_shows() {
    for gray in [0xA5, 0x5A] {
        let pixels = vec![gray; 16 * 16 * 3];
        let mut file = imshard_codec::encode_jpeg(&pixels, 16, 16, 100, Sampling::S444).unwrap();
        let at = position(&file, 0xDB);
        file.splice(at..at, *b"junk");
        let (_, decoded, warning) = decode(&file);
        assert!(warning.is_some());
        assert_eq!(decoded, pixels);
    }
}

/// A file without Huffman tables uses the standard ones, not those of the file before it.
#[test]
fn an_image_does_not_depend_on_the_one_before() {
    let mut abbreviated = baseline();
    while let Some(at) = abbreviated.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
        let length = usize::from(abbreviated[at + 2]) << 8 | usize::from(abbreviated[at + 3]);
        abbreviated.drain(at..at + 2 + length);
    }
    let (_, expected, _) = decode(&baseline());
    let mut decoder = Decoder::new().unwrap();
    let other = jpeg(
        &EncodeOptions {
            optimize: true,
            ..EncodeOptions::new(40, Sampling::S444)
        },
        64,
        64,
        9,
    );
    let broken_header = &baseline()[..40];
    let region = Some(Region {
        x: 16,
        y: 8,
        width: 8,
        height: 8,
    });
    for _ in 0..2 {
        decoder.decode(Encoding::Source, &other, region).unwrap();
        decoder
            .decode(Encoding::Source, broken_header, None)
            .unwrap_err();
        let decoded = decoder
            .decode(Encoding::Source, &abbreviated, None)
            .unwrap();
        assert_eq!(decoded.warning, None);
        assert!(decoded.pixels == expected);
    }
}

#[test]
fn too_large_is_refused_before_any_pixel_is_allocated() {
    let mut file = baseline();
    let frame = position(&file, 0xC0);
    file[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]); // 65,500 x 65,500
    let error = CodecError::TooLarge {
        width: 65_500,
        height: 65_500,
    };
    assert_eq!(sniff(&file), Err(error.clone()));
    assert_eq!(health(&file), Health::Undecodable(error.clone()));
    assert!(error.to_string().contains(&MAX_PIXELS.to_string()));
}

#[test]
fn the_widest_jpeg_works() {
    let (width, height) = (65_500, 9);
    let file = jpeg(&EncodeOptions::new(80, Sampling::S420), width, height, 2);
    assert_eq!(sniff(&file).unwrap().width, width);
    let (image, full, _) = decode(&file);
    assert_eq!(image, (width, height));
    let window = Region {
        x: 65_400,
        y: 2,
        width: 100,
        height: 7,
    };
    let mut decoder = Decoder::new().unwrap();
    let part = decoder
        .decode(Encoding::Source, &file, Some(window))
        .unwrap();
    let expected = cut(
        &full,
        width as usize * 3,
        Region::whole(width, height),
        window,
    );
    assert_eq!(cut(part.pixels, part.stride, part.region, window), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic in 0..3usize) {
        let prefix: &[u8] = [&b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"][magic];
        bytes.splice(0..0, prefix.iter().copied());
        if let Ok(info) = sniff(&bytes) {
            prop_assert!(info.width > 0 && info.height > 0);
        }
        health(&bytes);
    }

    #[test]
    fn mutated_files_never_panic_and_decode_alike_every_time(
        progressive in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        keep in 0.1..=1.0f64,
    ) {
        let mut file = if progressive { self::progressive() } else { baseline() };
        file.truncate((file.len() as f64 * keep) as usize);
        for (at, value) in flips {
            // Leave the size alone, or most cases would only be slow.
            let frame = file.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0 | 0xC2]));
            let at = at.index(file.len());
            if frame.is_none_or(|frame| !(frame..frame + 9).contains(&at)) {
                file[at] = value;
            }
        }
        let header = sniff(&file);
        let first = health(&file);
        if header.is_err() {
            prop_assert!(matches!(first, Health::Undecodable(_)));
        }
        prop_assert_eq!(first, health(&file));
    }
}
