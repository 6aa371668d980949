//! The losses, with label smoothing, mixed labels and several views of an image. They work on logits and keep no state.

use augment::MixTarget;
use burn::tensor::activation::{log_sigmoid, log_softmax, softmax};
use burn::tensor::{Device, Int, Tensor};
use inception::upload;

use crate::recipe::{LossName, Recipe};

/// The targets of a batch's images.
#[derive(Clone, Debug)]
pub struct Targets {
    /// `[batch]`.
    labels: Tensor<1, Int>,
    /// The labels of the images that were mixed in, and the share of the images' own labels, both `[batch]`.
    mixed: Option<(Tensor<1, Int>, Tensor<1>)>,
    /// How many rows of logits each image has, one after another.
    views: usize,
}

impl Targets {
    /// One class for each image.
    #[must_use]
    pub fn labels(labels: &[u32], device: &Device) -> Self {
        Targets {
            labels: upload::indices(labels.iter().copied(), device),
            mixed: None,
            views: 1,
        }
    }

    /// The same targets for images that have `views` views each, one after another.
    #[must_use]
    pub fn in_views(self, views: usize) -> Self {
        Targets { views, ..self }
    }

    /// How many rows of logits each image has, one after another.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views
    }

    /// Two classes for each image, and the share of the first.
    #[must_use]
    pub fn mixed(targets: impl Iterator<Item = MixTarget>, device: &Device) -> Self {
        let targets: Vec<MixTarget> = targets.collect();
        let shares: Vec<f32> = targets.iter().map(|target| target.lambda).collect();
        let shares = upload::floats(&shares, [targets.len()], device);
        Targets {
            labels: upload::indices(targets.iter().map(|target| target.own), device),
            mixed: Some((
                upload::indices(targets.iter().map(|target| target.partner), device),
                shares,
            )),
            views: 1,
        }
    }

    /// The targets if every view counts as a separate image.
    fn each_view(&self) -> Self {
        if self.views == 1 {
            return self.clone();
        }
        let labels = self.labels.clone().unsqueeze_dim::<2>(1);
        Targets {
            labels: labels.repeat_dim(1, self.views).flatten(0, 1),
            mixed: None, // views are never mixed
            views: 1,
        }
    }

    /// The sum of each row of `values` `[batch, classes]`, weighted by the target; averaged over rows.
    ///
    /// With smoothing e over K classes the target is (1 - e) on the label (or shared between two) plus
    /// e/K on every class, as in Szegedy et al. 2016, PyTorch, timm and MindSpore.
    fn weigh(&self, values: Tensor<2>, smoothing: f64) -> Tensor<1> {
        let [batch, classes] = values.dims();
        let at = |labels: &Tensor<1, Int>| {
            let labels = labels.clone().reshape([batch, 1]);
            values.clone().gather(1, labels).reshape([batch])
        };
        let of_label = match &self.mixed {
            None => at(&self.labels),
            Some((partners, shares)) => {
                let partner = at(partners);
                partner.clone() + (at(&self.labels) - partner) * shares.clone()
            }
        };
        let of_label = of_label.mean();
        if smoothing == 0.0 {
            return of_label;
        }
        let of_all = values.sum() / (batch * classes) as f64;
        of_label * (1.0 - smoothing) + of_all * smoothing
    }
}

/// A loss and its label smoothing.
#[derive(Clone, Copy, Debug)]
pub struct Criterion {
    name: LossName,
    smoothing: f64,
}

impl Criterion {
    /// The loss of `recipe`.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        Criterion {
            name: recipe.loss,
            smoothing: recipe.label_smoothing,
        }
    }

    /// The loss of logits `[batch x views, classes]`: cross entropy, averaged over the batch; or binary cross
    /// entropy, averaged over classes, too (MindCV's `BinaryCrossEntropySmooth`); or `jensen_shannon`, if images
    /// have several views. The other losses treat every view as an image.
    ///
    /// The logarithms of softmax and sigmoid are computed in one step, so large logits neither overflow nor vanish.
    #[must_use]
    pub fn of(self, logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
        match self.name {
            LossName::JensenShannon if targets.views > 1 => {
                jensen_shannon(logits, targets, self.smoothing)
            }
            LossName::CrossEntropy | LossName::JensenShannon => {
                let targets = targets.each_view();
                targets.weigh(log_softmax(logits, 1), self.smoothing).neg()
            }
            LossName::BinaryCrossEntropy => {
                let targets = targets.each_view();
                // -t log s(x) - (1 - t) log(1 - s(x)) is -log s(-x) - t x.
                let classes = logits.dims()[1] as f64;
                let of_none = log_sigmoid(logits.clone().neg()).mean().neg();
                of_none - targets.weigh(logits, self.smoothing) / classes
            }
        }
    }
}

