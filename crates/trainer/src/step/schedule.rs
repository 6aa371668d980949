//! The learning rate as a pure function of the step. It keeps no state, so a resumed run needs only the step's
//! number.
//!
//! The curves are those of MindCV's `scheduler/dynamic_lr.py`: a linear warm-up, then one of the curves, whose
//! epochs count from the end of the warm-up.

use std::f64::consts::PI;

use crate::recipe::{Recipe, Scheduler};

/// The learning rate of every step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    curve: Scheduler,
    peak: f64,
    floor: f64,
    warmup_factor: f64,
    warmup_epochs: f64,
    decay_epochs: f64,
    /// Epochs after the warm-up.
    main_epochs: f64,
    steps_per_epoch: f64,
    by_epoch: bool,
    decay_rate: f64,
    milestones: Vec<u64>,
    cycles: f64,
    cycle_decay: f64,
}

impl Schedule {
    /// The schedule of `recipe` when an epoch has `steps_per_epoch` steps.
    #[must_use]
    pub fn new(recipe: &Recipe, steps_per_epoch: u64) -> Self {
        let scale = linear_scale(recipe);
        let main_epochs = recipe.epoch_size.get().saturating_sub(recipe.warmup_epochs);
        Schedule {
            curve: recipe.scheduler,
            peak: recipe.lr * scale,
            floor: recipe.min_lr * scale,
            warmup_factor: recipe.warmup_factor,
            warmup_epochs: recipe.warmup_epochs as f64,
            decay_epochs: recipe.decay_epochs as f64,
            main_epochs: main_epochs as f64,
            steps_per_epoch: steps_per_epoch as f64,
            by_epoch: recipe.lr_epoch_stair,
            decay_rate: recipe.decay_rate,
            milestones: recipe.multi_step_decay_milestones.clone(),
            cycles: recipe.num_cycles.get() as f64,
            cycle_decay: recipe.cycle_decay,
        }
    }

    /// The highest learning rate: `lr`, scaled if the recipe has `lr_for_batch`.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.peak
    }

    /// The learning rate of the update that ends step `step`, counted from 0 over the whole run.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        let exact = step as f64 / self.steps_per_epoch;
        let epoch = if self.by_epoch { exact.floor() } else { exact };
        if epoch < self.warmup_epochs {
            let start = self.peak * self.warmup_factor;
            return start + epoch / self.warmup_epochs * (self.peak - start);
        }
        self.main(epoch - self.warmup_epochs)
    }

    /// The curve, `epoch` epochs after the warm-up.
    fn main(&self, epoch: f64) -> f64 {
        match self.curve {
            Scheduler::Constant => self.peak,
            Scheduler::CosineDecay | Scheduler::WarmupCosineDecay => self.cosine(epoch),
            Scheduler::StepDecay => {
                self.peak * self.decay_rate.powf((epoch / self.decay_epochs).floor())
            }
            Scheduler::MultiStepDecay => {
                let passed = |milestone: &&u64| **milestone as f64 <= epoch;
                let passed = self.milestones.iter().filter(passed).count();
                self.peak * self.decay_rate.powf(passed as f64)
            }
            Scheduler::ExponentialDecay => self.peak * self.decay_rate.powf(epoch),
            Scheduler::PolynomialDecay => {
                let left = 1.0 - (epoch / self.main_epochs).min(1.0);
                self.peak * left.powf(self.decay_rate)
            }
            Scheduler::OneCycle => self.one_cycle(epoch * self.steps_per_epoch),
            Scheduler::Cyclic => self.triangles(epoch * self.steps_per_epoch),
        }
    }

    fn cosine(&self, epoch: f64) -> f64 {
        if epoch >= self.cycles * self.decay_epochs {
            return self.floor;
        }
        let cycle = (epoch / self.decay_epochs).floor();
        let peak = self.peak * self.cycle_decay.powf(cycle);
        let share = epoch / self.decay_epochs - cycle;
        half_cosine(peak, self.floor, share)
    }

    /// PyTorch's OneCycleLR with its defaults, except for the rate at the end.
    fn one_cycle(&self, step: f64) -> f64 {
        const SHARE_UP: f64 = 0.3;
        const START: f64 = 1.0 / 25.0;
        let steps = self.main_epochs * self.steps_per_epoch;
        let (top, last) = (SHARE_UP * steps - 1.0, steps - 1.0);
        if step <= top {
            half_cosine(self.peak * START, self.peak, step / top)
        } else {
            half_cosine(
                self.peak,
                self.floor,
                ((step - top) / (last - top)).min(1.0),
            )
        }
    }

    fn triangles(&self, step: f64) -> f64 {
        let up = (self.main_epochs * self.steps_per_epoch / self.cycles / 2.0).floor();
        let up = up.max(1.0); // even if there are fewer steps than half cycles
        let place = step / (2.0 * up);
        let share = place - place.floor();
        let height = 1.0 - (2.0 * share - 1.0).abs();
        self.floor + (self.peak - self.floor) * height
    }
}

