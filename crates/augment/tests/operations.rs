//! The same bytes as Pillow, on cases written by `fixtures/ops.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use imshard_augment::{Augmenter, Interpolation, Level, Op, Warp};

const CASES: &str = include_str!("fixtures/ops.tsv");
const EXPECTED: &[u8] = include_bytes!("fixtures/ops.bin");
const FILL: [u8; 3] = [10, 20, 250];

#[test]
fn operations_give_the_bytes_of_pillow() {
    let mut expected = EXPECTED;
    let mut images = BTreeMap::new();
    for case in CASES.lines() {
        let [name, argument, width, height, interpolation, hash]: [&str; 6] =
            case.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let size = (width.parse().unwrap(), height.parse().unwrap());
        let op = operation(name, argument);
        let pixels = images
            .entry(size)
            .or_insert_with(|| image(size.0, size.1))
            .clone();
        let actual = applied(&[op], interpolation, pixels, size);
        if hash == "-" {
            let (wanted, rest) = expected.split_at(actual.len());
            expected = rest;
            assert_eq!(actual, wanted, "{case}");
        } else {
            assert_eq!(format!("{:016x}", fnv1a(&actual)), hash, "{case}");
        }
    }
    assert!(expected.is_empty());
}

/// Maps of levels are composed, and histograms carried along. Neither may show.
#[test]
fn a_chain_gives_the_bytes_of_its_operations_one_by_one() {
    let ops: Vec<Op> = [
        ("solarize", "128"),
        ("equalize", "0"),
        ("posterize", "4"),
        ("autocontrast", "0"),
        ("contrast", "1.3"),
        ("equalize", "0"),
        ("color", "0.3"),
        ("invert", "0"),
        ("rotate", "12"),
        ("autocontrast", "0"),
        ("brightness", "0.7"),
        ("sharpness", "1.9"),
        ("equalize", "0"),
        ("gaussianblur", "1.2"),
        ("solarizeadd", "30"),
    ]
    .map(|(name, argument)| operation(name, argument))
    .to_vec();
    let size = (40, 40);
    let together = applied(&ops, "nearest", image(40, 40), size);
    let mut apart = image(40, 40);
    for op in ops {
        apart = applied(&[op], "nearest", apart, size);
    }
    assert_eq!(together, apart);
}

/// At all levels, which must agree.
fn applied(ops: &[Op], interpolation: &str, pixels: Vec<u8>, size: (u32, u32)) -> Vec<u8> {
    let interpolation = match interpolation {
        "nearest" => Interpolation::Nearest,
        _ => Interpolation::Bilinear,
    };
    let warp = Warp {
        interpolation,
        fill: FILL,
    };
    let mut results = Level::available().iter().map(|&level| {
        let mut pixels = pixels.clone();
        Augmenter::with_level(warp, level)
            .apply_ops(ops, &mut pixels, size.0, size.1)
            .unwrap();
        pixels
    });
    let result = results.next().unwrap();
    assert!(results.all(|other| other == result), "{ops:?}");
    result
}

fn operation(name: &str, argument: &str) -> Op {
    let real: f64 = argument.parse().expect("a number");
    match name {
        "identity" => Op::Identity,
        "autocontrast" => Op::AutoContrast,
        "equalize" => Op::Equalize,
        "invert" => Op::Invert,
        "posterize" => Op::Posterize(real as u8),
        "solarize" => Op::Solarize(real as u16),
        "solarizeadd" => Op::SolarizeAdd(real as u8),
        "color" => Op::Color(real as f32),
        "contrast" => Op::Contrast(real as f32),
        "brightness" => Op::Brightness(real as f32),
        "sharpness" => Op::Sharpness(real as f32),
        "gaussianblur" => Op::GaussianBlur(real as f32),
        "shearx" => Op::ShearX(real),
        "sheary" => Op::ShearY(real),
        "translatex" => Op::TranslateX(real),
        "translatey" => Op::TranslateY(real),
        "translatexrel" => Op::TranslateXRel(real),
        "translateyrel" => Op::TranslateYRel(real),
        "rotate" => Op::Rotate(real),
        _ => panic!("no operation {name}"),
    }
}

/// The formula of `fixtures/ops.py`.
fn image(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3u32 {
                let noise = x.wrapping_mul(73_856_093)
                    ^ y.wrapping_mul(19_349_663)
                    ^ c.wrapping_mul(83_492_791);
                let noise = (noise ^ (noise >> 13)).wrapping_mul(0x5bd1_e995);
                let level = (x * 4 + y * 3 + ((noise >> 15) & 63)) % 200 + 10 * c;
                pixels.push(if c == 1 && width < 5 { 99 } else { level as u8 });
            }
        }
    }
    pixels
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
