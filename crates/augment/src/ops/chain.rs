//! Runs operations one after another on one image; the only place that knows all of them.

use super::levels::Levels;
use super::{Op, Warp, affine::Affine, blend, blur};
use crate::jitter::{self, Adjustment};

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

/// What operations need beside the image; grows to what the largest image needs, and stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    pub(super) bytes: Vec<u8>,
    pub(super) row: Vec<u8>,
    pub(super) sums: Vec<u32>,
}

/// Applies `ops` in order to `pixels`, which hold `frame` exactly and at least one pixel.
///
/// `rotated_fill` is the fill of rotations, which one policy wants to differ from that of the rest.
pub(crate) fn run(
    ops: &[Op],
    pixels: &mut [u8],
    frame: Frame,
    warp: Warp,
    rotated_fill: [u8; 3],
    scratch: &mut Scratch,
) {
    let mut levels = Levels::new();
    for &op in ops {
        match op {
            Op::Identity => {}
            Op::AutoContrast => levels.stretch(pixels),
            Op::Equalize => levels.equalize(pixels),
            Op::Invert => levels.map(|level| !level),
            Op::Posterize(bits) => levels.map(|level| level & high_bits(bits)),
            Op::Solarize(threshold) => levels.map(|level| match u16::from(level) < threshold {
                true => level,
                false => !level,
            }),
            Op::SolarizeAdd(add) => levels.map(|level| match level < 128 {
                true => level.saturating_add(add),
                false => level,
            }),
            Op::Brightness(factor) => levels.map(|level| jitter::blend(0, level, factor)),
            Op::Contrast(factor) => {
                levels.apply(pixels);
                let mean = jitter::mean_luma(pixels);
                levels.map(|level| jitter::blend(mean, level, factor));
            }
            Op::Color(factor) => {
                levels.apply(pixels);
                Adjustment::Saturation(factor).apply(pixels);
                levels.forget();
            }
            Op::Sharpness(factor) => {
                levels.apply(pixels);
                blend::sharpen(pixels, frame, factor, scratch);
                levels.forget();
            }
            Op::GaussianBlur(radius) => {
                levels.apply(pixels);
                blur::gaussian(pixels, frame, radius, scratch);
                levels.forget();
            }
            Op::ShearX(_)
            | Op::ShearY(_)
            | Op::TranslateX(_)
            | Op::TranslateY(_)
            | Op::TranslateXRel(_)
            | Op::TranslateYRel(_)
            | Op::Rotate(_) => {
                levels.apply(pixels);
                let (matrix, fill) = geometry(op, frame, warp.fill, rotated_fill);
                matrix.warp(pixels, frame, Warp { fill, ..warp }, scratch);
                levels.forget();
            }
        }
    }
    levels.apply(pixels);
}

fn high_bits(bits: u8) -> u8 {
    !(0xff_u8.checked_shr(u32::from(bits)).unwrap_or(0))
}
