//! Steps of a small network: accumulated, averaged, scaled, and with batches whose loss is NaN.

use std::num::NonZeroU64;

use burn::module::Param;
use burn::tensor::Tensor;
use inception::{NamedVisitor, NetworkConfig, Role};

use super::*;
use crate::device;
use crate::recipe::LossScaleType;

fn recipe() -> Recipe {
    Recipe {
        weight_decay: 0.0,
        ..Recipe::default()
    }
}

fn learner(recipe: &Recipe) -> Learner {
    let config = NetworkConfig {
        num_classes: 3,
        drop_rate: 0.0,
        width: 0.1,
        blocks: [1, 1, 1],
        bn_momentum: 0.1,
        ..Default::default()
    };
    let model = config.init(1, &device::cpu_for_tests().autodiff()).unwrap();
    Learner::new(model, recipe)
}

/// Images of a ramp, brighter by their number, times `factor`.
fn images(count: usize, factor: f32) -> Tensor<4> {
    let values = (0..count * 3 * 75 * 75)
        .map(|index| factor * ((index * 37 % 101) as f32 / 50.0 - 1.0))
        .collect::<Vec<f32>>();
    let device = device::cpu_for_tests().autodiff();
    Tensor::from_data(TensorData::new(values, [count, 3, 75, 75]), &device)
}

fn targets(count: usize) -> Targets {
    let labels: Vec<u32> = (0..count as u32).map(|label| label % 3).collect();
    Targets::labels(&labels, &device::cpu_for_tests().autodiff())
}

#[derive(Default)]
struct Values(BTreeMap<String, Vec<f32>>);

impl NamedVisitor for Values {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, param: &Param<Tensor<D>>) {
        let values = param.val().into_data().iter::<f32>().collect();
        self.0.insert(name.to_owned(), values);
    }
}

fn values(model: &Network) -> BTreeMap<String, Vec<f32>> {
    let mut values = Values::default();
    model.visit_named(&mut values);
    values.0
}

const BIAS: &str = "last_linear.bias";
const MEAN: &str = "features.0.bn.running_mean";

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let difference = (found - expected).abs();
        let allowed = tolerance * expected.abs().max(1.0);
        assert!(difference <= allowed, "{found} is not {expected}");
    }
}

#[test]
fn equal_batches_accumulated_update_as_one_of_them() {
    // Batches of equal images have equal statistics, so BatchNorm cannot tell them apart.
    let (one, _) = learner(&recipe()).step(images(2, 1.0), &targets(2), 0.1);
    let accumulating = Recipe {
        gradient_accumulation_steps: NonZeroU64::new(3).unwrap(),
        ..recipe()
    };
    let mut many = learner(&accumulating);
    let before = values(many.model());
    for step in 0..3 {
        let result;
        // The rate of the first batch counts.
        (many, result) = many.step(
            images(2, 1.0),
            &targets(2),
            if step == 0 { 0.1 } else { 9.0 },
        );
        let expected = if step == 2 {
            Verdict::Updated
        } else {
            Verdict::Accumulated
        };
        assert_eq!(result.verdict, expected);
        assert_eq!(values(many.model())[BIAS] == before[BIAS], step < 2);
    }
    let (one, many) = (values(one.model()), values(many.model()));
    for (name, one) in one.iter().filter(|(name, _)| !name.contains("running_")) {
        assert_close(&many[name], one, 1e-6);
    }
}

#[test]
fn batches_count_by_their_images() {
    let accumulating = Recipe {
        gradient_accumulation_steps: NonZeroU64::new(2).unwrap(),
        momentum: 0.0,
        ..recipe()
    };
    let start = values(learner(&accumulating).model());
    let moved = |learner: &Learner| -> Vec<f32> {
        let now = values(learner.model());
        now[BIAS]
            .iter()
            .zip(&start[BIAS])
            .map(|(now, before)| now - before)
            .collect()
    };
    let alone = |count| {
        let plain = Recipe {
            momentum: 0.0,
            ..recipe()
        };
        moved(
            &learner(&plain)
                .step(images(count, 1.0), &targets(count), 0.1)
                .0,
        )
    };
    let (both, _) = learner(&accumulating).step(images(3, 1.0), &targets(3), 0.1);
    let (both, _) = both.step(images(1, 1.0), &targets(1), 0.1);
    let expected: Vec<f32> = alone(3)
        .iter()
        .zip(alone(1))
        .map(|(a, b)| 0.75 * a + 0.25 * b)
        .collect();
    assert_close(&moved(&both), &expected, 1e-6);
}

