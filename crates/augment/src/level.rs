//! Which instructions do the work. Nothing here depends on what the work is.

/// A set of vector instructions. All levels give the same bytes, only at different speeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust, for every processor.
    Scalar,
    /// 256-bit vectors (AVX2 and FMA: x86-64 from 2013 on).
    Avx2,
    /// 512-bit vectors with permutations of bytes (AVX-512 F, BW, DQ, VL, VBMI: Ice Lake, Zen 4).
    Avx512,
}

impl Level {
    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Level {
        *Level::available().last().unwrap_or(&Level::Scalar)
    }

    /// All that this processor has, slowest first.
    #[must_use]
    pub fn available() -> &'static [Level] {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi");
            match (avx2, avx512) {
                (true, true) => return &[Level::Scalar, Level::Avx2, Level::Avx512],
                (true, false) => return &[Level::Scalar, Level::Avx2],
                (false, _) => {}
            }
        }
        &[Level::Scalar]
    }
}
