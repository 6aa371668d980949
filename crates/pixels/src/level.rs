//! Which instructions a kernel may use. Nothing here depends on what the kernel does.
//!
//! This is the only place that asks the processor. A [`Level`] cannot be made anywhere else, so whoever
//! holds one knows that the processor has what [`Level::has`] confirms.

use std::fmt;
use std::sync::LazyLock;

/// How far vector instructions may be used. All levels give the same bytes, only at different speeds.
///
/// Levels come from [`Level::best`] and [`Level::available`], and never exceed what the processor has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    kind: LevelKind,
    /// A bit for each of [`Instructions`].
    has: u8,
}

/// The name of a [`Level`], to match on and to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LevelKind {
    /// Plain Rust, for every processor.
    Scalar,
    /// 256-bit vectors: x86-64 from 2013 on.
    Avx2,
    /// 512-bit vectors with dot products or with permutations of bytes: from Cascade Lake, Ice Lake and
    /// Zen 4 on.
    Avx512,
}

/// Sets of instructions that kernels need. A kernel that needs more than its level promises runs only
/// where the processor has the whole set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Instructions {
    /// AVX2.
    Avx2 = 1,
    /// AVX2 and FMA.
    Avx2Fma = 1 << 1,
    /// AVX2, BMI1, BMI2, LZCNT and POPCNT: Haswell, Zen and newer.
    Avx2Bmi = 1 << 2,
    /// AVX-512 F, BW and VL. Only promised together with one of the two below.
    Avx512 = 1 << 3,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni = 1 << 4,
    /// AVX-512 F, BW, DQ, VL and VBMI.
    Avx512Vbmi = 1 << 5,
    /// All of the above, and AVX-512 VBMI2.
    Avx512Vbmi2 = 1 << 6,
}

impl Level {
    /// Plain Rust.
    pub const SCALAR: Level = Level {
        kind: LevelKind::Scalar,
        has: 0,
    };

    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Level {
        *Level::available().last().unwrap_or(&Level::SCALAR)
    }

    /// All that this processor has, slowest first.
    #[must_use]
    pub fn available() -> &'static [Level] {
        static LEVELS: LazyLock<Vec<Level>> = LazyLock::new(|| levels(detect()));
        &LEVELS
    }

    /// The level of this kind, or the best one below it that this processor has.
    #[must_use]
    pub fn at_most(kind: LevelKind) -> Level {
        let levels = Level::available().iter().rev();
        let within = levels.copied().find(|level| level.kind <= kind);
        within.unwrap_or(Level::SCALAR)
    }

    /// Which level this is.
    #[must_use]
    pub const fn kind(self) -> LevelKind {
        self.kind
    }

    /// Whether these instructions may be used. If so, the processor has them.
    #[inline]
    #[must_use]
    pub const fn has(self, instructions: Instructions) -> bool {
        self.has & instructions as u8 != 0
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            LevelKind::Scalar => "scalar",
            LevelKind::Avx2 => "AVX2",
            LevelKind::Avx512 => "AVX-512",
        })
    }
}

/// The levels of a processor that has these sets of instructions.
fn levels(has: u8) -> Vec<Level> {
    use Instructions::{Avx2, Avx2Bmi, Avx2Fma, Avx512};
    let mut levels = vec![Level::SCALAR];
    if has & Avx2 as u8 != 0 {
        levels.push(Level {
            kind: LevelKind::Avx2,
            has: has & (Avx2 as u8 | Avx2Fma as u8 | Avx2Bmi as u8),
        });
    }
    if has & Avx512 as u8 != 0 {
        let kind = LevelKind::Avx512;
        levels.push(Level { kind, has });
    }
    levels
}

/// The sets of instructions that this processor has.
#[cfg(target_arch = "x86_64")]
fn detect() -> u8 {
    use Instructions::{Avx2, Avx2Bmi, Avx2Fma, Avx512, Avx512Vbmi, Avx512Vbmi2, Avx512Vnni};
    let avx2 = is_x86_feature_detected!("avx2");
    let fma = avx2 && is_x86_feature_detected!("fma");
    let bmi = avx2
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl");
    let vnni = avx512 && is_x86_feature_detected!("avx512vnni");
    let vbmi = avx512
        && fma
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vbmi");
    let vbmi2 = bmi && vnni && vbmi && is_x86_feature_detected!("avx512vbmi2");
    let sets = [
        (avx2, Avx2),
        (fma, Avx2Fma),
        (bmi, Avx2Bmi),
        // Skylake's AVX-512, without either extension, lowers the clock by more than it gains.
        (vnni || vbmi, Avx512),
        (vnni, Avx512Vnni),
        (vbmi, Avx512Vbmi),
        (vbmi2, Avx512Vbmi2),
    ];
    let there = sets.into_iter().filter(|(has, _)| *has);
    there.fold(0, |all, (_, set)| all | set as u8)
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> u8 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_promise_no_more_than_their_kind() {
        use Instructions::{Avx2, Avx2Fma, Avx512, Avx512Vnni};
        let all = Avx2 as u8 | Avx2Fma as u8 | Avx512 as u8 | Avx512Vnni as u8;
        let levels = levels(all);
        let kinds: Vec<_> = levels.iter().map(|level| level.kind()).collect();
        assert_eq!(
            kinds,
            [LevelKind::Scalar, LevelKind::Avx2, LevelKind::Avx512]
        );
        let promises = |set| {
            levels
                .iter()
                .map(|level| level.has(set))
                .collect::<Vec<_>>()
        };
        assert_eq!(promises(Avx2Fma), [false, true, true]);
        assert_eq!(promises(Avx512Vnni), [false, false, true]);
        assert_eq!(promises(Instructions::Avx512Vbmi), [false; 3]);
        assert!(levels.is_sorted());
    }

    #[test]
    fn a_level_above_the_processor_becomes_its_best() {
        assert_eq!(Level::at_most(LevelKind::Avx512), Level::best());
        assert_eq!(Level::at_most(LevelKind::Scalar), Level::SCALAR);
        for &level in Level::available() {
            assert_eq!(Level::at_most(level.kind()), level);
        }
    }
}
