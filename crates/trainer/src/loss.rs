//! The losses, with label smoothing and mixed labels, and top-k counts. They work on logits and keep
//! nothing.

use augment::MixTarget;
use burn::tensor::{
    Device, Int, Tensor,
    activation::{log_sigmoid, log_softmax},
};
use inception::upload;

use crate::recipe::{LossName, Recipe};

/// What a batch's images should be taken for.
#[derive(Clone, Debug)]
pub struct Targets {
    /// `[batch]`.
    labels: Tensor<1, Int>,
    /// The labels that images were mixed with, and the share of their own, both `[batch]`.
    mixed: Option<(Tensor<1, Int>, Tensor<1>)>,
}

impl Targets {
    /// A class for each image.
    #[must_use]
    pub fn labels(labels: &[u32], device: &Device) -> Self {
        Targets {
            labels: upload::indices(labels.iter().copied(), device),
            mixed: None,
        }
    }

    /// Two classes and the share of the first for each image.
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
        }
    }

    /// For each row of `values` `[batch, classes]` its sum weighted by the target, averaged over rows.
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
    /// The recipe's.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        Criterion {
            name: recipe.loss,
            smoothing: recipe.label_smoothing,
        }
    }

    /// The loss of logits `[batch, classes]`: cross entropy, averaged over the batch, or binary cross
    /// entropy, averaged over classes too (MindCV's `BinaryCrossEntropySmooth`).
    ///
    /// Logarithms are taken of softmax and sigmoid as a whole, so large logits neither overflow nor
    /// vanish.
    #[must_use]
    pub fn of(self, logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
        match self.name {
            LossName::CrossEntropy => targets.weigh(log_softmax(logits, 1), self.smoothing).neg(),
            LossName::BinaryCrossEntropy => {
                // -t log s(x) - (1 - t) log(1 - s(x)) is -log s(-x) - t x.
                let classes = logits.dims()[1] as f64;
                let of_none = log_sigmoid(logits.clone().neg()).mean().neg();
                of_none - targets.weigh(logits, self.smoothing) / classes
            }
        }
    }
}

/// Logits as plain numbers, row-major.
#[must_use]
pub fn host_values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

/// How many rows have their label among the `k` highest logits. Equal logits rank by class index,
/// and a row whose label's logit is not a number counts as wrong, so a broken network scores 0.
///
/// `logits` is row-major, `labels.len()` rows.
#[must_use]
pub fn top_k(logits: &[f32], labels: &[u32], k: usize) -> u64 {
    let classes = logits.len() / labels.len().max(1);
    let hit = |(row, label): (&[f32], &u32)| {
        let label = *label as usize;
        let Some(own) = row.get(label).filter(|own| !own.is_nan()) else {
            return false;
        };
        let ahead = row
            .iter()
            .enumerate()
            .filter(|(class, other)| *other > own || (*other == own && *class < label))
            .count();
        ahead < k
    };
    if classes == 0 {
        return 0;
    }
    logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|pair| hit(*pair))
        .count() as u64
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
    fn huge_logits_stay_finite() {
        close(loss(&[[1e4, 0.0, -1e4]], &[0], 0.0), 0.0);
        close(loss(&[[1e4, 0.0, -1e4]], &[2], 0.0), 2e4);
    }

    #[test]
    fn top_k_counts_labels_among_the_highest() {
        let logits = [0.1, 0.9, 0.5, /**/ 0.7, 0.2, 0.3];
        assert_eq!(top_k(&logits, &[1, 1], 1), 1);
        assert_eq!(top_k(&logits, &[2, 2], 1), 0);
        assert_eq!(top_k(&logits, &[2, 2], 2), 2);
        assert_eq!(top_k(&logits, &[0, 1], 2), 0);
        // With fewer classes than k every label is among them.
        assert_eq!(top_k(&logits, &[0, 1], 5), 2);
    }

    #[test]
    fn a_network_that_says_the_same_of_all_gains_nothing_from_ties() {
        let logits = [0.5; 9];
        assert_eq!(top_k(&logits, &[0, 1, 2], 1), 1);
    }

    #[test]
    fn not_a_number_is_never_right() {
        assert_eq!(top_k(&[f32::NAN; 3], &[0], 5), 0);
    }
}
