//! Applies policies to images, with buffers that are reused from image to image.

use pixels::dispatch;

use super::{Draw, Policy};
use crate::ops;
use crate::ops::{Frame, Scratch};
use crate::rgb8::blend;
use crate::{AugmentError, Level, Op, SampleRng, Warp};

/// Draws and applies augmentations. Make one per thread: it stops allocating once it has seen the largest image and the
/// longest draw.
#[derive(Clone, Debug)]
pub struct Augmenter {
    warp: Warp,
    draw: Draw,
    scratch: Scratch,
    chain: Vec<u8>,
    mixture: Vec<f32>,
}

impl Default for Augmenter {
    fn default() -> Self {
        Self::new(Warp::default())
    }
}

impl Augmenter {
    /// Makes one whose shears, translations and rotations read pixels as `warp` says.
    #[must_use]
    pub fn new(warp: Warp) -> Self {
        Self::with_level(warp, Level::best())
    }

    /// Like [`Augmenter::new`], at `level`, or at the best one below it that this processor has. The bytes do not
    /// depend on it.
    #[must_use]
    pub fn with_level(warp: Warp, level: Level) -> Self {
        Augmenter {
            warp,
            draw: Draw::default(),
            scratch: Scratch::new(level),
            chain: Vec::new(),
            mixture: Vec::new(),
        }
    }

    /// Draws from `policy` and applies the draw to `image`: RGB bytes, interleaved, rows without padding.
    ///
    /// # Errors
    /// [`AugmentError::OutputLength`] if `image` does not have 3 `width` `height` bytes; then nothing has been drawn.
    pub fn apply(
        &mut self,
        policy: &Policy,
        image: &mut [u8],
        width: u32,
        height: u32,
        rng: &mut SampleRng,
    ) -> Result<(), AugmentError> {
        let frame = frame(image, width, height)?;
        policy.draw(rng, &mut self.draw);
        if frame.width > 0 && frame.height > 0 {
            self.apply_draw(image, frame);
        }
        Ok(())
    }

    /// Applies `ops` in order to such an image.
    ///
    /// # Errors
    /// As [`Augmenter::apply`].
    pub fn apply_ops(
        &mut self,
        ops: &[Op],
        image: &mut [u8],
        width: u32,
        height: u32,
    ) -> Result<(), AugmentError> {
        let frame = frame(image, width, height)?;
        if frame.width > 0 && frame.height > 0 {
            ops::run(ops, image, frame, self.warp, self.warp, &mut self.scratch);
        }
        Ok(())
    }

    fn apply_draw(&mut self, image: &mut [u8], frame: Frame) {
        let Augmenter {
            warp,
            draw,
            scratch,
            chain,
            mixture,
        } = self;
        let mut rotation = *warp;
        if draw.rotation_fill_reversed() {
            rotation.fill.reverse();
        }
        if !draw.is_mixture() {
            ops::run(draw.ops(), image, frame, *warp, rotation, scratch);
            return;
        }
        mixture.clear();
        mixture.resize(image.len(), 0.0);
        for (ops, weight) in draw.mixed_chains() {
            chain.clear();
            chain.extend_from_slice(image);
            ops::run(ops, chain, frame, *warp, rotation, scratch);
            add_weighted(scratch.level(), chain, weight, mixture);
        }
        blend_with(scratch.level(), mixture, draw.mixed_share(), image);
    }
}

dispatch! {
    /// Adds `weight` times the bytes to the sums.
    fn add_weighted(level: Level, bytes: &[u8], weight: f32, sums: &mut [f32]) {
        Avx512Vbmi => add_weighted_portable,
        Avx2Fma => add_weighted_portable,
        _ => add_weighted_portable,
    }
}

dispatch! {
    /// Blends the image with the sums, truncated.
    fn blend_with(level: Level, sums: &[f32], share: f32, image: &mut [u8]) {
        Avx512Vbmi => blend_with_portable,
        Avx2Fma => blend_with_portable,
        _ => blend_with_portable,
    }
}

#[inline(always)]
fn add_weighted_portable(bytes: &[u8], weight: f32, sums: &mut [f32]) {
    for (sum, &level) in sums.iter_mut().zip(bytes) {
        *sum += weight * f32::from(level);
    }
}

#[inline(always)]
fn blend_with_portable(sums: &[f32], share: f32, image: &mut [u8]) {
    for (level, &sum) in image.iter_mut().zip(sums) {
        *level = blend(*level, sum as u8, share);
    }
}

fn frame(image: &[u8], width: u32, height: u32) -> Result<Frame, AugmentError> {
    let frame = Frame {
        width: width as usize,
        height: height as usize,
    };
    let expected = frame.width.saturating_mul(frame.height).saturating_mul(3);
    if image.len() == expected {
        Ok(frame)
    } else {
        Err(AugmentError::OutputLength {
            expected,
            actual: image.len(),
        })
    }
}
