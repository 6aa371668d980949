//! What the status bar says during a training and a validation.

use cli::status_bar::StatusBar;
use trainer::human_time;
use trainer::log::live_progress::{TrainingStatus, ValidationStatus, Watcher};

/// A status bar that a run reports to. Clones are the same bar.
#[derive(Clone, Debug)]
pub struct Bar(pub StatusBar);

impl Watcher for Bar {
    fn step(&mut self, status: &TrainingStatus) {
        self.0.show(
            format!("epoch {}/{}", status.epoch, status.epochs),
            (status.batch, status.batches),
            training(status),
        );
    }

    fn validating(&mut self, status: &ValidationStatus) {
        self.0.show(
            "validation".to_owned(),
            (status.done, status.images),
            validating(status),
        );
    }
}

fn training(status: &TrainingStatus) -> String {
    format!(
        "ETA {}\nloss {:.4}  top-1 {:.1} %  lr {:.6}  {:.1} img/s  data wait {:.1} %",
        human_time(status.left.as_secs_f64()),
        status.loss,
        100.0 * status.top1,
        status.lr,
        status.images_per_second,
        100.0 * status.data_wait,
    )
}

fn validating(status: &ValidationStatus) -> String {
    format!(
        "ETA {}\ntop-1 {:.2} %  {:.1} img/s",
        human_time(status.left.as_secs_f64()),
        100.0 * status.top1,
        status.images_per_second,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_lines_fit_into_eighty_columns() {
        let status = TrainingStatus {
            epoch: 199,
            epochs: 200,
            batch: 40_035,
            batches: 40_036,
            loss: 16.9078,
            top1: 1.0,
            lr: 0.045,
            images_per_second: 3161.66,
            data_wait: 1.0,
            left: Duration::from_secs(30 * 3600),
        };
        let words = training(&status);
        let (left, how_well) = words.split_once('\n').unwrap_or_default();
        assert_eq!(
            how_well,
            "loss 16.9078  top-1 100.0 %  lr 0.045000  3161.7 img/s  data wait 100.0 %"
        );
        let how_far = format!("epoch 199/200 [{:28}] 40035/40036  {left}", "");
        assert!(how_far.len() < 80 && how_well.len() < 80, "{how_far}");
    }

    #[test]
    fn a_validation_fits_into_eighty_columns() {
        let status = ValidationStatus {
            done: 49_999,
            images: 50_000,
            top1: 0.8098,
            images_per_second: 3161.66,
            left: Duration::from_secs(86_399),
        };
        let words = validating(&status);
        let (left, how_well) = words.split_once('\n').unwrap_or_default();
        assert_eq!(how_well, "top-1 80.98 %  3161.7 img/s");
        let how_far = format!("validation [{:28}] 49999/50000  {left}", "");
        assert_eq!(left, "ETA 23h 59m");
        assert!(how_far.len() < 80, "{how_far}");
    }
}
