//! How files are identified, and how their colours come out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{decode, jpeg, picture};
use imshard_codec::{
    CodecError, EncodeOptions, JpegColor, Kind, Oddity, Restart, Sampling, Unsupported,
    encode_jpeg, sniff,
};

const PLAIN: EncodeOptions = EncodeOptions::new(95, Sampling::S444);

fn oddities(options: &EncodeOptions) -> Vec<Oddity> {
    sniff(&jpeg(options, 33, 17, 1)).unwrap().oddities
}

/// `file` with a segment right after its start-of-image marker.
fn with_segment(file: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xFF, marker], &length, body, &file[2..]].concat()
}

fn position(file: &[u8], marker: u8) -> usize {
    file.windows(2)
        .position(|pair| pair == [0xFF, marker])
        .unwrap()
}

#[test]
fn a_plain_jpeg_has_no_oddities() {
    for (sampling, factors) in [
        (Sampling::S444, (1, 1)),
        (Sampling::S422, (2, 1)),
        (Sampling::S420, (2, 2)),
        (Sampling::S440, (1, 2)),
        (Sampling::S411, (4, 1)),
    ] {
        let file = encode_jpeg(&picture(33, 17, 3, 1), 33, 17, 90, sampling).unwrap();
        let info = sniff(&file).unwrap();
        assert_eq!((info.kind, info.width, info.height), (Kind::Jpeg, 33, 17));
        assert_eq!((info.components, info.bits), (3, 8));
        assert_eq!(info.factors, [factors, (1, 1), (1, 1), (1, 1)]);
        assert_eq!(info.oddities, []);
    }
}

#[test]
fn each_oddity_is_found() {
    assert_eq!(
        oddities(&EncodeOptions {
            progressive: true,
            ..PLAIN
        }),
        [Oddity::Progressive]
    );
    assert_eq!(
        oddities(&EncodeOptions {
            arithmetic: true,
            ..PLAIN
        }),
        [Oddity::Arithmetic]
    );
    assert_eq!(
        oddities(&EncodeOptions {
            restart: Restart::Mcus(4),
            ..PLAIN
        }),
        [Oddity::RestartIntervals(4)]
    );
    assert_eq!(
        oddities(&EncodeOptions {
            restart: Restart::Rows(1),
            ..PLAIN
        }),
        [Oddity::RestartIntervals(5)]
    );
    for (color, oddity) in [
        (JpegColor::Gray, Oddity::Gray),
        (JpegColor::Rgb, Oddity::Rgb),
        (JpegColor::Cmyk, Oddity::Cmyk),
        (JpegColor::Ycck, Oddity::Ycck),
    ] {
        assert_eq!(oddities(&EncodeOptions { color, ..PLAIN }), [oddity]);
    }
    let all = EncodeOptions {
        color: JpegColor::Ycck,
        progressive: true,
        arithmetic: true,
        restart: Restart::Rows(1),
        ..PLAIN
    };
    let names: Vec<String> = oddities(&all).iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "YCCK",
            "progressive",
            "arithmetic coding",
            "restart marker every 5 MCUs"
        ]
    );
}

#[test]
fn orientation_is_reported_and_does_not_turn_the_picture() {
    let plain = jpeg(&PLAIN, 33, 17, 1);
    let exif = |n: u8| {
        let body = [
            &b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
            &[n, 0, 0],
        ]
        .concat();
        with_segment(&plain, 0xE1, &body)
    };
    assert_eq!(
        sniff(&exif(6)).unwrap().oddities,
        [Oddity::ExifOrientation(6)]
    );
    assert_eq!(sniff(&exif(1)).unwrap().oddities, []);
    assert_eq!(sniff(&exif(9)).unwrap().oddities, []);
    assert_eq!(decode(&exif(6)), decode(&plain));
}

#[test]
fn separate_scans_are_found() {
    let mut file = jpeg(&PLAIN, 8, 8, 1);
    let scan = position(&file, 0xDA);
    file[scan + 4] = 1;
    assert_eq!(sniff(&file).unwrap().oddities, [Oddity::SeparateScans]);
}

#[test]
fn what_is_no_image_is_named() {
    for (bytes, name) in [
        (&b"GIF89a\x01\0"[..], "a GIF image"),
        (b"BM\x36\0\0\0", "a BMP image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a WebP image"),
        (b"\n <!DOCTYPE HTML><title>404</title>", "an HTML page"),
        (b"\xEF\xBB\xBF<html>", "an HTML page"),
        (b"II*\0\x08\0\0\0", "a TIFF image"),
        (b"\0\0\0\x1cftypavif", "an AVIF image"),
        (b"\0\0\0\0", "nothing but zero bytes"),
        (b"\xFF", "an unknown format"),
    ] {
        assert_eq!(sniff(bytes), Err(CodecError::NotAnImage { found: name }));
    }
    assert_eq!(sniff(b""), Err(CodecError::Empty));
}

