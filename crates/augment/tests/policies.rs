//! Policies draw the same operations as ever, with the published frequencies, and apply to any image.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use imshard_augment::{Augmenter, Draw, Interpolation, Level, Op, Policy, SampleRng, Warp};
use proptest::prelude::*;

const POLICIES: [&str; 11] = [
    "autoaug",
    "autoaugr",
    "autoaug-mindcv",
    "randaug-m9-n2-mstd0.5",
    "randaug-m10-n14-mstd101-p1-inc1-w0",
    "randaug-m30-mmax30-n8-p1-mstd8-inc1",
    "trivialaugwide",
    "trivialaugwide-m2",
    "3a",
    "augmix-m3-w3-d-1",
    "augmix-m10-w2-d4-a0.1-mstd3",
];

fn drawn(policy: &str, position: u64) -> Draw {
    let policy: Policy = policy.parse().expect("a policy");
    let mut draw = Draw::default();
    policy.draw(&mut SampleRng::new(42, 3, position), &mut draw);
    draw
}

#[test]
fn draws_are_stable() {
    let mut actual = String::new();
    for policy in POLICIES {
        for position in 0..3 {
            let draw = drawn(policy, position);
            actual += &format!("{policy} {position}: {:?}", draw.ops());
            if draw.is_mixture() {
                let weights: Vec<_> = draw
                    .mixed_chains()
                    .map(|(ops, weight)| (ops.len(), weight))
                    .collect();
                actual += &format!(" {weights:?} {:?}", draw.mixed_share());
            }
            actual += "\n";
        }
    }
    // After an intended change, copy the line from `left` of the failure.
    let golden = include_str!("fixtures/draws.txt");
    for (actual, golden) in actual.lines().zip(golden.lines()) {
        assert_eq!(actual, golden);
    }
    assert_eq!(actual, golden);
}

/// How often each operation is drawn, by name, in this many draws.
fn frequencies(policy: &str, draws: u64) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for position in 0..draws {
        for op in drawn(policy, position).ops() {
            let name = format!("{op:?}");
            let name = name.split('(').next().unwrap().to_owned();
            *counts.entry(name).or_insert(0.0) += 1.0 / draws as f64;
        }
    }
    counts
}

fn assert_near(actual: &BTreeMap<String, f64>, expected: &[(&str, f64)], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{actual:?}");
    for &(name, frequency) in expected {
        assert!(
            (actual[name] - frequency).abs() < tolerance,
            "{name}: {actual:?}"
        );
    }
}

#[test]
fn autoaugment_applies_each_operation_as_often_as_its_table_says() {
    // Sums of probabilities over the 25 pairs of table 9, over 25.
    let expected = [
        ("AutoContrast", 1.2 / 25.0),
        ("Color", 3.8 / 25.0),
        ("Contrast", 2.0 / 25.0),
        ("Equalize", 11.2 / 25.0),
        ("Invert", 1.8 / 25.0),
        ("Posterize", 2.8 / 25.0),
        ("Rotate", 3.6 / 25.0),
        ("Sharpness", 0.4 / 25.0),
        ("ShearX", 0.6 / 25.0),
        ("Solarize", 3.6 / 25.0),
    ];
    for policy in ["autoaug", "autoaugr", "autoaug-mindcv"] {
        assert_near(&frequencies(policy, 20_000), &expected, 0.012);
    }
}

#[test]
fn other_policies_choose_uniformly() {
    let each = |names: &[&'static str], frequency: f64| -> Vec<(&'static str, f64)> {
        names.iter().map(|&name| (name, frequency)).collect()
    };
    let randaug = [
        "AutoContrast",
        "Brightness",
        "Color",
        "Contrast",
        "Equalize",
        "Invert",
        "Posterize",
        "Rotate",
        "Sharpness",
        "ShearX",
        "ShearY",
        "Solarize",
        "TranslateXRel",
        "TranslateYRel",
    ];
    let actual = frequencies("randaug-n3-p0.25-inc1", 20_000);
    assert_near(&actual, &each(&randaug, 0.75 / 14.0), 0.008);
    let trivial: Vec<_> = randaug
        .iter()
        .map(|&name| match name {
            "Invert" => "Identity",
            "TranslateXRel" => "TranslateX",
            "TranslateYRel" => "TranslateY",
            other => other,
        })
        .collect();
    let actual = frequencies("trivialaugwide", 20_000);
    assert_near(&actual, &each(&trivial, 1.0 / 14.0), 0.008);
    let actual = frequencies("3a", 10_000);
    assert_near(
        &actual,
        &each(&["Color", "GaussianBlur", "Solarize"], 1.0 / 3.0),
        0.02,
    );
    let augmix: Vec<_> = randaug
        .into_iter()
        .filter(|&name| name != "Invert")
        .collect();
    // Three chains of two operations on average.
    assert_near(
        &frequencies("augmix", 10_000),
        &each(&augmix, 6.0 / 13.0),
        0.03,
    );
}