/// From `from` to `to` along half a cosine; `share` in 0..=1.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + 0.5 * (from - to) * (1.0 + (PI * share).cos())
}

/// The linear scaling rule (Goyal et al. 2017), if the recipe asks for it.
fn linear_scale(recipe: &Recipe) -> f64 {
    recipe.lr_for_batch.map_or(1.0, |meant_for| {
        f64::from(recipe.batch_size.get()) / f64::from(meant_for.get())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::num::{NonZeroU32, NonZeroU64};

    const STEPS: u64 = 5004; // ImageNet on eight cards of 32

    fn mindcv() -> Recipe {
        Recipe {
            scheduler: Scheduler::WarmupCosineDecay,
            lr: 0.045,
            min_lr: 0.0,
            warmup_epochs: 5,
            decay_epochs: 195,
            ..Recipe::default()
        }
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-15 + 1e-12 * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn warm_up_rises_from_nothing_in_equal_steps() {
        let schedule = Schedule::new(&mindcv(), STEPS);
        assert_eq!(schedule.at(0), 0.0);
        for step in [1, 77, 5004, 25_019] {
            close(schedule.at(step), 0.045 * step as f64 / 25_020.0);
        }
    }

    #[test]
    fn cosine_begins_at_the_peak_and_ends_at_the_floor() {
        let schedule = Schedule::new(&mindcv(), STEPS);
        let warm = 5 * STEPS;
        close(schedule.at(warm), 0.045);
        close(schedule.at(warm + 195 * STEPS / 2), 0.0225);
        // A third of the way: 0.5 (1 + cos 60 degrees) = 3/4.
        close(schedule.at(warm + 65 * STEPS), 0.045 * 0.75);
        close(schedule.at(warm + 130 * STEPS), 0.045 * 0.25);
        assert_eq!(schedule.at(warm + 195 * STEPS), 0.0);
        assert_eq!(schedule.at(warm + 500 * STEPS), 0.0);
    }

    #[test]
    fn the_floor_and_the_warm_up_factor_count() {
        let recipe = Recipe {
            min_lr: 0.005,
            warmup_factor: 0.1,
            ..mindcv()
        };
        let schedule = Schedule::new(&recipe, 10);
        close(schedule.at(0), 0.0045);
        close(schedule.at(25), 0.0045 + 0.5 * 0.0405);
        close(schedule.at(50 + 975), 0.005 + 0.5 * 0.04);
        close(schedule.at(50 + 1950), 0.005);
    }

    #[test]
    fn constant_stays_after_the_warm_up() {
        let recipe = Recipe {
            scheduler: Scheduler::Constant,
            warmup_epochs: 1,
            ..mindcv()
        };
        let schedule = Schedule::new(&recipe, 4);
        let rates: Vec<f64> = (0..6).map(|step| schedule.at(step)).collect();
        assert_eq!(rates, [0.0, 0.01125, 0.0225, 0.03375, 0.045, 0.045]);
    }

    #[test]
    fn without_warm_up_the_first_step_has_the_peak() {
        let recipe = Recipe {
            warmup_epochs: 0,
            ..mindcv()
        };
        assert_eq!(Schedule::new(&recipe, STEPS).at(0), 0.045);
    }

    #[test]
    fn every_curve_is_mindcvs() {
        let fixture = crate::testing::formulas();
        let schedules = fixture["schedules"].as_array().unwrap();
        assert_eq!(schedules.len(), 12);
        for schedule in schedules {
            let recipe: Recipe = serde_json::from_value(schedule["recipe"].clone()).unwrap();
            let recipe = Recipe {
                epoch_size: 10.try_into().unwrap(),
                ..recipe
            };
            let found = Schedule::new(&recipe, 3);
            for (step, rate) in crate::testing::numbers(&schedule["rates"])
                .into_iter()
                .enumerate()
            {
                let found = found.at(step as u64);
                assert!(
                    (found - rate).abs() < 1e-12,
                    "{}: step {step}: {found} is not {rate}",
                    schedule["recipe"]
                );
            }
        }
    }

    #[test]
    fn the_papers_rate_falls_every_second_epoch() {
        let recipe = Recipe {
            scheduler: Scheduler::StepDecay,
            decay_rate: 0.94,
            decay_epochs: 2,
            warmup_epochs: 0,
            ..mindcv()
        };
        let schedule = Schedule::new(&recipe, STEPS);
        assert_eq!(schedule.at(2 * STEPS - 1), 0.045);
        close(schedule.at(2 * STEPS), 0.045 * 0.94);
        close(schedule.at(160 * STEPS), 0.045 * 0.94f64.powi(80));
    }

    #[test]
    fn the_rate_scales_with_the_batch_only_when_asked() {
        let batch_32 = Recipe {
            batch_size: NonZeroU32::new(32).unwrap(),
            ..mindcv()
        };
        assert_eq!(Schedule::new(&batch_32, STEPS).peak(), 0.045);
        let scaled = Recipe {
            lr_for_batch: NonZeroU32::new(256),
            min_lr: 0.008,
            ..batch_32
        };
        let schedule = Schedule::new(&scaled, STEPS);
        close(schedule.peak(), 0.005_625);
        close(schedule.at(500 * STEPS), 0.001);
    }

    /// However few steps there are, and whatever the other numbers.
    #[test]
    fn every_rate_is_a_number_from_nothing_to_the_peak() {
        use Scheduler::*;
        let curves = [
            Constant,
            CosineDecay,
            StepDecay,
            MultiStepDecay,
            ExponentialDecay,
            PolynomialDecay,
            OneCycle,
            Cyclic,
        ];
        for (curve, epochs, steps) in curves
            .iter()
            .flat_map(|curve| (1..4).flat_map(move |e| (1..12).map(move |s| (*curve, e, s))))
        {
            for (warmup_epochs, decay_epochs, cycles) in [(0, 1, 1), (0, 7, 9), (5, 1, 2)] {
                let recipe = Recipe {
                    scheduler: curve,
                    epoch_size: NonZeroU64::new(epochs).unwrap(),
                    warmup_epochs,
                    decay_epochs,
                    num_cycles: NonZeroU64::new(cycles).unwrap(),
                    multi_step_decay_milestones: vec![1, 2],
                    ..mindcv()
                };
                let schedule = Schedule::new(&recipe, steps);
                for step in 0..epochs * steps {
                    let rate = schedule.at(step);
                    assert!(
                        (0.0..=schedule.peak()).contains(&rate),
                        "{curve:?}, step {step} of {epochs} x {steps}: {rate}"
                    );
                }
            }
        }
    }
}
