//! PNG files of every kind decode as in Pillow's `convert("RGB")`.
#![allow(clippy::unwrap_used)]

mod common;

use common::decode;
use imshard_codec::{CodecError, Decoder, Encoding, Kind, Oddity, Region, sniff};
use png::{BitDepth, ColorType};

struct Source<'a> {
    size: (u32, u32),
    color: ColorType,
    depth: BitDepth,
    palette: &'a [u8],
    transparent: &'a [u8],
    rows: &'a [u8],
}

const GRAY: Source<'_> = Source {
    size: (1, 1),
    color: ColorType::Grayscale,
    depth: BitDepth::Eight,
    palette: &[],
    transparent: &[],
    rows: &[],
};

fn write(source: &Source<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, source.size.0, source.size.1);
    encoder.set_color(source.color);
    encoder.set_depth(source.depth);
    if !source.palette.is_empty() {
        encoder.set_palette(source.palette);
    }
    if !source.transparent.is_empty() {
        encoder.set_trns(source.transparent);
    }
    encoder
        .write_header()
        .unwrap()
        .write_image_data(source.rows)
        .unwrap();
    file
}

fn rgb(source: &Source<'_>) -> Vec<u8> {
    let (image, pixels, warning) = decode(&write(source));
    assert_eq!((image, warning), (source.size, None));
    pixels
}

/// Expected values are what Pillow 13.0 gives for the same files.
#[test]
fn gray_of_every_depth() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    let row = |depth, width, rows| {
        rgb(&Source {
            size: (width, 1),
            depth,
            rows,
            ..GRAY
        })
    };
    let spread = |levels: &[u8]| {
        levels
            .iter()
            .flat_map(|&level| [level; 3])
            .collect::<Vec<_>>()
    };
    assert_eq!(row(One, 3, &[0xA0]), spread(&[255, 0, 255]));
    assert_eq!(row(Two, 4, &[0x1B]), spread(&[0, 85, 170, 255]));
    assert_eq!(row(Four, 2, &[0x3C]), spread(&[51, 204]));
    assert_eq!(row(Eight, 2, &[9, 200]), spread(&[9, 200]));
    assert_eq!(
        row(Sixteen, 4, &[0, 0, 0, 200, 1, 0, 255, 255]),
        spread(&[0, 200, 255, 255])
    );
}

#[test]
fn a_transparent_gray_changes_nothing() {
    let eight = Source {
        size: (2, 1),
        transparent: &[0, 7],
        rows: &[0, 7],
        ..GRAY
    };
    assert_eq!(rgb(&eight), [0, 0, 0, 7, 7, 7]);
    let sixteen = Source {
        depth: BitDepth::Sixteen,
        rows: &[0, 7, 1, 2],
        ..eight
    };
    assert_eq!(rgb(&sixteen), [7, 7, 7, 255, 255, 255]);
}

#[test]
fn color_and_alpha_of_either_depth() {
    let one = |color, depth, rows| {
        rgb(&Source {
            color,
            depth,
            rows,
            ..GRAY
        })
    };
    let (eight, sixteen) = (BitDepth::Eight, BitDepth::Sixteen);
    assert_eq!(one(ColorType::Rgb, eight, &[1, 2, 3]), [1, 2, 3]);
    assert_eq!(
        one(ColorType::Rgb, sixteen, &[1, 255, 2, 128, 3, 0]),
        [1, 2, 3]
    );
    assert_eq!(one(ColorType::Rgba, eight, &[1, 255, 2, 0]), [1, 255, 2]);
    assert_eq!(
        one(ColorType::Rgba, sixteen, &[1, 255, 2, 128, 3, 0, 0, 0]),
        [1, 2, 3]
    );
    assert_eq!(one(ColorType::GrayscaleAlpha, eight, &[9, 0]), [9, 9, 9]);
    assert_eq!(
        one(ColorType::GrayscaleAlpha, sixteen, &[1, 255, 2, 128]),
        [1, 1, 1]
    );
}

