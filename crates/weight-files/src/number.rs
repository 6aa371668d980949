//! Kinds of numbers, and f32 from and to them. All are little-endian in all formats.

use std::fmt;
use std::str::FromStr;

use half::{bf16, f16};

/// How numbers are stored in a file that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    BF16,
    F32,
    F64,
    /// Another type, by its name in the file.
    Other(String),
}

impl Number {
    /// Bytes per number; `None` for types that are never read.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::F16 | Self::BF16 => Some(2),
            Self::F32 => Some(4),
            Self::F64 => Some(8),
            Self::Other(_) => None,
        }
    }

    /// The numbers in `bytes` as f32; `None` for a type that is never read.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<Vec<f32>> {
        fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            let (whole, _) = bytes.as_chunks();
            whole.iter().map(|bytes| number(*bytes)).collect()
        }
        Some(match self {
            Self::F16 => each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::BF16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::Other(_) => return None,
        })
    }
}

/// How numbers are stored in a file that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision: every bit is kept.
    #[default]
    F32,
    /// IEEE half: 11 bits of precision, up to 65504.
    F16,
    /// The upper half of an f32: 8 bits of precision, any size.
    BF16,
}

impl Precision {
    /// Bytes of one number.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// The bytes of `values`, rounded to nearest. The error is the first value that is too large.
    pub(crate) fn encode(self, values: &[f32]) -> Result<Vec<u8>, f32> {
        let mut bytes = Vec::with_capacity(values.len() * self.size() as usize);
        for &value in values {
            match self {
                Self::F32 => bytes.extend(value.to_le_bytes()),
                Self::F16 | Self::BF16 => {
                    let (half, overflowed) = match self {
                        Self::F16 => {
                            let half = f16::from_f32(value);
                            (half.to_bits(), half.is_infinite())
                        }
                        _ => {
                            let half = bf16::from_f32(value);
                            (half.to_bits(), half.is_infinite())
                        }
                    };
                    if overflowed && value.is_finite() {
                        return Err(value);
                    }
                    bytes.extend(half.to_le_bytes());
                }
            }
        }
        Ok(bytes)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
        })
    }
}

/// Not the name of a precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of float32, float16, bfloat16")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "float32" => Ok(Self::F32),
            "float16" => Ok(Self::F16),
            "bfloat16" => Ok(Self::BF16),
            _ => Err(UnknownPrecision(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn halves_are_rounded_to_nearest_and_refused_where_they_overflow() {
        let third = 1.0_f32 / 3.0;
        assert_eq!(Precision::F16.encode(&[third]), Ok(vec![0x55, 0x35]));
        assert_eq!(Precision::BF16.encode(&[third]), Ok(vec![0xab, 0x3e]));
        assert_eq!(Precision::F16.encode(&[1.0, 65520.0]), Err(65520.0));
        assert_eq!(Precision::BF16.encode(&[f32::MAX]), Err(f32::MAX));
        let infinite = Precision::F16.encode(&[f32::INFINITY]).unwrap();
        assert_eq!(Number::F16.decode(&infinite), Some(vec![f32::INFINITY]));
    }

    #[test]
    fn names_are_there_and_back() {
        for precision in [Precision::F32, Precision::F16, Precision::BF16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        assert!("int8".parse::<Precision>().is_err());
    }
}
