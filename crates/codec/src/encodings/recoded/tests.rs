//! Compares the encoding with the seek-indexed one and its kernels with one another, and feeds both damaged data.
#![allow(clippy::unwrap_used, clippy::panic)]

mod encoder;
mod invented;
mod tables;

use proptest::prelude::*;

use invented::{assert_comes_back, invented};

use super::error::RecodeError;
use super::kernel::Kernel;
use super::layout::Frame;
use super::payload::{Packer, Payload, pack_source};
use super::source::{Parts, Source};
use super::tables::Tables;
use super::unit::UnitDecoder;
use super::{RecodedDecoder, TableTrainer, pack, restore};
use crate::encodings::{Wanted, indexed};
use crate::jpeg::coefficients::Blocks;
use crate::jpeg::group::Group;
use crate::{
    CodecError, EncodeOptions, JpegColor, Level, LevelKind, Planes, Region, Restart, Sampling,
};

const SAMPLINGS: [Sampling; 5] = [
    Sampling::S444,
    Sampling::S422,
    Sampling::S420,
    Sampling::S440,
    Sampling::S411,
];

/// Smooth colour, edges and, with `grain`, noise, so that few or all coefficients are used.
fn picture(width: u32, height: u32, seed: u32, grain: i32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 26) as i32 * grain / 64
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
        .encode(&picture(width, height, seed, 64), width, height)
        .unwrap()
}

fn builtin() -> std::sync::Arc<Tables> {
    Tables::builtin().unwrap()
}

/// A record of a file, even if the record is larger than the file.
fn record_of(tables: &Tables, file: &[u8]) -> Vec<u8> {
    pack_source(tables, &Source::read(file).unwrap()).unwrap()
}

type Samples = (Region, Vec<u8>);

fn samples(planes: &Planes<'_>) -> Vec<Samples> {
    let all = std::iter::once(planes.luma).chain(planes.chroma.into_iter().flatten());
    all.map(|plane| {
        let (width, height) = (plane.region.width as usize, plane.region.height as usize);
        let rows = (0..height).flat_map(|y| plane.data[y * plane.stride..][..width].to_vec());
        (plane.region, rows.collect())
    })
    .collect()
}

fn decoded(
    level: Level,
    tables: &Tables,
    record: &[u8],
    region: Option<Region>,
) -> Result<Vec<Samples>, CodecError> {
    let mut decoder = RecodedDecoder::new(level);
    decoder
        .planes(tables, record, Wanted::native(region))
        .map(|planes| samples(&planes))
}