/// The loss of AugMix (Hendrycks et al. 2020) as in timm and MindCV: the cross entropy of each image's first view, plus
/// 12 times the mean divergence of the views' distributions from their mean, which is clipped to at least 1e-7. `logits` is `[batch x views, classes]`.
fn jensen_shannon(logits: Tensor<2>, targets: &Targets, smoothing: f64) -> Tensor<1> {
    const ALPHA: f64 = 12.0;
    let [rows, classes] = logits.dims();
    let (views, images) = (targets.views, rows / targets.views);
    let split = logits.reshape([images, views, classes]);
    let log_shares = log_softmax(split.clone(), 2);
    let clean = log_shares
        .clone()
        .narrow(1, 0, 1)
        .reshape([images, classes]);
    let of_labels = Targets {
        views: 1,
        ..targets.clone()
    };
    let cross_entropy = of_labels.weigh(clean, smoothing).neg();
    let shares = softmax(split, 2);
    let mixture = shares.clone().mean_dim(1).clamp(1e-7, 1.0).log();
    let divergence = (shares * (log_shares - mixture)).sum() / (images * views) as f64;
    cross_entropy + divergence * ALPHA
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::TensorData;

    use super::*;
    use crate::device;
    use crate::testing::{formulas, numbers};

    fn cpu() -> Device {
        device::cpu_for_tests()
    }

    fn loss(logits: &[[f32; 3]], labels: &[u32], smoothing: f64) -> f32 {
        let flat: Vec<f32> = logits.iter().flatten().copied().collect();
        let device = cpu();
        let logits = Tensor::<2>::from_data(TensorData::new(flat, [logits.len(), 3]), &device);
        let criterion = Criterion {
            name: LossName::CrossEntropy,
            smoothing,
        };
        criterion
            .of(logits, &Targets::labels(labels, &device))
            .into_scalar()
    }

    fn close(a: f32, b: f64) {
        assert!((f64::from(a) - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_class_count() {
        close(loss(&[[2.0; 3]], &[1], 0.0), 3f64.ln());
        close(loss(&[[2.0; 3]], &[1], 0.1), 3f64.ln());
    }

    #[test]
    fn smoothing_matches_the_sum_written_out() {
        // p = (1/6, 2/6, 3/6)
        let logits = [1f32.ln(), 2f32.ln(), 3f32.ln()];
        close(loss(&[logits], &[2], 0.0), 2f64.ln());
        let written_out = -(0.1 / 3.0) * (1f64 / 6.0).ln()
            - (0.1 / 3.0) * (2f64 / 6.0).ln()
            - (0.9 + 0.1 / 3.0) * (3f64 / 6.0).ln();
        close(loss(&[logits], &[2], 0.1), written_out);
    }

    #[test]
    fn a_batch_costs_the_mean_of_its_rows() {
        let (a, b) = ([0.3, -1.0, 2.0], [5.0, 0.0, 0.0]);
        let mean = f64::midpoint(
            f64::from(loss(&[a], &[0], 0.1)),
            f64::from(loss(&[b], &[2], 0.1)),
        );
        close(loss(&[a, b], &[0, 2], 0.1), mean);
    }

    #[test]
    fn losses_and_gradients_are_pytorchs() {
        let fixture = formulas();
        let device = cpu().autodiff();
        let rows = fixture["logits"].as_array().unwrap();
        let flat: Vec<f32> = rows.iter().flat_map(numbers).map(|x| x as f32).collect();
        let list = |key: &str| numbers(&fixture[key]);
        let labels: Vec<u32> = list("labels").iter().map(|label| *label as u32).collect();
        let mixed = labels.iter().zip(list("others")).zip(list("shares"));
        let mixed = mixed.map(|((own, partner), share)| MixTarget {
            own: *own,
            partner: partner as u32,
            lambda: share as f32,
        });
        let mixed = Targets::mixed(mixed, &device);
        let plain = Targets::labels(&labels, &device);
        let cases = fixture["losses"].as_array().unwrap();
        assert_eq!(cases.len(), 8);
        for case in cases {
            let criterion = Criterion {
                name: serde_json::from_value(case["loss"].clone()).unwrap(),
                smoothing: case["smoothing"].as_f64().unwrap(),
            };
            let data = TensorData::new(flat.clone(), [labels.len(), 4]);
            let logits = Tensor::<2>::from_data(data, &device).require_grad();
            let targets = if case["mixed"].as_bool().unwrap() {
                &mixed
            } else {
                &plain
            };
            let loss = criterion.of(logits.clone(), targets);
            close(loss.clone().into_scalar(), case["value"].as_f64().unwrap());
            let gradient = logits.grad(&loss.backward()).unwrap().into_data();
            let expected = case["gradient"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(numbers);
            for (found, expected) in gradient.iter::<f32>().zip(expected) {
                close(found, expected);
            }
        }
    }

    #[test]
    fn the_loss_of_views_and_its_gradient_are_timms() {
        let fixture = &formulas()["jsd"];
        let device = cpu().autodiff();
        let rows = fixture["logits"].as_array().unwrap();
        let flat: Vec<f32> = rows.iter().flat_map(numbers).map(|x| x as f32).collect();
        let labels = numbers(&fixture["labels"]);
        let labels: Vec<u32> = labels.iter().map(|label| *label as u32).collect();
        let cases = fixture["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 2);
        for case in cases {
            let criterion = Criterion {
                name: LossName::JensenShannon,
                smoothing: case["smoothing"].as_f64().unwrap(),
            };
            let data = TensorData::new(flat.clone(), [rows.len(), 4]);
            let logits = Tensor::<2>::from_data(data, &device).require_grad();
            let targets = Targets::labels(&labels, &device).in_views(3);
            let loss = criterion.of(logits.clone(), &targets);
            let (found, expected) = (
                loss.clone().into_scalar::<f32>(),
                case["value"].as_f64().unwrap(),
            );
            assert!(
                (f64::from(found) - expected).abs() < 2e-6 * expected,
                "{found} is not {expected}"
            );
            let gradient = logits.grad(&loss.backward()).unwrap().into_data();
            let expected = case["gradient"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(numbers);
            for (found, expected) in gradient.iter::<f32>().zip(expected) {
                assert!(
                    (f64::from(found) - expected).abs() < 3e-6,
                    "{found} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn other_losses_treat_each_view_as_an_image() {
        let device = cpu();
        let values = [0.3, -1.0, 2.0, 5.0, 0.0, 0.5, 0.1, 0.2, 0.3, 1.0, 0.0, 0.0];
        let logits = Tensor::<2>::from_data(TensorData::new(values.to_vec(), [4, 3]), &device);
        for name in [LossName::CrossEntropy, LossName::BinaryCrossEntropy] {
            let criterion = Criterion {
                name,
                smoothing: 0.1,
            };
            let views = Targets::labels(&[2, 0], &device).in_views(2);
            let images = Targets::labels(&[2, 2, 0, 0], &device);
            let of = |targets: &Targets| criterion.of(logits.clone(), targets).into_scalar::<f32>();
            assert_eq!(of(&views), of(&images), "{name:?}");
        }
        // In validation, which has one view, it is cross entropy.
        let of = |name| {
            let criterion = Criterion {
                name,
                smoothing: 0.1,
            };
            let targets = Targets::labels(&[2, 2, 0, 0], &device);
            criterion.of(logits.clone(), &targets).into_scalar::<f32>()
        };
        assert_eq!(of(LossName::JensenShannon), of(LossName::CrossEntropy));
    }

    #[test]
    fn huge_logits_stay_finite() {
        close(loss(&[[1e4, 0.0, -1e4]], &[0], 0.0), 0.0);
        close(loss(&[[1e4, 0.0, -1e4]], &[2], 0.0), 2e4);
    }
}
