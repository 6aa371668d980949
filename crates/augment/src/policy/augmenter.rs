//! Applies policies to images, with buffers that are reused from image to image.

use super::{Draw, Policy};
use crate::jitter;
use crate::ops::{self, Frame, Scratch};
use crate::{AugmentError, Op, SampleRng, Warp};

/// Draws and applies augmentations. One per thread: it allocates until it has seen the largest image and
/// the longest draw, and then no more.
#[derive(Clone, Debug, Default)]
pub struct Augmenter {
    warp: Warp,
    draw: Draw,
    scratch: Scratch,
    chain: Vec<u8>,
    mixture: Vec<f32>,
}

impl Augmenter {
    /// One whose shears, translations and rotations read pixels as `warp` says.
    #[must_use]
    pub fn new(warp: Warp) -> Self {
        Augmenter {
            warp,
            ..Augmenter::default()
        }
    }

    /// Draws from `policy` and applies what was drawn to `image`: RGB bytes, interleaved, rows without
    /// padding.
    ///
    /// # Errors
    /// [`AugmentError::OutputLength`] when `image` does not have 3 `width` `height` bytes; nothing has been
    /// drawn then.
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
            for (sum, &level) in mixture.iter_mut().zip(&*chain) {
                *sum += weight * f32::from(level);
            }
        }
        for (level, &sum) in image.iter_mut().zip(&*mixture) {
            *level = jitter::blend(*level, sum as u8, draw.mixed_share());
        }
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
