//! Files stored as pixels decode to the same pixels as the file, in every way of storing them, and the file comes back
//! if it was kept.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{cut, decode, jpeg, picture};
use imshard_codec::{
    Decoder, EncodeOptions, Encoding, JpegColor, Level, Native, Originals, PixelCompression,
    PixelOptions, PixelPacker, PixelsInfo, Planes, Region, Restart, Sampling, gives_source, pack,
    unpack,
};
use proptest::prelude::*;

const COMPRESSIONS: [PixelCompression; 4] = [
    PixelCompression::Stored,
    PixelCompression::Zstd(-5),
    PixelCompression::Zstd(1),
    PixelCompression::Zstd(19),
];
const SAMPLINGS: [Sampling; 5] = [
    Sampling::S444,
    Sampling::S422,
    Sampling::S420,
    Sampling::S440,
    Sampling::S411,
];

fn options(compression: PixelCompression, originals: Originals) -> PixelOptions {
    PixelOptions {
        compression,
        originals,
    }
}

fn store(file: &[u8], compression: PixelCompression, originals: Originals) -> Vec<u8> {
    let mut packer = PixelPacker::new(options(compression, originals)).unwrap();
    packer.pack(file).unwrap()
}

fn png(rgb: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(rgb).unwrap();
    drop(writer);
    file
}

/// Files of every kind, and what their records must hold.
fn kinds() -> Vec<(Vec<u8>, &'static str)> {
    let plain = EncodeOptions::new(90, Sampling::S420);
    let mut kinds = Vec::new();
    for sampling in SAMPLINGS {
        for (progressive, restart) in [
            (false, Restart::None),
            (true, Restart::None),
            (false, Restart::Rows(1)),
        ] {
            let options = EncodeOptions {
                sampling,
                progressive,
                restart,
                ..plain
            };
            kinds.push((jpeg(&options, 133, 87, 3), "YCbCr"));
        }
    }
    for (color, holds) in [
        (JpegColor::Gray, "gray"),
        (JpegColor::Rgb, "RGB"),
        (JpegColor::Cmyk, "RGB"),
        (JpegColor::Ycck, "RGB"),
    ] {
        let options = EncodeOptions { color, ..plain };
        kinds.push((jpeg(&options, 133, 87, 4), holds));
    }
    kinds.push((png(&picture(133, 87, 3, 5), 133, 87), "RGB"));
    let gray: Vec<u8> = picture(133, 87, 1, 6)
        .iter()
        .flat_map(|&g| [g; 3])
        .collect();
    kinds.push((png(&gray, 133, 87), "gray"));
    kinds
}

#[test]
fn every_kind_of_file_has_its_pixels_and_comes_back() {
    let mut decoder = Decoder::new().unwrap();
    for (file, holds) in kinds() {
        let (image, pixels, _) = decode(&file);
        for compression in COMPRESSIONS {
            for originals in [Originals::Keep, Originals::Drop] {
                let what = format!("{holds}, {compression:?}, {originals:?}");
                let payload = store(&file, compression, originals);
                let info = PixelsInfo::of(&payload).unwrap();
                assert_eq!((info.width, info.height), image, "{what}");
                assert_eq!(info.colour, holds, "{what}");
                assert_eq!(info.compressed, compression != PixelCompression::Stored);
                let decoded = decoder.decode(Encoding::Pixels, &payload, None).unwrap();
                assert!(decoded.image == image && decoded.pixels == pixels, "{what}");
                let kept = originals == Originals::Keep;
                assert_eq!(gives_source(Encoding::Pixels, &payload), Ok(kept));
                let back = unpack(Encoding::Pixels, &payload).unwrap();
                if kept {
                    assert!(*back == *file, "{what}");
                    assert_eq!(info.original, file.len());
                } else {
                    assert!(back.starts_with(b"\x89PNG"), "{what}");
                    let (image_back, pixels_back, _) = decode(&back);
                    assert!(image_back == image && pixels_back == pixels, "{what}");
                }
            }
        }
    }
}

#[test]
fn pack_takes_any_sound_file_and_leaves_others_alone() {
    let file = jpeg(&EncodeOptions::new(90, Sampling::S420), 40, 30, 1);
    assert_eq!(pack(&file, Encoding::Pixels).0, Encoding::Pixels);
    for broken in [&file[..file.len() / 2], b"no image", b""] {
        assert_eq!(pack(broken, Encoding::Pixels).0, Encoding::Source);
    }
}