#[test]
fn palettes_of_every_depth_with_entries_missing() {
    let palette = Source {
        color: ColorType::Indexed,
        palette: &[10, 20, 30, 40, 50, 60],
        ..GRAY
    };
    let two_and_black = [10, 20, 30, 40, 50, 60, 0, 0, 0];
    let row = |depth, rows| {
        rgb(&Source {
            size: (3, 1),
            depth,
            rows,
            ..palette
        })
    };
    assert_eq!(row(BitDepth::Two, &[0b0001_1000]), two_and_black);
    assert_eq!(row(BitDepth::Four, &[0x01, 0x20]), two_and_black);
    assert_eq!(row(BitDepth::Eight, &[0, 1, 2]), two_and_black);
    let transparent = Source {
        size: (2, 1),
        transparent: &[0],
        depth: BitDepth::One,
        rows: &[0x40],
        ..palette
    };
    assert_eq!(rgb(&transparent), two_and_black[..6]);
}

#[test]
fn the_header_is_told() {
    let info = |color, depth, bytes: usize| {
        sniff(&write(&Source {
            size: (3, 2),
            color,
            depth,
            rows: &vec![0; bytes],
            ..GRAY
        }))
        .unwrap()
    };
    let plain = info(ColorType::Rgb, BitDepth::Eight, 18);
    assert_eq!((plain.kind, plain.width, plain.height), (Kind::Png, 3, 2));
    assert_eq!((plain.components, plain.bits), (3, 8));
    assert_eq!(plain.oddities, [Oddity::Png]);
    let wide = info(ColorType::GrayscaleAlpha, BitDepth::Sixteen, 24);
    assert_eq!((wide.components, wide.bits), (2, 16));
    assert_eq!(
        wide.oddities,
        [
            Oddity::Png,
            Oddity::Gray,
            Oddity::Transparency,
            Oddity::SixteenBit
        ]
    );
}

#[test]
fn a_region_is_checked_and_covered() {
    let file = write(&Source {
        size: (2, 2),
        rows: &[1, 2, 3, 4],
        ..GRAY
    });
    let mut decoder = Decoder::new().unwrap();
    let inside = Region {
        x: 1,
        y: 1,
        width: 1,
        height: 1,
    };
    let decoded = decoder
        .decode(Encoding::Source, &file, Some(inside))
        .unwrap();
    assert_eq!((decoded.region, decoded.stride), (Region::whole(2, 2), 6));
    let outside = Region {
        x: 1,
        ..Region::whole(2, 2)
    };
    let error = decoder
        .decode(Encoding::Source, &file, Some(outside))
        .unwrap_err();
    assert_eq!(
        error,
        CodecError::Region {
            region: outside,
            width: 2,
            height: 2
        }
    );
}

#[test]
fn damage_is_an_error() {
    let file = write(&Source {
        size: (40, 40),
        rows: &common::picture(40, 40, 1, 3),
        ..GRAY
    });
    let mut decoder = Decoder::new().unwrap();
    let mut fails = |bytes: &[u8]| {
        let error = decoder.decode(Encoding::Source, bytes, None).unwrap_err();
        assert!(
            matches!(
                error,
                CodecError::Decode {
                    kind: Kind::Png,
                    ..
                }
            ),
            "{error}"
        );
    };
    fails(&file[..file.len() / 2]);
    fails(&file[..20]);
    let mut flipped = file.clone();
    flipped[file.len() / 2] ^= 1;
    fails(&flipped);
    assert!(matches!(
        sniff(&file[..20]),
        Err(CodecError::Header {
            kind: Kind::Png,
            ..
        })
    ));
}

#[test]
fn too_large_is_refused_by_its_header() {
    let mut file = write(&GRAY_PIXEL);
    file[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0x10, 1]); // 65,536 x 4,097
    let crc = crc32(&file[12..29]).to_be_bytes();
    file[29..33].copy_from_slice(&crc);
    let error = CodecError::TooLarge {
        width: 65_536,
        height: 4_097,
    };
    assert_eq!(sniff(&file), Err(error.clone()));
    assert_eq!(
        Decoder::new()
            .unwrap()
            .decode(Encoding::Source, &file, None)
            .unwrap_err(),
        error
    );
}

const GRAY_PIXEL: Source<'_> = Source { rows: &[0], ..GRAY };

/// PNG's checksum, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}
