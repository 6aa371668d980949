//! Random numbers for one sample: a counter-based stream and our own conversions from its words. It is not a general
//! generator: it only has the distributions that augmentation draws.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// The random numbers of one sample in one epoch.
///
/// ChaCha with 8 rounds. Its key is made of `seed` and `epoch`, its stream number is `position`. So streams do not
/// depend on one another or on who draws them, and starting one anywhere costs the same. The three integers are its
/// whole state; there is nothing else to save or restore.
///
/// **Value stability**: the numbers that each method returns for a given (seed, epoch, position) and sequence of calls
/// are part of this type's contract. They do not depend on platform or version. The conversions are written here, and
/// `exp` and `ln` come from `libm`, not from the system.
#[derive(Clone, Debug)]
pub struct SampleRng {
    stream: ChaCha8Rng,
}

/// Second half of the key. It keeps these streams apart from any other use of the same seed.
const DOMAIN: &[u8; 16] = b"augment::sample\0";

impl SampleRng {
    /// The stream of the sample at `position` in the global order of `epoch`.
    #[must_use]
    pub fn new(seed: u64, epoch: u64, position: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&epoch.to_le_bytes());
        key[16..].copy_from_slice(DOMAIN);
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(position);
        SampleRng { stream }
    }

    /// Uniform over all 64-bit integers.
    pub fn bits(&mut self) -> u64 {
        self.stream.next_u64()
    }

    /// Uniform over the 2^53 multiples of 2^-53 in [0, 1).
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.bits() >> 11) as f64 * STEP
    }

    /// Uniform over the integers 0 to `n` - 1, without bias; 0 when `n` is 0.
    ///
    /// Lemire's method (ACM TOMACS 29(1), 2019): the high half of `bits * n`. It draws again when the low half falls
    /// into the 2^64 mod `n` values that would make some results likelier.
    pub fn below(&mut self, n: u64) -> u64 {
        let mut product = u128::from(self.bits()) * u128::from(n);
        if (product as u64) < n {
            let surplus = n.wrapping_neg() % n;
            while (product as u64) < surplus {
                product = u128::from(self.bits()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// True with probability `p`: never for `p` <= 0, always for `p` >= 1. Always draws.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in [`low`, `high`); `low` itself when both are equal.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number whose logarithm is uniform in [ln `low`, ln `high`); both must be positive.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        libm::exp(self.uniform(libm::log(low), libm::log(high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_stable() {
        let mut rng = SampleRng::new(42, 3, 1_281_166);
        let drawn = (
            rng.bits(),
            rng.unit(),
            rng.below(1000),
            rng.uniform(0.08, 1.0),
            rng.log_uniform(0.75, 4.0 / 3.0),
        );
        assert_eq!(
            drawn,
            (
                15_116_301_620_356_389_080,
                0.459_122_205_834_454_96,
                853,
                0.811_838_213_377_469_9,
                0.979_630_461_220_380_7
            )
        );
        assert!(!rng.chance(0.25));
    }

    #[test]
    fn seed_epoch_and_position_each_select_another_stream() {
        let first = |seed, epoch, position| SampleRng::new(seed, epoch, position).bits();
        let all = [
            first(0, 0, 0),
            first(1, 0, 0),
            first(0, 1, 0),
            first(0, 0, 1),
            first(1 << 32, 0, 0),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b), "{all:x?}");
        }
    }

    #[test]
    fn below_is_uniform_and_total() {
        let mut rng = SampleRng::new(7, 0, 0);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6) as usize] += 1;
        }
        // Standard deviation of a count is 91.
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 500),
            "{counts:?}"
        );
        assert_eq!(rng.below(1), 0);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn below_rejects_what_would_be_biased() {
        // With n = 3 * 2^62, a third of the words must be drawn again, and all quarters are equal.
        let n = 3u64 << 62;
        let mut rng = SampleRng::new(7, 1, 0);
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[(rng.below(n) >> 62) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 450),
            "{counts:?}"
        );
    }

    #[test]
    fn ranges_hold() {
        let mut rng = SampleRng::new(1, 2, 3);
        let mut logs = 0.0;
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!((-2.0..5.0).contains(&rng.uniform(-2.0, 5.0)));
            logs += rng.log_uniform(0.5, 2.0).ln();
            assert!(!rng.chance(0.0));
            assert!(rng.chance(1.0));
        }
        assert!(
            (logs / 10_000.0).abs() < 0.02,
            "the mean of the logarithm is the middle: {logs}"
        );
        assert!((rng.uniform(0.3, 0.3) - 0.3).abs() < f64::EPSILON);
    }
}
