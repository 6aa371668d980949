//! Reads each pixel of an image where an affine map says. Uses the arithmetic of Pillow's `Image.transform`: 16.16
//! fixed point for the nearest pixel, double precision otherwise.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bilinear;
mod nearest;
mod padded;

pub(super) use padded::Padded;

use super::affine::Affine;
use super::chain::{Frame, Scratch};
use super::{Interpolation, Warp};

/// Replaces each of `pixels` with the pixel at the place to which `matrix` maps it.
pub(super) fn warp(
    pixels: &mut [u8],
    frame: Frame,
    matrix: &Affine,
    warp: Warp,
    scratch: &mut Scratch,
) {
    match warp.interpolation {
        Interpolation::Nearest => nearest::warp(pixels, frame, matrix, warp.fill, scratch),
        Interpolation::Bilinear => bilinear::warp(pixels, frame, matrix, warp.fill, scratch),
    }
}
