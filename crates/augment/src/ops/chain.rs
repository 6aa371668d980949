//! Runs operations one after another on one image. Only this file knows all of them.

use super::affine::Affine;
use super::levels::Levels;
use super::warp::{self, Padded};
use super::{Op, Warp, blur, sharpen};
use crate::rgb8::blend;
use crate::{Level, jitter};

/// Size of an image without padding between its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Frame {
    /// Bytes in a row.
    pub(super) fn row(self) -> usize {
        3 * self.width
    }
}

/// Buffers that operations need besides the image. They grow to fit the largest image and are never freed.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    pub(super) level: Level,
    /// A copy of the image.
    pub(super) source: Vec<u8>,
    /// A copy of the image for warps.
    pub(super) padded: Padded,
    pub(super) rows: Vec<u8>,
    pub(super) sums: Vec<u16>,
}

impl Scratch {
    /// For operations at `level`.
    pub(crate) fn new(level: Level) -> Self {
        Scratch {
            level,
            source: Vec::new(),
            padded: Padded::default(),
            rows: Vec::new(),
            sums: Vec::new(),
        }
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }
}

/// Applies `ops` in order to `pixels`, which hold exactly `frame` and at least one pixel.
///
/// `rotation` is the warp of [`Op::Rotate`], because one policy fills it differently.
pub(crate) fn run(
    ops: &[Op],
    pixels: &mut [u8],
    frame: Frame,
    warp: Warp,
    rotation: Warp,
    scratch: &mut Scratch,
) {
    let (width, height) = (frame.width as f64, frame.height as f64);
    let level = scratch.level;
    let mut canvas = Canvas {
        pixels,
        frame,
        levels: Levels::new(),
        scratch,
    };
    for &op in ops {
        match op {
            Op::Identity => {}
            Op::AutoContrast => canvas.levels.stretch(level, canvas.pixels),
            Op::Equalize => canvas.levels.equalize(canvas.pixels),
            Op::Invert => canvas.levels.map(|level| !level),
            Op::Posterize(bits) => canvas.levels.map(|level| level & high_bits(bits)),
            Op::Solarize(threshold) => canvas.levels.map(|level| solarize(level, threshold)),
            Op::SolarizeAdd(add) => canvas.levels.map(|level| add_to_dark(level, add)),
            Op::Brightness(factor) => canvas.levels.map(|level| blend(0, level, factor)),
            Op::Contrast(factor) => canvas.contrast(factor),
            Op::Color(factor) => {
                canvas.rewrite(|pixels, _, _| jitter::saturate(level, factor, pixels));
            }
            Op::Sharpness(factor) => canvas.rewrite(|pixels, frame, scratch| {
                sharpen::sharpen(pixels, frame, factor, scratch);
            }),
            Op::GaussianBlur(radius) => canvas.rewrite(|pixels, frame, scratch| {
                blur::gaussian(pixels, frame, radius, scratch);
            }),
            Op::ShearX(factor) => canvas.warp(Affine::shear_x(factor), warp),
            Op::ShearY(factor) => canvas.warp(Affine::shear_y(factor), warp),
            Op::TranslateX(by) => canvas.warp(Affine::translation(by, 0.0), warp),
            Op::TranslateY(by) => canvas.warp(Affine::translation(0.0, by), warp),
            Op::TranslateXRel(by) => canvas.warp(Affine::translation(by * width, 0.0), warp),
            Op::TranslateYRel(by) => canvas.warp(Affine::translation(0.0, by * height), warp),
            Op::Rotate(degrees) => canvas.warp(Affine::rotation(degrees, frame), rotation),
        }
    }
    canvas.levels.apply(level, canvas.pixels);
}

/// The image, and the map of levels still to be applied to it.
struct Canvas<'a> {
    pixels: &'a mut [u8],
    frame: Frame,
    levels: Levels,
    scratch: &'a mut Scratch,
}

impl Canvas<'_> {
    /// Applies every operation that is more than a map of levels.
    fn rewrite(&mut self, change: impl FnOnce(&mut [u8], Frame, &mut Scratch)) {
        self.levels.apply(self.scratch.level, self.pixels);
        change(self.pixels, self.frame, self.scratch);
        self.levels.forget();
    }

    fn warp(&mut self, matrix: Affine, warp: Warp) {
        self.rewrite(|pixels, frame, scratch| warp::warp(pixels, frame, &matrix, warp, scratch));
    }

    fn contrast(&mut self, factor: f32) {
        let level = self.scratch.level;
        self.levels.apply(level, self.pixels);
        let mean = jitter::mean_luma(level, self.pixels);
        self.levels.map(|level| blend(mean, level, factor));
    }
}

fn high_bits(bits: u8) -> u8 {
    !0xff_u8.checked_shr(u32::from(bits)).unwrap_or(0)
}

fn solarize(level: u8, threshold: u16) -> u8 {
    if u16::from(level) < threshold {
        level
    } else {
        !level
    }
}

fn add_to_dark(level: u8, add: u8) -> u8 {
    if level < 128 {
        level.saturating_add(add)
    } else {
        level
    }
}
