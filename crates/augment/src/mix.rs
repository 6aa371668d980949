//! Mixup and CutMix: blend the images of a batch in pairs. Labels stay pairs with a weight; the trainer computes their
//! loss.

use crate::error::require;
use crate::policy::beta;
use crate::{AugmentError, Region, SampleRng};

/// Mixup (Zhang et al., arXiv:1710.09412) and CutMix (Yun et al., arXiv:1905.04899) with one draw for the whole batch,
/// the default of MindCV and timm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMix {
    mixup_alpha: f64,
    cutmix_alpha: f64,
    probability: f64,
}

/// How often CutMix is chosen if both are enabled; MindCV's and timm's default.
const CUTMIX_SHARE: f64 = 0.5;

impl BatchMix {
    /// MindCV's `mixup`, `cutmix` and `cutmix_prob`: the parameters of the beta distributions, where 0 turns one off,
    /// and the probability that a batch is mixed at all.
    ///
    /// # Errors
    /// [`AugmentError::OutOfRange`] unless the parameters are from 0 to 1000 and the probability from 0 to 1.
    pub fn new(
        mixup_alpha: f64,
        cutmix_alpha: f64,
        probability: f64,
    ) -> Result<Self, AugmentError> {
        for (name, alpha) in [("mixup", mixup_alpha), ("cutmix", cutmix_alpha)] {
            let holds = (0.0..=1000.0).contains(&alpha);
            require(holds, name, alpha, "from 0 to 1000")?;
        }
        let holds = (0.0..=1.0).contains(&probability);
        require(holds, "probability of mixing", probability, "from 0 to 1")?;
        Ok(BatchMix {
            mixup_alpha,
            cutmix_alpha,
            probability,
        })
    }

    /// The plan for the batch at `step` of `epoch`, with images of `width` x `height` pixels.
    ///
    /// Its numbers come from positions that no sample uses, counting down from the last one: `SampleRng::new(seed,
    /// epoch, u64::MAX - step)`. It draws, in this order: whether to mix, `chance`; if both are enabled, whether by
    /// CutMix, `chance`; Beta(alpha, alpha); for CutMix the row and the column of the middle of the rectangle, `below`.
    #[must_use]
    pub fn plan(&self, seed: u64, epoch: u64, step: u64, width: u32, height: u32) -> MixPlan {
        let mut rng = SampleRng::new(seed, epoch, u64::MAX - step);
        let (mixup, cutmix) = (self.mixup_alpha > 0.0, self.cutmix_alpha > 0.0);
        if !(mixup || cutmix) || !rng.chance(self.probability) {
            return MixPlan::NONE;
        }
        if cutmix && (!mixup || rng.chance(CUTMIX_SHARE)) {
            let lambda = beta(self.cutmix_alpha, &mut rng);
            MixPlan::cut(lambda, width, height, &mut rng)
        } else {
            MixPlan::blend(beta(self.mixup_alpha, &mut rng))
        }
    }
}

/// How to mix the images of one batch: image i with image n - 1 - i, so a middle one is mixed with itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixPlan {
    lambda: f32,
    rect: Option<Region>,
}

impl MixPlan {
    /// Leaves a batch unchanged.
    pub const NONE: MixPlan = MixPlan {
        lambda: 1.0,
        rect: None,
    };

    /// Mixup: `lambda` of the image, the rest from its partner. Rounded to a multiple of 1/256, so that bytes, floats
    /// and labels are mixed in the same proportion.
    fn blend(lambda: f64) -> Self {
        MixPlan {
            lambda: (lambda * 256.0).round() as f32 / 256.0,
            rect: None,
        }
    }

    /// CutMix: a rectangle from the partner, 1 - `lambda` of the image before it is clipped. The lambda of the plan is
    /// the share of the image that really remains.
    fn cut(lambda: f64, width: u32, height: u32, rng: &mut SampleRng) -> Self {
        let ratio = (1.0 - lambda).sqrt();
        // The length of a side of the rectangle, and its two ends inside the image.
        let ends = |size: u32, rng: &mut SampleRng| {
            let half = (f64::from(size) * ratio) as u32 / 2;
            let middle = rng.below(u64::from(size)) as u32;
            (middle.saturating_sub(half), size.min(middle + half))
        };
        let (top, bottom) = ends(height, rng);
        let (left, right) = ends(width, rng);
        let rect = Region {
            x: left,
            y: top,
            width: right - left,
            height: bottom - top,
        };
        if rect.width == 0 || rect.height == 0 {
            return MixPlan::NONE;
        }
        let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
        MixPlan {
            lambda: (1.0 - area(rect.width, rect.height) / area(width, height)) as f32,
            rect: Some(rect),
        }
    }

    /// The weight of an image's own label. Its partner's label has the rest.
    #[must_use]
    pub fn lambda(&self) -> f32 {
        self.lambda
    }

