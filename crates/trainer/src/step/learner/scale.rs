//! The loss scale. The loss is multiplied by it before the backward pass, and the gradient is divided by it afterwards,
//! so that small gradients do not vanish in half precision.

use serde::{Deserialize, Serialize};

use crate::recipe::{LossScaleType, Recipe};

/// A dynamic scale doubles after this many updates without an overflow, as in MindCV.
const WINDOW: u64 = 2000;

/// A loss scale, fixed or dynamic (Micikevicius et al. 2018).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    value: f64,
    dynamic: bool,
    /// Updates since it last changed.
    held: u64,
}

impl LossScale {
    /// The recipe's loss scale at the beginning of a run.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        LossScale {
            value: recipe.loss_scale,
            dynamic: recipe.loss_scale_type == LossScaleType::Dynamic,
            held: 0,
        }
    }

    /// The factor.
    #[must_use]
    pub fn value(self) -> f64 {
        self.value
    }

    /// Continues with `earlier`, unless the recipe now has a fixed scale.
    pub(super) fn restore(&mut self, earlier: LossScale) {
        if self.dynamic && earlier.dynamic {
            *self = earlier;
        }
    }

    /// Call this after every update.
    pub(super) fn held(&mut self) {
        if !self.dynamic {
            return;
        }
        self.held += 1;
        if self.held >= WINDOW {
            (self.value, self.held) = (self.value * 2.0, 0);
        }
    }

    /// Call this if a gradient is NaN or infinite. Returns whether a smaller scale may fix it.
    pub(super) fn lower(&mut self) -> bool {
        let lower = self.dynamic && self.value > 1.0;
        if lower {
            (self.value, self.held) = ((self.value / 2.0).max(1.0), 0);
        }
        lower
    }
}

impl Default for LossScale {
    fn default() -> Self {
        LossScale::new(&Recipe::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(loss_scale_type: LossScaleType) -> LossScale {
        LossScale::new(&Recipe {
            loss_scale: 4.0,
            loss_scale_type,
            ..Recipe::default()
        })
    }

    #[test]
    fn a_dynamic_scale_halves_on_overflow_and_doubles_after_a_while() {
        let mut scale = scale(LossScaleType::Dynamic);
        assert!(scale.lower() && scale.lower());
        assert_eq!(scale.value(), 1.0);
        assert!(!scale.lower(), "1 is the least");
        for _ in 1..WINDOW {
            scale.held();
        }
        assert_eq!(scale.value(), 1.0);
        scale.held();
        assert_eq!((scale.value(), scale.held), (2.0, 0));
    }

    #[test]
    fn a_fixed_scale_stays() {
        let mut scale = scale(LossScaleType::Fixed);
        assert!(!scale.lower());
        (0..=WINDOW).for_each(|_| scale.held());
        assert_eq!(scale.value(), 4.0);
    }
}