#[test]
fn unsupported_processes_are_refused_by_name() {
    let plain = jpeg(&PLAIN, 8, 8, 1);
    let frame = position(&plain, 0xC0);
    let patched = |at: usize, value: u8| {
        let mut file = plain.clone();
        file[frame + at] = value;
        sniff(&file).unwrap_err()
    };
    assert_eq!(
        patched(4, 12),
        CodecError::Unsupported(Unsupported::TwelveBit)
    );
    assert_eq!(
        patched(1, 0xC3),
        CodecError::Unsupported(Unsupported::Lossless)
    );
    assert_eq!(
        patched(1, 0xC5),
        CodecError::Unsupported(Unsupported::Hierarchical)
    );
    assert_eq!(
        patched(9, 2),
        CodecError::Unsupported(Unsupported::Components(2))
    );
    assert!(patched(4, 12).to_string().contains("12 bits"));
}

#[test]
fn damaged_headers_are_refused() {
    let plain = jpeg(&PLAIN, 8, 8, 1);
    let scan = position(&plain, 0xDA);
    for length in 2..scan + 4 {
        let cut_off = sniff(&plain[..length]).unwrap_err();
        assert!(
            matches!(
                cut_off,
                CodecError::Header {
                    kind: Kind::Jpeg,
                    ..
                }
            ),
            "{length} bytes: {cut_off}"
        );
    }
    let frame = position(&plain, 0xC0);
    for (at, value) in [(6, 0), (8, 0), (4, 9), (11, 0x01), (11, 0x15), (3, 16)] {
        let mut file = plain.clone();
        file[frame + at] = value;
        let error = sniff(&file).unwrap_err();
        assert!(matches!(error, CodecError::Header { .. }), "{at}: {error}");
    }
    for (twice, bytes) in [("frame", &plain[frame..frame + 19]), ("start", &plain[..2])] {
        let file = [&plain[..scan], bytes, &plain[scan..]].concat();
        assert!(sniff(&file).unwrap_err().to_string().contains(twice));
    }
}

#[test]
fn gray_is_spread_and_untransformed_rgb_is_left_alone() {
    let pixels = picture(24, 16, 3, 8);
    let flat = EncodeOptions {
        quality: 100,
        ..PLAIN
    };
    let gray = EncodeOptions {
        color: JpegColor::Gray,
        ..flat
    }
    .encode(&pixels, 24, 16)
    .unwrap();
    let (_, decoded, _) = decode(&gray);
    for (rgb, source) in decoded.chunks(3).zip(pixels.chunks(3)) {
        assert!(rgb[0] == rgb[1] && rgb[1] == rgb[2]);
        let luma = 0.299 * f64::from(source[0])
            + 0.587 * f64::from(source[1])
            + 0.114 * f64::from(source[2]);
        assert!((f64::from(rgb[0]) - luma).abs() <= 2.0);
    }
    let rgb = EncodeOptions {
        color: JpegColor::Rgb,
        ..flat
    }
    .encode(&pixels, 24, 16)
    .unwrap();
    let (_, decoded, _) = decode(&rgb);
    assert!(
        decoded
            .iter()
            .zip(&pixels)
            .all(|(a, b)| a.abs_diff(*b) <= 1)
    );
}

/// Flat ink survives JPEG nearly unchanged, so the result must be that of Pillow's `convert("RGB")` for the same ink:
/// (10, 200, 30, 60) gives (187, 42, 172) there.
#[test]
fn cmyk_comes_out_as_in_pillow() {
    let stored: Vec<u8> = [245, 55, 225, 195].repeat(16 * 16);
    for color in [JpegColor::Cmyk, JpegColor::Ycck] {
        let file = EncodeOptions {
            color,
            quality: 100,
            ..PLAIN
        }
        .encode(&stored, 16, 16)
        .unwrap();
        let ((width, height), decoded, warning) = decode(&file);
        assert_eq!((width, height, warning), (16, 16, None));
        assert_eq!(decoded.len(), 16 * 16 * 3);
        let tolerance = if color == JpegColor::Cmyk { 0 } else { 2 };
        for pixel in decoded.chunks(3) {
            assert!(
                pixel
                    .iter()
                    .zip([187, 42, 172])
                    .all(|(a, b)| a.abs_diff(b) <= tolerance),
                "{pixel:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_encoded_is_said() {
    for (bytes, width, height, quality, reason) in [
        (12, 2, 3, 90, "not 2 x 3 pixels"),
        (0, 0, 3, 90, "65500"),
        (65_501 * 3, 65_501, 1, 90, "65500"),
        (12, 2, 2, 0, "quality 0"),
        (12, 2, 2, 101, "quality 101"),
    ] {
        let error =
            encode_jpeg(&vec![0; bytes], width, height, quality, Sampling::S420).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