    /// The rectangle that partners exchange; none for mixup.
    #[must_use]
    pub fn rect(&self) -> Option<Region> {
        self.rect
    }

    /// The label of each image, the label of its partner, and the weight of the first.
    pub fn targets(&self, labels: &[u32]) -> impl Iterator<Item = MixTarget> {
        let lambda = self.lambda;
        let pairs = labels.iter().zip(labels.iter().rev());
        pairs.map(move |(&own, &partner)| MixTarget {
            own,
            partner,
            lambda,
        })
    }

    /// Mixes a batch of RGB bytes, NHWC: `images` holds images of `width` x `height` pixels one after
    /// another. Mixup rounds to nearest.
    ///
    /// # Errors
    /// [`AugmentError::OutputLength`] unless `images` has whole images; [`AugmentError::WindowOutside`] if the plan is
    /// for larger ones.
    pub fn mix_u8(&self, images: &mut [u8], width: u32, height: u32) -> Result<(), AugmentError> {
        let own = (self.lambda * 256.0) as u16;
        let planes = Planes {
            count: 1,
            step: 3,
            width,
            height,
        };
        self.mix(images, planes, |a, b| {
            let mixed = |one: u8, other: u8| {
                ((u16::from(one) * own + u16::from(other) * (256 - own) + 128) >> 8) as u8
            };
            (*a, *b) = (mixed(*a, *b), mixed(*b, *a));
        })
    }

    /// Mixes a batch of floats, NCHW with three channels; otherwise as [`MixPlan::mix_u8`].
    ///
    /// # Errors
    /// As [`MixPlan::mix_u8`].
    pub fn mix_f32(&self, images: &mut [f32], width: u32, height: u32) -> Result<(), AugmentError> {
        let (own, rest) = (self.lambda, 1.0 - self.lambda);
        let planes = Planes {
            count: 3,
            step: 1,
            width,
            height,
        };
        self.mix(images, planes, |a, b| {
            (*a, *b) = (*a * own + *b * rest, *b * own + *a * rest);
        })
    }

    fn mix<T>(
        &self,
        images: &mut [T],
        planes: Planes,
        blend: impl Fn(&mut T, &mut T),
    ) -> Result<(), AugmentError> {
        let one = planes.image_len();
        if one == 0 || !images.len().is_multiple_of(one) {
            return Err(AugmentError::OutputLength {
                expected: images.len() / one.max(1) * one,
                actual: images.len(),
            });
        }
        let pairs = images.len() / one / 2;
        let (front, back) = images.split_at_mut(pairs * one);
        let partners = front.chunks_exact_mut(one).zip(back.rchunks_exact_mut(one));
        match self.rect {
            None if self.lambda < 1.0 => {
                for (a, b) in partners {
                    a.iter_mut().zip(b).for_each(|(a, b)| blend(a, b));
                }
            }
            None => {}
            Some(rect) => {
                let Region { width, height, .. } = Region::whole(planes.width, planes.height);
                if !Region::whole(width, height).contains(&rect) {
                    return Err(AugmentError::WindowOutside {
                        window: rect,
                        width,
                        height,
                    });
                }
                for (a, b) in partners {
                    planes.swap(rect, a, b);
                }
            }
        }
        Ok(())
    }
}

/// Labels of one mixed image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixTarget {
    /// The image's own label.
    pub own: u32,
    /// The label of the image that it was mixed with.
    pub partner: u32,
    /// Weight of `own`, from 0 to 1; `partner` has the rest.
    pub lambda: f32,
}

/// Layout of one image: this many planes of rows, with pixels of `step` values.
#[derive(Clone, Copy)]
struct Planes {
    count: usize,
    step: usize,
    width: u32,
    height: u32,
}

impl Planes {
    fn image_len(self) -> usize {
        self.count * self.step * self.width as usize * self.height as usize
    }

