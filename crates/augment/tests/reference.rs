//! The same bytes as Pillow, and within a level of OpenCV, on cases written by `fixtures/make.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use imshard_augment::{Adjustment, Filter, Job, Level, Region, Resampler, RgbView};

const CASES: &str = include_str!("fixtures/cases.tsv");
const EXPECTED: &[u8] = include_bytes!("fixtures/expected.bin");

/// One line of `cases.tsv`.
struct Case<'a> {
    line: &'a str,
    operation: &'a str,
    image: (u32, u32),
    crop: Region,
    output: (u32, u32),
    flip: &'a str,
}

impl<'a> Case<'a> {
    fn parse(line: &'a str) -> Self {
        let fields: Vec<_> = line.split('\t').collect();
        let number = |i: usize| fields[i].parse::<u32>().expect("a number");
        let crop = Region {
            x: number(4),
            y: number(5),
            width: number(6),
            height: number(7),
        };
        Case {
            line,
            operation: fields[1],
            image: (number(2), number(3)),
            crop,
            output: (number(8), number(9)),
            flip: fields[10],
        }
    }

    fn len(&self) -> usize {
        3 * (self.output.0 * self.output.1) as usize
    }

    fn run(&self, resampler: &mut Resampler) -> Vec<u8> {
        let (width, height) = self.image;
        let pixels = image(width, height);
        let image = RgbView::packed(&pixels, width, height).unwrap();
        let mut result = vec![0; self.len()];
        let filter = match self.operation {
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::Bicubic,
            "plain" => Filter::PlainBilinear,
            // Colour cases first cut out the crop, at its own size.
            _ => Filter::Nearest,
        };
        let job = Job::new(self.crop, self.output.0, self.output.1, filter).unwrap();
        let job = job.flipped(self.flip.contains('h'), self.flip.contains('v'));
        resampler.run(image, &job, &mut result).unwrap();
        if let Some((name, factor)) = self.operation.split_once(':') {
            let factor = factor.parse().expect("a factor");
            let adjustment = match name {
                "brightness" => Adjustment::Brightness(factor),
                "contrast" => Adjustment::Contrast(factor),
                "saturation" => Adjustment::Saturation(factor),
                other => panic!("unknown operation {other}"),
            };
            adjustment.apply(&mut result);
        }
        result
    }
}

/// Gradients with noise: the formula in `make.py`.
fn image(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let noise = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663);
                let noise = noise ^ (c * 83_492_791);
                let noise = (noise ^ (noise >> 13)).wrapping_mul(0x5bd1_e995);
                let noise = noise ^ (noise >> 15);
                pixels.push((x * 5 + y * 3 + c * 70 + (noise & 127)) as u8);
            }
        }
    }
    pixels
}

/// Runs every case of one library and passes the largest difference in each row to `check`.
fn compare(library: &str, check: impl Fn(&Case<'_>, u32, u8)) {
    for &level in Level::available() {
        compare_at(level, library, &check);
    }
}

fn compare_at(level: Level, library: &str, check: impl Fn(&Case<'_>, u32, u8)) {
    let mut resampler = Resampler::with_level(level);
    let mut expected = EXPECTED;
    let mut compared = 0;
    for case in CASES.lines().map(Case::parse) {
        let (these, rest) = expected.split_at(case.len());
        expected = rest;
        if case.line.starts_with(library) {
            let result = case.run(&mut resampler);
            let row_bytes = 3 * case.output.0 as usize;
            let rows = result.chunks(row_bytes).zip(these.chunks(row_bytes));
            for (y, (row, these)) in rows.enumerate() {
                let difference = row
                    .iter()
                    .zip(these)
                    .map(|(&a, &b)| a.abs_diff(b))
                    .max()
                    .unwrap();
                check(&case, y as u32, difference);
            }
            compared += 1;
        }
    }
    assert!(
        expected.is_empty() && compared > 0,
        "cases.tsv and expected.bin belong together"
    );
}

#[test]
fn resampling_and_colour_equal_pillow_bit_for_bit() {
    compare("pillow", |case, y, difference| {
        assert_eq!(difference, 0, "row {y} of {}", case.line);
    });
}

#[test]
fn plain_bilinear_equals_opencv_and_is_within_a_level_at_the_edges() {
    compare("opencv", |case, y, difference| {
        let made = if case.flip.contains('v') {
            case.output.1 - 1 - y
        } else {
            y
        };
        let height = f64::from(case.crop.height);
        let position = (f64::from(made) + 0.5) * height / f64::from(case.output.1) - 0.5;
        let inside = (0.0..=height - 1.0).contains(&position);
        assert!(
            difference <= u8::from(!inside),
            "{difference} in row {y} of {}",
            case.line
        );
    });
}
