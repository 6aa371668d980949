//! Random numbers for generated images: a function of a key, the same on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014), keyed by a list of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream for `key`.
    pub fn new(key: &[u64]) -> Self {
        let mut random = Random(0);
        for &part in key {
            random.0 ^= part;
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in low..high.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform among low..=high.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + (self.unit() * f64::from(high - low + 1)) as u32
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A colour.
    pub fn colour(&mut self) -> [f64; 3] {
        std::array::from_fn(|_| self.uniform(0.0, 255.0))
    }
}