#[test]
fn planes_equal_those_of_the_seek_indexed_file_for_all_samplings_sizes_and_kernels() {
    let tables = builtin();
    for (i, sampling) in SAMPLINGS.into_iter().enumerate() {
        for (width, height) in [(1, 1), (7, 9), (64, 64), (131, 75), (33, 200)] {
            for quality in [35, 92, 100] {
                let options = EncodeOptions {
                    optimize: i % 2 == 0,
                    ..EncodeOptions::new(quality, sampling)
                };
                let file = jpeg(&options, width, height, i as u32 + width);
                let mut seek = indexed::IndexedDecoder::new(Level::best());
                let indexed = indexed::pack(&file).unwrap();
                let expected = samples(&seek.planes(&indexed, Wanted::native(None)).unwrap());
                let record = record_of(&tables, &file);
                assert_eq!(restore(&tables, &record).unwrap(), file);
                for &level in Level::available() {
                    let got = decoded(level, &tables, &record, None).unwrap();
                    assert!(
                        got == expected,
                        "{sampling:?} {width}x{height} q{quality} {level:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_file_that_would_grow_is_left_to_another_encoding() {
    let plain = EncodeOptions::new(80, Sampling::S444);
    let small = plain.encode(&vec![77; 640 * 480 * 3], 640, 480).unwrap();
    assert_eq!(
        pack(&builtin(), &small),
        Err(RecodeError::Unsupported("it would grow"))
    );
    let large = jpeg(&EncodeOptions::new(95, Sampling::S444), 640, 480, 1);
    assert!(pack(&builtin(), &large).unwrap().len() <= large.len());
}

#[test]
fn other_kinds_are_refused() {
    let plain = EncodeOptions::new(90, Sampling::S420);
    let kinds = [
        EncodeOptions {
            progressive: true,
            ..plain
        },
        EncodeOptions {
            arithmetic: true,
            ..plain
        },
        EncodeOptions {
            restart: Restart::Rows(1),
            ..plain
        },
        EncodeOptions {
            color: JpegColor::Rgb,
            ..plain
        },
        EncodeOptions {
            color: JpegColor::Cmyk,
            ..plain
        },
    ];
    for options in kinds {
        let (width, height) = (40, 30);
        let channels = if options.color == JpegColor::Cmyk {
            4
        } else {
            3
        };
        let file = options
            .encode(&vec![99; 1200 * channels], width, height)
            .unwrap();
        assert!(
            matches!(pack(&builtin(), &file), Err(RecodeError::Unsupported(_))),
            "{options:?}"
        );
    }
    let file = jpeg(&plain, 64, 64, 1);
    assert!(matches!(
        pack(&builtin(), &file[..file.len() / 2]),
        Err(RecodeError::Corrupt(_))
    ));
}

#[test]
fn trailing_bytes_metadata_and_gray_come_back() {
    let gray = EncodeOptions {
        color: JpegColor::Gray,
        ..EncodeOptions::new(95, Sampling::S444)
    };
    let mut file = jpeg(&gray, 300, 270, 5);
    file.splice(2..2, *b"\xff\xfe\x00\x08remark");
    file.extend(b"\xff\x00 and more \xff\xd8");
    let tables = builtin();
    let record = record_of(&tables, &file);
    assert_eq!(restore(&tables, &record).unwrap(), file);
    assert_eq!(
        decoded(Level::best(), &tables, &record, None)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn every_flipped_byte_gives_the_same_for_all_kernels() {
    let tables = builtin();
    let file = jpeg(&EncodeOptions::new(60, Sampling::S420), 70, 40, 9);
    let sound = record_of(&tables, &file);
    for at in 0..sound.len() {
        for flip in [1, 0x80, 0xff] {
            let mut record = sound.clone();
            record[at] ^= flip;
            let _ = restore(&tables, &record);
            assert_same_for_all_kernels(&tables, &record, None);
        }
    }
}

fn assert_same_for_all_kernels(tables: &Tables, record: &[u8], region: Option<Region>) {
    let mut results = Level::available()
        .iter()
        .map(|&level| decoded(level, tables, record, region));
    let first = results.next().unwrap();
    for other in results {
        assert!(other == first, "kernels differ");
    }
}

#[test]
fn the_levels_of_this_machine_have_kernels_of_their_own() {
    let kernels: Vec<Kernel> = Level::available()
        .iter()
        .map(|&level| Kernel::of(level))
        .collect();
    assert_eq!(kernels[0], Kernel::Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        let best = kernels.last().unwrap();
        assert_eq!(
            *best != Kernel::Scalar,
            Level::best().has(pixels::Instructions::Avx2Bmi)
        );
        let vbmi =
            is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512vbmi2");
        if vbmi && Level::best().kind() == LevelKind::Avx512 {
            assert_eq!(*best, Kernel::Avx512);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_region_is_a_window_of_the_whole(
        sampling in prop::sample::select(&SAMPLINGS[..]),
        (width, height) in (1u32..400, 1u32..200),
        fractions in [0.0..1.0f64, 0.0..1.0, 0.0..1.0, 0.0..1.0],
        (seed, quality) in (any::<u32>(), 20u8..=100),
    ) {
        let part = |fraction: f64, of: u32| ((f64::from(of) * fraction) as u32).min(of - 1);
        let (x, y) = (part(fractions[0], width), part(fractions[1], height));
        let region = Region {
            x,
            y,
            width: part(fractions[2], width - x) + 1,
            height: part(fractions[3], height - y) + 1,
        };
        let options = EncodeOptions::new(quality, sampling);
        let pixels = picture(width, height, seed, (seed % 65) as i32);
        let file = options.encode(&pixels, width, height).unwrap();
        let tables = builtin();
        let record = record_of(&tables, &file);
        prop_assert_eq!(restore(&tables, &record).unwrap(), file.clone());
        let mut seek = indexed::IndexedDecoder::new(Level::best());
        let indexed = indexed::pack(&file).unwrap();
        let expected = samples(&seek.planes(&indexed, Wanted::native(Some(region))).unwrap());
        for &level in Level::available() {
            let got = decoded(level, &tables, &record, Some(region)).unwrap();
            prop_assert!(got == expected, "{:?}", level);
        }
    }

    #[test]
    fn random_coefficients_come_back(
        sampling in prop::sample::select(&[0u8, 0x11, 0x12, 0x21, 0x22, 0x41, 0x42][..]),
        (width, height) in (1u16..200, 1u16..150),
        (seed, sparse, large) in (any::<u64>(), 0u64..64, 0u32..15),
    ) {
        let frame = Frame::new(width, height, sampling).unwrap();
        let fill = |i: usize| {
            let mut state = seed ^ (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut block = [0i16; 64];
            for (k, value) in block.iter_mut().enumerate() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if state >> 58 <= sparse {
                    *value = (state >> 33) as i16 >> large;
                }
                if k == 0 {
                    *value >>= 5;
                }
            }
            block
        };
        assert_comes_back(&invented(frame, fill));
    }

    #[test]
    fn damage_gives_the_same_for_all_kernels(
        seed: u32,
        damage in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..6),
        cut in prop::option::of(0.0..1.0f64),
    ) {
        let tables = builtin();
        let file = jpeg(&EncodeOptions::new(80, SAMPLINGS[seed as usize % 5]), 97, 66, seed);
        let mut record = record_of(&tables, &file);
        for (at, value) in damage {
            let at = (at * record.len() as f64) as usize;
            record[at] = value;
        }
        if let Some(cut) = cut {
            record.truncate((cut * record.len() as f64) as usize);
        }
        let _ = restore(&tables, &record);
        let region = Some(Region { x: 40, y: 20, width: 50, height: 30 });
        for region in [None, region] {
            assert_same_for_all_kernels(&tables, &record, region);
        }
    }

    #[test]
    fn random_units_give_the_same_for_all_kernels(
        sampling in prop::sample::select(&[0u8, 0x11, 0x22, 0x42][..]),
        unit in prop::collection::vec(any::<u8>(), 0..3000),
        head in prop::option::of((0u16..1200, 0u16..1200)),
    ) {
        // A well-formed record of one unit whose bytes mean nothing.
        let tables = builtin();
        let mut unit = unit;
        if let Some((words, ac)) = head
            && unit.len() >= 4
        {
            let lanes = u16::from(unit[0]) << 14;
            unit[..2].copy_from_slice(&(words | lanes).to_le_bytes());
            unit[2..4].copy_from_slice(&ac.to_le_bytes());
        }
        let mut record = tables.id().to_le_bytes().to_vec();
        record.extend([64, 0, 64, 0, sampling, 0, 0, 0]);
        record.extend([0; 12]);
        record.extend((unit.len() as u16).to_le_bytes());
        record.extend(&unit);
        assert_same_for_all_kernels(&tables, &record, None);
        assert_same_for_all_kernels(&tables, &record, Some(Region { x: 3, y: 1, width: 20, height: 9 }));
    }
}
