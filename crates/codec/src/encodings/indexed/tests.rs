//! Compares the decoder with libjpeg-turbo and its kernels with one another, and feeds both damaged data.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::payload::restore;
use super::{IndexedDecoder, pack};
use crate::encodings::Wanted;
use crate::jpeg::JpegError;
use crate::{EncodeOptions, Encoding, JpegColor, Level, Planes, Region, Restart, Sampling};

const SAMPLINGS: [Sampling; 5] = [
    Sampling::S444,
    Sampling::S422,
    Sampling::S420,
    Sampling::S440,
    Sampling::S411,
];

/// Smooth colour, edges and noise, so that every coefficient is used by some block.
fn picture(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 26) as i32
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x as i32, y as i32)));
    pixels
        .flat_map(|(x, y)| {
            let edge = if (x / 13 + y / 9) % 2 == 0 { 60 } else { 0 };
            [x * 3 + edge, y * 2 + 255 - x, 128 + edge - y]
        })
        .map(|value| (value + noise()).clamp(0, 255) as u8)
        .collect()
}

fn jpeg(options: &EncodeOptions, width: u32, height: u32, seed: u32) -> Vec<u8> {
    options
        .encode(&picture(width, height, seed), width, height)
        .unwrap()
}

/// libjpeg-turbo's planes: samples and row length of each component.
fn reference(jpeg: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let image = turbojpeg::decompress_to_yuv(jpeg).unwrap();
    let mut rest = &image.pixels[..];
    let mut planes = Vec::new();
    let chroma = (image.uv_width(), image.uv_height());
    for (width, height) in [(image.y_width(), image.y_height()), chroma, chroma] {
        let (plane, after) = rest.split_at(width * height);
        planes.push((plane.to_vec(), width));
        rest = after;
    }
    planes
}

fn assert_equal_to_reference(planes: &Planes<'_>, reference: &[(Vec<u8>, usize)], what: &str) {
    let ours = std::iter::once(planes.luma).chain(planes.chroma.into_iter().flatten());
    for (c, (plane, (expected, width))) in ours.zip(reference).enumerate() {
        let Region {
            x,
            y,
            width: columns,
            height: rows,
        } = plane.region;
        for row in 0..rows as usize {
            let got = &plane.data[row * plane.stride..][..columns as usize];
            let start = (y as usize + row) * width + x as usize;
            let wanted = &expected[start..start + columns as usize];
            assert!(got == wanted, "{what}: component {c}, row {row}");
        }
    }
}

#[test]
fn planes_equal_libjpeg_turbos_for_all_samplings_sizes_and_kernels() {
    for (i, sampling) in SAMPLINGS.into_iter().enumerate() {
        for (width, height) in [(1, 1), (7, 9), (64, 64), (131, 75), (33, 200)] {
            for quality in [35, 92, 100] {
                let options = EncodeOptions {
                    optimize: i % 2 == 0,
                    ..EncodeOptions::new(quality, sampling)
                };
                let file = jpeg(&options, width, height, i as u32 + width);
                let record = pack(&file).unwrap();
                let reference = reference(&file);
                for &level in Level::available() {
                    let mut decoder = IndexedDecoder::new(level);
                    let what = format!("{sampling:?} {width}x{height} q{quality} {level:?}");
                    let planes = decoder.planes(&record, Wanted::native(None)).unwrap();
                    assert_eq!(planes.luma.region, Region::whole(width, height));
                    assert_equal_to_reference(&planes, &reference, &what);
                }
            }
        }
    }
}

#[test]
fn gray_has_one_plane() {
    let options = EncodeOptions {
        color: JpegColor::Gray,
        ..EncodeOptions::new(90, Sampling::S444)
    };
    let record = pack(&jpeg(&options, 50, 40, 3)).unwrap();
    let mut decoder = IndexedDecoder::new(Level::SCALAR);
    assert!(
        decoder
            .planes(&record, Wanted::native(None))
            .unwrap()
            .chroma
            .is_none()
    );
}

/// Coefficients made for steps of 1 get larger and larger steps. When libjpeg-turbo's 16-bit sums wrap and ours do not,
/// neither encoding may accept the file. The first sums that wrap are those of the second pass, for coefficients far
/// below 2^13.
#[test]
fn coefficients_that_no_picture_has_are_refused() {
    let options = EncodeOptions::new(100, Sampling::S420);
    let mut file = jpeg(&options, 160, 128, 3);
    let quantisers: Vec<usize> = (0..file.len() - 1)
        .filter(|&at| file[at..at + 2] == [0xff, 0xdb])
        .map(|at| at + 5)
        .collect();
    assert_eq!(quantisers.len(), 2);
    let mut taken = Vec::new();
    for step in 1..=255 {
        for &table in &quantisers {
            file[table..table + 64].fill(step);
        }
        match pack(&file) {
            Ok(record) => {
                let mut decoder = IndexedDecoder::new(Level::best());
                let planes = decoder.planes(&record, Wanted::native(None)).unwrap();
                assert_equal_to_reference(&planes, &reference(&file), &format!("step {step}"));
                taken.push(step);
            }
            refused => {
                let reason = "it has coefficients that no picture has";
                assert_eq!(refused, Err(JpegError::Unsupported(reason)));
                for wanted in [Encoding::Jpeg, Encoding::Recoded] {
                    assert_eq!(crate::pack(&file, wanted).0, Encoding::Source);
                }
            }
        }
    }
    // A few times what pictures have is accepted, and nothing from some step on.
    assert!(taken.iter().copied().eq(1..=taken.len() as u8), "{taken:?}");
    assert!((2..20).contains(&taken.len()), "{taken:?}");
}

