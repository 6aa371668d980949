//! How often a network's guesses are right: top-k counts of a batch, and the figures of a whole split. It has only
//! plain numbers: `evaluate` computes them.

use burn::tensor::Tensor;
use serde::{Deserialize, Deserializer, Serialize};

/// The figures of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images counted.
    pub images: u64,
    /// Records that failed and were skipped. Only `on_error: skip` allows this.
    pub skipped: u64,
    /// Share of the images, 0 to 1, whose label is the first guess.
    pub top1: f64,
    /// Share of the images, 0 to 1, whose label is among the first five guesses; 1 if there are no
    /// more than five classes.
    pub top5: f64,
    /// Mean loss, with the recipe's label smoothing; NaN (null in JSON) if it overflows.
    #[serde(deserialize_with = "null_is_not_a_number")]
    pub loss: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

fn null_is_not_a_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Evaluation {
    /// Images per second; 0 if no time has passed.
    #[must_use]
    pub fn images_per_second(&self) -> f64 {
        match self.seconds > 0.0 {
            true => self.images as f64 / self.seconds,
            false => 0.0,
        }
    }
}

/// The logits of each image's first view. Each image has `views` rows.
#[must_use]
pub fn first_views(logits: Vec<f32>, classes: usize, views: usize) -> Vec<f32> {
    if views <= 1 {
        return logits;
    }
    let rows = logits.chunks_exact(classes.max(1)).step_by(views);
    rows.flatten().copied().collect()
}

/// Logits as plain numbers, row-major.
#[must_use]
pub fn host_values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

/// How many rows have their label among the `k` highest logits. Equal logits rank by class index. A row whose label
/// has a NaN logit counts as wrong, so a broken network scores 0.
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
    use super::*;

    #[test]
    fn top_k_counts_labels_among_the_highest() {
        let logits = [0.1, 0.9, 0.5, /**/ 0.7, 0.2, 0.3];
        assert_eq!(top_k(&logits, &[1, 1], 1), 1);
        assert_eq!(top_k(&logits, &[2, 2], 1), 0);
        assert_eq!(top_k(&logits, &[2, 2], 2), 2);
        assert_eq!(top_k(&logits, &[0, 1], 2), 0);
        // With fewer classes than k, every label is among them.
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

    #[test]
    fn only_the_first_view_of_an_image_is_scored() {
        let values = [0.3, -1.0, 2.0, 5.0, 0.0, 0.5, 0.1, 0.2, 0.3, 1.0, 0.0, 0.0];
        assert_eq!(
            first_views(values.to_vec(), 3, 2),
            [0.3, -1.0, 2.0, 0.1, 0.2, 0.3]
        );
        assert_eq!(first_views(values.to_vec(), 3, 1), values);
    }

    #[test]
    fn a_loss_that_overflowed_can_be_stored() {
        let found = Evaluation {
            images: 1,
            skipped: 0,
            top1: 0.0,
            top5: 0.0,
            loss: f64::INFINITY,
            seconds: 1.0,
        };
        let json = serde_json::to_string(&found).unwrap();
        let read: Evaluation = serde_json::from_str(&json).unwrap();
        assert!(read.loss.is_nan() && read.images == 1, "{json}");
        assert_eq!(read.images_per_second(), 1.0);
        let at_once = Evaluation {
            seconds: 0.0,
            ..read
        };
        assert_eq!(at_once.images_per_second(), 0.0);
    }
}