#[test]
fn the_average_follows_with_statistics_of_its_own() {
    let averaging = Recipe {
        ema: true,
        ema_decay: 0.9,
        ..recipe()
    };
    let mut learner = learner(&averaging);
    let mut expected = values(learner.model());
    assert_eq!(values(learner.average().unwrap()), expected);
    for t in 1..=3 {
        (learner, _) = learner.step(images(2, 1.0), &targets(2), 0.1);
        let kept = (0.9 * (1.0 - (-f64::from(t) / 2000.0).exp())) as f32;
        let live = values(learner.model());
        for name in [BIAS, MEAN] {
            let average = expected.get_mut(name).unwrap();
            for (average, live) in average.iter_mut().zip(&live[name]) {
                *average = kept * *average + (1.0 - kept) * live;
            }
        }
    }
    let (average, live) = (values(learner.average().unwrap()), values(learner.model()));
    for name in [BIAS, MEAN] {
        assert_close(&average[name], &expected[name], 1e-6);
        assert_ne!(average[name], live[name]);
    }
}

#[test]
fn a_batch_with_a_nan_loss_changes_nothing() {
    let (learner, _) = learner(&recipe()).step(images(2, 1.0), &targets(2), 0.1);
    let before = values(learner.model());
    let (learner, result) = learner.step(images(2, f32::NAN), &targets(2), 0.1);
    assert_eq!(result.verdict, Verdict::NotFinite);
    assert!(result.loss.is_nan());
    assert!(values(learner.model()) == before);
    assert_eq!(learner.state().updates, 1);
    let (learner, result) = learner.step(images(2, 1.0), &targets(2), 0.1);
    assert_eq!(result.verdict, Verdict::Updated);
    assert_ne!(values(learner.model())[MEAN], before[MEAN]);
}

#[test]
fn a_scale_that_overflows_is_lowered_and_a_power_of_two_changes_no_bit() {
    let dynamic = Recipe {
        loss_scale: 2f64.powi(126),
        loss_scale_type: LossScaleType::Dynamic,
        ..recipe()
    };
    let mut scaled = learner(&dynamic);
    let before = values(scaled.model());
    let mut overflows = 0;
    loop {
        let result;
        (scaled, result) = scaled.step(images(2, 1.0), &targets(2), 0.1);
        if result.verdict == Verdict::Updated {
            break;
        }
        assert_eq!(result.verdict, Verdict::Overflowed);
        assert!(values(scaled.model()) == before);
        overflows += 1;
        assert!(overflows < 126);
    }
    assert!(overflows > 0);
    assert_eq!(scaled.state().scale.value(), 2f64.powi(126 - overflows));
    let (plain, _) = learner(&recipe()).step(images(2, 1.0), &targets(2), 0.1);
    assert!(values(scaled.model()) == values(plain.model()));
}

#[test]
fn clipping_bounds_the_update() {
    let clipping = Recipe {
        clip_grad: true,
        clip_value: 1e-3,
        momentum: 0.0,
        ..recipe()
    };
    let start = learner(&clipping);
    let before = values(start.model());
    let (after, result) = start.step(images(2, 1.0), &targets(2), 1.0);
    assert!(result.gradient_norm.unwrap() > 1e-3);
    let after = values(after.model());
    let moved: f64 = before
        .iter()
        .filter(|(name, _)| !name.contains("running_"))
        .flat_map(|(name, before)| before.iter().zip(&after[name]))
        .map(|(before, after)| f64::from(before - after).powi(2))
        .sum();
    assert!((moved.sqrt() - 1e-3).abs() < 2e-5, "{}", moved.sqrt());
}

#[test]
fn what_is_saved_is_all_there_is() {
    let all = Recipe {
        ema: true,
        gradient_accumulation_steps: NonZeroU64::new(2).unwrap(),
        opt: crate::recipe::OptimizerName::Rmsprop,
        ..recipe()
    };
    let mut whole = learner(&all);
    for _ in 0..3 {
        (whole, _) = whole.step(images(2, 1.0), &targets(2), 0.01);
    }
    let (state, tensors) = (whole.state(), whole.tensors());
    assert!(tensors.contains_key("gradient/last_linear.bias"));
    let mut resumed = learner(&all);
    resumed.model = whole.model().clone();
    let average = whole.average().cloned();
    let plain = device::cpu_for_tests();
    resumed
        .restore(&state, tensors.clone(), average, &plain)
        .unwrap();
    assert_eq!(resumed.state(), state);
    assert!(resumed.tensors() == tensors);
    let mut missing = resumed.tensors();
    missing.remove("velocity/last_linear.bias");
    assert!(resumed.restore(&state, missing, None, &plain).is_err());
}