#[test]
fn other_kinds_are_refused_by_name() {
    let plain = EncodeOptions::new(90, Sampling::S420);
    let kinds = [
        (
            EncodeOptions {
                progressive: true,
                ..plain
            },
            "it is progressive",
        ),
        (
            EncodeOptions {
                arithmetic: true,
                ..plain
            },
            "it is arithmetic-coded",
        ),
        (
            EncodeOptions {
                restart: Restart::Rows(1),
                ..plain
            },
            "it has restart intervals",
        ),
        (
            EncodeOptions {
                color: JpegColor::Rgb,
                ..plain
            },
            "it is neither gray nor YCbCr",
        ),
    ];
    for (options, reason) in kinds {
        let refused = pack(&jpeg(&options, 40, 30, 1));
        assert_eq!(refused, Err(JpegError::Unsupported(reason)));
    }
    let file = jpeg(&plain, 64, 64, 1);
    assert!(matches!(
        pack(&file[..file.len() / 2]),
        Err(JpegError::Corrupt(_))
    ));
}

#[test]
fn trailing_bytes_and_metadata_come_back() {
    let mut file = jpeg(&EncodeOptions::new(95, Sampling::S420), 90, 70, 5);
    file.splice(2..2, *b"\xff\xfe\x00\x08remark");
    file.extend(b"\xff\x00 and more \xff\xd8");
    assert_eq!(restore(&pack(&file).unwrap()).unwrap(), file);
}

#[test]
fn a_header_that_promises_more_blocks_than_there_are_bits_allocates_nothing() {
    let file = jpeg(&EncodeOptions::new(90, Sampling::S420), 40, 30, 1);
    let mut record = pack(&file).unwrap();
    // SOF0: marker, length, precision, height, width.
    let frame = record
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    record[frame + 5..frame + 9].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    // A matching index: five segments per row, 32 bits and a bit for each of their predictors.
    let index = u32::from_le_bytes(record[..4].try_into().unwrap()) as usize;
    let fields = vec![0; 1024 * (32 + 5 * 3) / 8];
    record.splice(16..16 + index, [&[255, 0, 1, 1, 1], &fields[..]].concat());
    record[..4].copy_from_slice(&(5 + fields.len() as u32).to_le_bytes());
    let mut decoder = IndexedDecoder::new(Level::SCALAR);
    let refused = decoder
        .planes(&record, Wanted::native(None))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("more blocks than bits"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_region_is_a_window_of_the_whole(
        sampling in prop::sample::select(&SAMPLINGS[..]),
        (width, height) in (1u32..400, 1u32..200),
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
        let record = pack(&file).unwrap();
        prop_assert_eq!(restore(&record).unwrap(), file.clone());
        let mut decoder = IndexedDecoder::new(Level::best());
        let planes = decoder.planes(&record, Wanted::native(Some(region))).unwrap();
        prop_assert!(region.is_inside(&planes.luma.region));
        assert_equal_to_reference(&planes, &reference(&file), "region");
    }

    #[test]
    fn damage_is_an_error_or_the_same_wrong_pixels_for_all_kernels(
        seed: u32,
        damage in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..6),
        cut in prop::option::of(0.0..1.0f64),
    ) {
        let file = jpeg(&EncodeOptions::new(80, SAMPLINGS[seed as usize % 5]), 97, 66, seed);
        let mut record = pack(&file).unwrap();
        for (at, value) in damage {
            let at = (at * record.len() as f64) as usize;
            record[at] = value;
        }
        if let Some(cut) = cut {
            record.truncate((cut * record.len() as f64) as usize);
        }
        let _ = restore(&record);
        let region = Some(Region { x: 40, y: 20, width: 50, height: 30 });
        for region in [None, region] {
            let mut results = Level::available().iter().map(|&level| {
                let mut decoder = IndexedDecoder::new(level);
                let planes = decoder.planes(&record, Wanted::native(region))?;
                Ok::<_, crate::CodecError>((planes.luma.data.to_vec(), planes.chroma.map(|c| c.map(|p| p.data.to_vec()))))
            });
            let first = results.next().unwrap();
            for other in results {
                prop_assert_eq!(&other, &first);
            }
        }
    }
}