#[test]
fn plain_planes_have_their_own_size_and_compressed_ones_less() {
    let file = jpeg(&EncodeOptions::new(95, Sampling::S420), 320, 240, 8);
    let sizes = COMPRESSIONS.map(|compression| {
        let payload = store(&file, compression, Originals::Drop);
        PixelsInfo::of(&payload).unwrap().stored
    });
    let plain = 320 * 240 * 3 / 2;
    assert_eq!(sizes[0], plain);
    // Data that does not shrink is stored plain, next to the table of its 15 strips.
    assert!(
        sizes[1..].iter().all(|&size| size <= plain + 15 * 4),
        "{sizes:?}"
    );
    assert!(sizes[2] < plain * 9 / 10, "{sizes:?}");
}

#[test]
fn pixels_without_a_file_are_full_or_halved_in_chroma() {
    let rgb = picture(75, 53, 3, 9);
    let mut decoder = Decoder::new().unwrap();
    for (sampling, ratio, most) in [(Sampling::S444, (1, 1), 3), (Sampling::S420, (2, 2), 255)] {
        let mut packer =
            PixelPacker::new(options(PixelCompression::Zstd(1), Originals::Keep)).unwrap();
        let payload = packer.pack_rgb(&rgb, (75, 53), sampling).unwrap();
        let info = PixelsInfo::of(&payload).unwrap();
        assert_eq!((info.ratio, info.original), (ratio, 0));
        let decoded = decoder.decode(Encoding::Pixels, &payload, None).unwrap();
        let apart = rgb.iter().zip(decoded.pixels);
        let apart: Vec<u64> = apart.map(|(a, b)| u64::from(a.abs_diff(*b))).collect();
        assert!(apart.iter().all(|&apart| apart <= most));
        // Rounded chroma is within two levels. Halved chroma of this noisy picture is not, but it is close.
        assert!(apart.iter().sum::<u64>() / (apart.len() as u64) < 30);
        assert!(packer.pack_rgb(&rgb, (75, 54), sampling).is_err());
    }
}

/// The contents of a window of planes, as rows of samples.
fn window(planes: &Planes<'_>) -> Vec<(Region, Vec<Vec<u8>>)> {
    let all = std::iter::once(planes.luma).chain(planes.chroma.into_iter().flatten());
    all.map(|plane| {
        let rows = plane.data.chunks(plane.stride);
        let rows = rows.take(plane.region.height as usize);
        let rows = rows.map(|row| row[..plane.region.width as usize].to_vec());
        (plane.region, rows.collect())
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn regions_are_windows_of_the_file_s_own_planes_and_pixels(
        sampling in prop::sample::select(&SAMPLINGS[..]),
        compression in prop::sample::select(&COMPRESSIONS[..3]),
        (width, height) in (1u32..300, 1u32..150),
        fractions in [0.0..1.0f64, 0.0..1.0, 0.0..1.0, 0.0..1.0],
        seed: u32,
    ) {
        let part = |fraction: f64, of: u32| ((f64::from(of) * fraction) as u32).min(of - 1);
        let (x, y) = (part(fractions[0], width), part(fractions[1], height));
        let region = Region {
            x,
            y,
            width: part(fractions[2], width - x) + 1,
            height: part(fractions[3], height - y) + 1,
        };
        let file = jpeg(&EncodeOptions::new(88, sampling), width, height, seed);
        let (indexed, seekable) = pack(&file, Encoding::Jpeg);
        prop_assert_eq!(indexed, Encoding::Jpeg);
        let mut reference = Decoder::new().unwrap();
        let Ok(Native::Planes(whole)) = reference.decode_native(indexed, &seekable, None) else {
            panic!("seek-indexed records give planes");
        };
        let whole = window(&whole);
        let (_, pixels, _) = decode(&file);
        let all = Region::whole(width, height);
        let expected = cut(&pixels, width as usize * 3, all, region);
        let payload = store(&file, compression, Originals::Keep);
        for &level in Level::available() {
            let mut decoder = Decoder::with_level(level).unwrap();
            let Ok(Native::Planes(planes)) = decoder.decode_native(Encoding::Pixels, &payload, Some(region)) else {
                panic!("planes are stored");
            };
            prop_assert!(region.is_inside(&planes.luma.region));
            for ((region, rows), (_, whole)) in window(&planes).iter().zip(&whole) {
                let below = &whole[region.y as usize..];
                for (row, expected) in rows.iter().zip(below) {
                    let start = region.x as usize;
                    prop_assert_eq!(&row[..], &expected[start..start + row.len()]);
                }
            }
            let decoded = decoder.decode(Encoding::Pixels, &payload, Some(region)).unwrap();
            let got = cut(decoded.pixels, decoded.stride, decoded.region, region);
            prop_assert!(got == expected, "{}", region);
        }
    }
}
