//! Cross entropy with label smoothing, and top-k counts. Works on logits; keeps nothing.

use burn::tensor::{Int, Tensor, activation::log_softmax};

/// Mean cross entropy of `logits` `[batch, classes]` against `labels` `[batch]`.
///
/// With smoothing e over K classes the target is (1 - e) on the label plus e/K on every class, as in
/// Szegedy et al. 2016, PyTorch and MindSpore; so the loss of one row is
/// `-(1 - e) log p[label] - e/K sum(log p)`. The logarithm is taken of the softmax as a whole, so
/// large logits neither overflow nor vanish.
#[must_use]
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>, smoothing: f64) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let log_p = log_softmax(logits, 1);
    let of_label = log_p.clone().gather(1, labels.reshape([batch, 1])).mean();
    if smoothing == 0.0 {
        return of_label.neg();
    }
    let of_all = log_p.sum() / (batch * classes) as f64;
    (of_label * (1.0 - smoothing) + of_all * smoothing).neg()
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
    use super::*;
    use crate::device;
    use burn::tensor::{Device, TensorData};

    fn cpu() -> Device {
        device::cpu_for_tests()
    }

    fn loss(logits: &[[f32; 3]], labels: &[i32], smoothing: f64) -> f32 {
        let flat: Vec<f32> = logits.iter().flatten().copied().collect();
        let device = cpu();
        let logits = Tensor::<2>::from_data(TensorData::new(flat, [logits.len(), 3]), &device);
        let labels =
            Tensor::<1, Int>::from_data(TensorData::new(labels.to_vec(), [labels.len()]), &device);
        cross_entropy(logits, labels, smoothing).into_scalar()
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