#[test]
fn weights_prefer_geometry_and_choose_nothing_twice() {
    let actual = frequencies("randaug-n1-p1-w0", 20_000);
    assert!(!actual.contains_key("Invert"));
    for (name, frequency) in [("Rotate", 0.3), ("ShearX", 0.2), ("TranslateYRel", 0.1)] {
        // The weights add up to 1.005.
        assert!(
            (actual[name] - frequency / 1.005).abs() < 0.012,
            "{actual:?}"
        );
    }
    for position in 0..100 {
        let draw = drawn("randaug-n20-p1-w0", position);
        let kinds: std::collections::HashSet<_> =
            draw.ops().iter().map(std::mem::discriminant).collect();
        assert_eq!((draw.ops().len(), kinds.len()), (13, 13));
    }
}

/// Arguments of all operations that `select` knows, over many draws.
fn arguments(policy: &str, select: impl Fn(Op) -> Option<f64>) -> Vec<f64> {
    (0..3000)
        .flat_map(|position| {
            let ops = drawn(policy, position).ops().to_vec();
            ops.into_iter().filter_map(&select).collect::<Vec<_>>()
        })
        .collect()
}

fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::MAX, f64::min);
    let most = values.iter().copied().fold(f64::MIN, f64::max);
    (least, most)
}

#[test]
fn without_noise_magnitudes_are_the_published_ones() {
    let posterize = |op| match op {
        Op::Posterize(bits) => Some(f64::from(bits)),
        _ => None,
    };
    // Magnitudes 5 to 8.
    assert_eq!(range(&arguments("autoaug-mstd0", posterize)), (6.0, 7.0));
    assert_eq!(range(&arguments("autoaugr-mstd0", posterize)), (1.0, 2.0));
    let rotate = |op| match op {
        Op::Rotate(degrees) => Some(degrees),
        _ => None,
    };
    let degrees = arguments("autoaug-mstd0", rotate);
    assert_eq!(range(&degrees), (-27.0, 27.0));
    let positive = degrees.iter().filter(|&&d| d > 0.0).count() as f64;
    assert!((positive / degrees.len() as f64 - 0.5).abs() < 0.08);
    let degrees = arguments("trivialaugwide", rotate);
    assert_eq!(range(&degrees), (-135.0, 135.0));
    let noisy = arguments("autoaug-mstd0.5", rotate);
    assert!(range(&noisy).1 > 27.0 && range(&noisy).1 <= 30.0);
}

#[test]
fn mindcv_has_its_faults() {
    let posterize = |op| match op {
        Op::Posterize(bits) => Some(f64::from(bits)),
        _ => None,
    };
    assert_eq!(range(&arguments("autoaug-mindcv", posterize)), (1.0, 3.0));
    let shear = |op| match op {
        Op::ShearX(factor) => Some(factor.abs()),
        _ => None,
    };
    assert!(range(&arguments("autoaug-mindcv", shear)).1 < 0.006);
    assert!(range(&arguments("autoaug", shear)).1 > 0.14);
    // The area that the rotation leaves empty in white images shows the fill.
    for (policy, fill) in [
        ("autoaug", [124, 116, 104]),
        ("autoaug-mindcv", [104, 116, 124]),
    ] {
        let parsed: Policy = policy.parse().unwrap();
        let rotated = (0..)
            .find(|&position| matches!(drawn(policy, position).ops(), [Op::Rotate(_)]))
            .unwrap();
        let mut pixels = vec![255; 3 * 40 * 40];
        Augmenter::default()
            .apply(
                &parsed,
                &mut pixels,
                40,
                40,
                &mut SampleRng::new(42, 3, rotated),
            )
            .unwrap();
        assert_eq!(pixels[..3], fill, "{policy}");
    }
}

