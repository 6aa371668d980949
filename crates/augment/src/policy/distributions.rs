//! Normal, beta and Dirichlet variates of a [`SampleRng`]. How many numbers each takes is part of the contract of its
//! callers. Functions come from `libm`, so the bits are the same on every platform.

use std::f64::consts::TAU;

use crate::SampleRng;

/// Standard normal by Box and Muller's transform. Takes two numbers and does not use the second result.
pub(super) fn normal(rng: &mut SampleRng) -> f64 {
    let radius = (-2.0 * log_unit(rng)).sqrt();
    radius * libm::cos(TAU * rng.unit())
}

/// Beta(`alpha`, `alpha`) from two gamma variates; `alpha` must be positive.
pub(crate) fn beta(alpha: f64, rng: &mut SampleRng) -> f64 {
    let (one, other) = (log_gamma(alpha, rng), log_gamma(alpha, rng));
    1.0 / (1.0 + libm::exp(other - one))
}

/// Symmetric Dirichlet into `weights`, with one gamma variate for each.
pub(super) fn dirichlet(alpha: f64, weights: &mut [f64], rng: &mut SampleRng) {
    weights.fill_with(|| log_gamma(alpha, rng));
    let most = weights.iter().copied().fold(f64::MIN, f64::max);
    for weight in &mut *weights {
        *weight = libm::exp(*weight - most);
    }
    let sum: f64 = weights.iter().sum();
    for weight in weights {
        *weight /= sum;
    }
}

/// The logarithm of a gamma variate, so that small `alpha` do not underflow. Uses Marsaglia and Tsang's method (ACM
/// TOMS 26(3), 2000) for `alpha` + 1, times a power of a uniform variate.
fn log_gamma(alpha: f64, rng: &mut SampleRng) -> f64 {
    let d = alpha + 1.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        if log_unit(rng) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return libm::log(d * v) + log_unit(rng) / alpha;
        }
    }
}

/// The logarithm of a number that is uniform in (0, 1].
fn log_unit(rng: &mut SampleRng) -> f64 {
    libm::log(1.0 - rng.unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of 40,000 variates.
    fn moments(mut draw: impl FnMut(&mut SampleRng) -> f64) -> (f64, f64) {
        let mut rng = SampleRng::new(11, 0, 0);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..40_000 {
            let x = draw(&mut rng);
            assert!(x.is_finite());
            sum += x;
            squares += x * x;
        }
        let mean = sum / 40_000.0;
        (mean, squares / 40_000.0 - mean * mean)
    }

    #[test]
    fn normal_has_its_moments() {
        let (mean, variance) = moments(normal);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03);
    }

    #[test]
    fn beta_has_its_moments_however_small_alpha_is() {
        for alpha in [0.001, 0.2, 1.0, 8.0] {
            let (mean, variance) = moments(|rng| beta(alpha, rng));
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance - expected).abs() < 0.005, "{alpha}: {variance}");
        }
    }

    #[test]
    fn dirichlet_weights_add_up_to_one_and_are_exchangeable() {
        let mut weights = [0.0; 3];
        for (alpha, i) in [(1.0, 0), (1.0, 2), (0.01, 1)] {
            let (mean, variance) = moments(|rng| {
                dirichlet(alpha, &mut weights, rng);
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                weights[i]
            });
            let expected = (1.0 / 3.0) * (2.0 / 3.0) / (3.0 * alpha + 1.0);
            assert!((mean - 1.0 / 3.0).abs() < 0.01, "{mean}");
            assert!((variance - expected).abs() < 0.005, "{variance}");
        }
    }
}
