//! The one hash of the format, XXH3 with 64 bits and seed 0, and its spelling in text.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// XXH3-64 of `bytes`, seed 0.
pub(crate) fn xxh3(bytes: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(bytes)
}

/// For `#[serde(with = …)]`: sixteen hexadecimal digits. A JSON number would lose the low bits in
/// every reader that keeps numbers as doubles.
pub(crate) fn serialize<S: Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hash:016x}"))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let canonical =
        text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    canonical
        .then(|| u64::from_str_radix(&text, 16).ok())
        .flatten()
        .ok_or_else(|| D::Error::custom(format!("{text:?} is not a hash of 16 hexadecimal digits")))
}