#[test]
fn pixels_are_a_function_of_the_sample_not_of_what_was_done_before() {
    let image: Vec<u8> = (0..3 * 31 * 29).map(|i| (i * 37 % 251) as u8).collect();
    let mut busy = Augmenter::default();
    for policy in POLICIES {
        let policy: Policy = policy.parse().unwrap();
        for position in 0..20 {
            let mut once = image.clone();
            let mut again = image.clone();
            let mut rng = SampleRng::new(1, 2, position);
            busy.apply(&policy, &mut once, 31, 29, &mut rng).unwrap();
            let mut rng = SampleRng::new(1, 2, position);
            Augmenter::default()
                .apply(&policy, &mut again, 31, 29, &mut rng)
                .unwrap();
            assert!(once == again);
        }
    }
}

#[test]
fn augmix_of_identities_gives_the_image_within_a_level() {
    // At magnitude 0 these operations have no effect on an image that uses all levels evenly. Neither do translations
    // and the like.
    let image: Vec<u8> = (0..3 * 256).map(|i| (i / 3) as u8).collect();
    let policy: Policy = "augmix-m0".parse().unwrap();
    for position in 0..200 {
        let draw = drawn("augmix-m0", position);
        if draw.ops().iter().any(|op| matches!(op, Op::Posterize(_))) {
            continue;
        }
        let mut mixed = image.clone();
        Augmenter::default()
            .apply(
                &policy,
                &mut mixed,
                16,
                16,
                &mut SampleRng::new(42, 3, position),
            )
            .unwrap();
        for (a, b) in image.iter().zip(&mixed) {
            assert!(a.abs_diff(*b) <= 2, "{a} {b}");
        }
    }
}

#[test]
fn an_image_of_another_size_is_refused() {
    let policy: Policy = "autoaug".parse().unwrap();
    let mut rng = SampleRng::new(0, 0, 0);
    let result = Augmenter::default().apply(&policy, &mut [0; 26], 3, 3, &mut rng);
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains("27") && message.contains("26"),
        "{message}"
    );
    Augmenter::default()
        .apply(&policy, &mut [], 0, 3, &mut rng)
        .unwrap();
}

fn any_op() -> impl Strategy<Value = Op> {
    let real = prop_oneof![
        -2.0..2.0f64,
        -400.0..400.0f64,
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
    ];
    (0..18u8, real, any::<u16>()).prop_map(|(kind, real, whole)| match kind {
        0 => Op::ShearX(real),
        1 => Op::ShearY(real),
        2 => Op::TranslateX(real),
        3 => Op::TranslateY(real),
        4 => Op::TranslateXRel(real),
        5 => Op::TranslateYRel(real),
        6 | 7 => Op::Rotate(real),
        8 => Op::AutoContrast,
        9 => Op::Equalize,
        10 => Op::Posterize(whole as u8),
        11 => Op::Solarize(whole),
        12 => Op::SolarizeAdd(whole as u8),
        13 => Op::Color(real as f32),
        14 => Op::Contrast(real as f32),
        15 => Op::Brightness(real as f32),
        16 => Op::Sharpness(real as f32),
        _ => Op::GaussianBlur(real as f32),
    })
}

proptest! {
    #[test]
    fn no_argument_and_no_size_panics_or_differs_by_level(
        ops in proptest::collection::vec(any_op(), 1..5),
        width in 1..=40u32,
        height in 1..=40u32,
        bilinear: bool,
        level: u8,
    ) {
        let interpolation = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
        let warp = Warp { interpolation, ..Warp::default() };
        let image: Vec<u8> = (0..3 * width * height).map(|i| (i.wrapping_mul(i) >> 3) as u8 ^ level).collect();
        let apply = |level: Level| {
            let mut pixels = image.clone();
            Augmenter::with_level(warp, level).apply_ops(&ops, &mut pixels, width, height).unwrap();
            pixels
        };
        let expected = apply(Level::SCALAR);
        for &level in Level::available() {
            prop_assert!(apply(level) == expected, "{level:?}");
        }
    }

    #[test]
    fn no_policy_panics(index in 0..POLICIES.len(), width in 1..=40u32, height in 1..=40u32, seed: u64) {
        let policy: Policy = POLICIES[index].parse().unwrap();
        let mut pixels: Vec<u8> = (0..3 * width * height).map(|i| i as u8).collect();
        let mut rng = SampleRng::new(seed, 0, 0);
        Augmenter::default().apply(&policy, &mut pixels, width, height, &mut rng).unwrap();
    }

    #[test]
    fn no_string_panics(text in "(autoaug|randaug|augmix|3a|trivialaugwide|)[-a-z0-9.]{0,12}") {
        let _ = text.parse::<Policy>();
    }
}