    /// Exchanges a rectangle that lies inside both images.
    fn swap<T>(self, rect: Region, a: &mut [T], b: &mut [T]) {
        let row = self.step * self.width as usize;
        let (x, width) = (self.step * rect.x as usize, self.step * rect.width as usize);
        for plane in 0..self.count {
            for y in rect.y..rect.y + rect.height {
                let begin = (plane * self.height as usize + y as usize) * row + x;
                a[begin..][..width].swap_with_slice(&mut b[begin..][..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plans(mix: BatchMix) -> impl Iterator<Item = MixPlan> {
        (0..4000).map(move |step| mix.plan(7, 1, step, 40, 30))
    }

    #[test]
    fn plans_are_stable() {
        let both = BatchMix::new(0.2, 1.0, 1.0).unwrap();
        let plan = |lambda, rect| MixPlan { lambda, rect };
        let rect = Region {
            x: 0,
            y: 0,
            width: 291,
            height: 160,
        };
        assert_eq!(
            [0, 1, 2].map(|step| both.plan(42, 3, step, 299, 299)),
            [
                plan(0.898_437_5, None),
                plan(0.156_25, None),
                plan(0.479_200_45, Some(rect)),
            ]
        );
    }

    #[test]
    fn what_is_enabled_is_drawn_as_often_as_asked() {
        let share =
            |mix: BatchMix, is: fn(&MixPlan) -> bool| plans(mix).filter(is).count() as f64 / 4000.0;
        let cut: fn(&MixPlan) -> bool = |plan| plan.rect().is_some();
        let none: fn(&MixPlan) -> bool = |plan| *plan == MixPlan::NONE;
        let off = BatchMix::new(0.0, 0.0, 1.0).unwrap();
        assert!(plans(off).all(|plan| plan == MixPlan::NONE));
        let mixup = BatchMix::new(1.0, 0.0, 0.7).unwrap();
        assert!(share(mixup, cut) == 0.0 && (share(mixup, none) - 0.3).abs() < 0.03);
        // Empty rectangles leave nothing to mix.
        let cutmix = BatchMix::new(0.0, 1.0, 1.0).unwrap();
        assert!(share(cutmix, cut) > 0.97);
        let both = BatchMix::new(1.0, 1.0, 1.0).unwrap();
        assert!((share(both, cut) - 0.5).abs() < 0.03);
    }

    #[test]
    fn lambda_is_the_share_that_stays() {
        for plan in plans(BatchMix::new(0.5, 1.0, 1.0).unwrap()) {
            let lambda = f64::from(plan.lambda());
            assert!((0.0..=1.0).contains(&lambda));
            match plan.rect() {
                None => assert!((lambda * 256.0).fract() == 0.0),
                Some(rect) => {
                    assert!(Region::whole(40, 30).contains(&rect));
                    let cut = f64::from(rect.width * rect.height) / 1200.0;
                    assert!((lambda - (1.0 - cut)).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn mixup_blends_partners_in_both_layouts() {
        let plan = MixPlan::blend(0.75);
        let mut bytes = [[0; 12], [10; 12], [77; 12], [250; 12], [255; 12]];
        plan.mix_u8(bytes.as_flattened_mut(), 2, 2).unwrap();
        // 0.75 * 0 + 0.25 * 255 = 63.75, and so on.
        assert_eq!(bytes, [[64; 12], [70; 12], [77; 12], [190; 12], [191; 12]]);
        let mut floats = [[1.0; 12], [5.0; 12], [-3.0; 12]];
        plan.mix_f32(floats.as_flattened_mut(), 2, 2).unwrap();
        assert_eq!(floats, [[0.0; 12], [5.0; 12], [-2.0; 12]]);
        let labels: Vec<_> = plan.targets(&[4, 5, 6]).collect();
        let target = |own, partner| MixTarget {
            own,
            partner,
            lambda: 0.75,
        };
        assert_eq!(labels, [target(4, 6), target(5, 5), target(6, 4)]);
    }

    #[test]
    fn cutmix_exchanges_the_rectangle_in_both_layouts() {
        let rect = Region {
            x: 1,
            y: 0,
            width: 2,
            height: 1,
        };
        let plan = MixPlan {
            lambda: 4.0 / 6.0,
            rect: Some(rect),
        };
        let mut bytes = [[1; 18], [2; 18]];
        plan.mix_u8(bytes.as_flattened_mut(), 3, 2).unwrap();
        assert_eq!(
            bytes[0],
            [1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]
        );
        assert!(bytes[0].iter().zip(&bytes[1]).all(|(a, b)| a + b == 3));
        let mut floats = [[1.0; 18], [2.0; 18]];
        plan.mix_f32(floats.as_flattened_mut(), 3, 2).unwrap();
        assert_eq!(floats[0][..6], [1.0, 2.0, 2.0, 1.0, 1.0, 1.0]);
        assert_eq!(floats[0][..6], floats[0][12..]);
    }

    #[test]
    fn batches_that_do_not_fit_are_refused() {
        let plan = MixPlan::blend(0.5);
        assert!(plan.mix_u8(&mut [0; 13], 2, 2).is_err());
        assert!(plan.mix_f32(&mut [], 0, 2).is_err());
        let cut = BatchMix::new(0.0, 1.0, 1.0).unwrap();
        let plan = (0..)
            .map(|step| cut.plan(0, 0, step, 40, 40))
            .find(|plan| plan.rect().is_some_and(|rect| rect.x + rect.width > 2));
        assert!(plan.unwrap().mix_u8(&mut [0; 24], 2, 2).is_err());
        assert!(BatchMix::new(-0.1, 0.0, 1.0).is_err());
        assert!(BatchMix::new(0.1, f64::NAN, 1.0).is_err());
        assert!(BatchMix::new(0.1, 0.0, 1.5).is_err());
        assert_eq!(cut.plan(0, 0, 0, 0, 0), MixPlan::NONE);
    }
}
